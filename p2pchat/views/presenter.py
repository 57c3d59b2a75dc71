"""What a chat looks like, whatever draws it: events of a `ChatPeer` become calls of a view, presses those of the peer.

The widget of the notebooks is a view (`p2pchat.views.widgets`), and so is the page ``/chat/``, whose view is written in
JavaScript (``jupyterlite/chat/chat.js``). A view draws and knows nothing; all that it must be told is in `View`. What
is pressed there becomes a call of `Presenter`, on whatever thread.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from p2pchat.errors import ChatError, MessageRefused
from p2pchat.peer import ChatPeer
from p2pchat.peer.events import (
    Delivered,
    Event,
    MessageReceived,
    MessageSent,
    Notice,
    SaidGoodbye,
    State,
    StateChanged,
    StrangerTyping,
)

TYPING_HOLDS = 5.0  # seconds that a sign of typing is shown: who goes on says so every 2 s, and one may be late
MAX_LINES = 2_000  # in a record; beyond them the oldest are forgotten (our choice)
MAX_CHARACTERS = 2_000_000  # in all lines of a record together, likewise: 30 of the longest messages

HINTS = {
    State.IDLE: "Press START to meet a stranger",
    State.WAITING: "Waiting for a stranger …",
    State.MATCHED: "A stranger is coming …",
    State.CONNECTING: "A stranger is coming …",
    State.OPEN: "Say something; Enter sends it",
    State.CLOSED: "Press START to meet another stranger",
}


class Author(StrEnum):
    """Whose a line of a record is."""

    SYS = "Sys"
    YOU = "You"
    STRANGER = "Stranger"


@dataclass(frozen=True, slots=True)
class ChatStatus:
    """Where a chat stands: its state, why, what is to be done about it, and what can be pressed."""

    state: str  # the word for it, one of those of `State`
    why: str
    hint: str  # for the empty message box
    can_start: bool
    can_next: bool
    can_leave: bool
    can_send: bool


class View(Protocol):
    """What draws a chat. All methods are called on the event loop's thread."""

    def show_status(self, status: ChatStatus) -> None:
        """Show the state and what can be done."""

    def write(self, author: str, text: str) -> int:
        """Write a line into the record. Returns: its number."""

    def mark_delivered(self, numbers: Sequence[int]) -> None:
        """Mark lines as delivered."""

    def show_typing(self, typing: bool) -> None:
        """Show whether the stranger is typing."""

    def put_back(self, text: str) -> None:
        """Give back a text that could not be sent, to the one who wrote it."""


class Presenter:
    """Between one peer and one view; made where an event loop runs.

    What a view calls (`start`, `next`, `leave`, `send`, `typing`, `close`) returns at once and may be called on any
    thread: it is done on the loop, in the order of the calls, and a failure becomes a line of the record. That is
    ``call_soon_threadsafe``, for some kernels call back on another thread (ipykernel 7.3), and others do not.

    The peer can be used from elsewhere at the same time: the view shows what it does, whoever made it do so.
    """

    def __init__(self, peer: ChatPeer, view: View) -> None:
        self.peer = peer
        self._view = view
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._undelivered: dict[int, int] = {}  # the number of a message and that of its line
        self._typing_ends: asyncio.TimerHandle | None = None
        self._unsubscribe = peer.listen(self._show)
        self._show(StateChanged(peer.state, peer.why))

    # --- what a view calls, on any thread -----------------------------------------------------------------------

    def start(self) -> None:
        """START: ask for a stranger."""
        self._begin(self.peer.start)

    def next(self) -> None:
        """NEXT: leave this stranger and ask for another one."""
        self._begin(self.peer.next)

    def leave(self) -> None:
        """LEAVE: say goodbye."""
        self._begin(self.peer.leave)

    def send(self, text: str) -> None:
        """SEND: say what was written. A text that is refused is given back to the view."""
        self._begin(self._send, text)

    def typing(self) -> None:
        """A key was pressed in the message box."""
        self._loop.call_soon_threadsafe(self.peer.typing)

    def close(self) -> None:
        """Leave the chat, and show no more of it; harmless when the loop has ended."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._close)

    # --- what becomes of it, on the loop ------------------------------------------------------------------------

    def _begin(self, act: Callable[..., Coroutine[Any, Any, None]], *arguments: str) -> None:
        self._loop.call_soon_threadsafe(self._create_task, act, *arguments)

    def _create_task(self, act: Callable[..., Coroutine[Any, Any, None]], *arguments: str) -> None:
        task = self._loop.create_task(act(*arguments))
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        """A failure is shown where the user looks, unless the peer has told it already."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, ChatError):
            if str(error) != self.peer.why:
                self._view.write(Author.SYS, str(error))
        elif error is not None:
            self._view.write(Author.SYS, f"Something broke in p2pchat: {error!r}. Please report it.")

    async def _send(self, text: str) -> None:
        try:
            await self.peer.send(text)
        except MessageRefused:
            self._view.put_back(text)
            raise

    def _close(self) -> None:
        self._unsubscribe()
        if self._typing_ends is not None:
            self._typing_ends.cancel()
        self._create_task(self.peer.leave)

    # --- what the view is told ----------------------------------------------------------------------------------

    def _show(self, event: Event) -> None:
        match event:
            case StateChanged(state, why):
                self._show_state(state, why)
            case MessageSent(number, text):
                self._undelivered[number] = self._view.write(Author.YOU, text)
            case MessageReceived(text):
                self._show_typing(False)
                self._view.write(Author.STRANGER, text)
            case Delivered(number):
                arrived = [sent for sent in self._undelivered if sent <= number]
                self._view.mark_delivered([self._undelivered.pop(sent) for sent in arrived])
            case StrangerTyping():
                self._show_typing(True)
            case Notice(text):
                self._view.write(Author.SYS, text)
            case SaidGoodbye():
                pass  # the state closed comes next, and says why

    def _show_state(self, state: State, why: str) -> None:
        running = state not in (State.IDLE, State.CLOSED)
        self._view.show_status(
            ChatStatus(
                state.value,
                why,
                HINTS[state],
                can_start=not running,
                can_next=running and state is not State.WAITING,
                can_leave=running,
                can_send=state is State.OPEN,
            )
        )
        if state is not State.IDLE:  # nothing has happened yet
            self._view.write(Author.SYS, why)
        self._undelivered.clear()
        self._show_typing(False)

    def _show_typing(self, typing: bool) -> None:
        if self._typing_ends is not None:
            self._typing_ends.cancel()
        self._typing_ends = self._loop.call_later(TYPING_HOLDS, self._show_typing, False) if typing else None
        self._view.show_typing(typing)
