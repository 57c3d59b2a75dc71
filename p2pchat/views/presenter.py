"""What a chat looks like, whatever draws it: events of a `ChatPeer` become calls of a view, presses those of the peer.

The widget of the notebooks is a view (`p2pchat.views.widgets`), and so is the page ``/chat/`` (`p2pchat.views.page`).
A view draws and knows nothing; all that it must be told is in `View`.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
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

SYS, YOU, STRANGER = "Sys", "You", "Stranger"  # who says the lines of a record
TYPING_HOLDS = 5.0  # seconds; who goes on typing says so every other second

HINTS = {
    State.IDLE: "Press START to meet a stranger",
    State.WAITING: "Waiting for a stranger …",
    State.MATCHED: "A stranger is coming …",
    State.CONNECTING: "A stranger is coming …",
    State.OPEN: "Say something; Enter sends it",
    State.CLOSED: "Press START to meet another stranger",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a chat stands: its state, why, what is to be done about it, and which buttons can be pressed."""

    state: State
    why: str
    hint: str
    can_start: bool
    can_next: bool
    can_leave: bool
    somebody: bool  # is there to be talked to


class View(Protocol):
    """What draws a chat. All methods are called on the event loop."""

    def stand(self, standing: Standing) -> None:
        """Show the state and what can be done."""

    def write(self, who: str, text: str) -> int:
        """Write a line into the record. Returns: its number."""

    def mark_delivered(self, numbers: Iterable[int]) -> None:
        """Mark lines as delivered."""

    def show_typing(self, typing: bool) -> None:
        """Show whether the stranger is typing."""

    def put_back(self, text: str) -> None:
        """Give back a text that could not be sent, to the one who wrote it."""


class Presenter:
    """Between one peer and one view; made where an event loop runs.

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

    def close(self) -> None:
        """Leave the chat, and show no more of it."""
        self._unsubscribe()
        if self._typing_ends is not None:
            self._typing_ends.cancel()
        self.do(self.peer.leave)

    def do(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something that takes time, for instance ``peer.start``; a failure becomes a line of the record."""
        task = self._loop.create_task(act())
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def say(self, text: str) -> None:
        """Send what was written."""
        self.do(lambda: self._say(text))

    def _done(self, task: asyncio.Task[None]) -> None:
        """A failure is shown where the user looks, unless the peer has told it already."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, ChatError):
            if str(error) != self.peer.why:
                self._view.write(SYS, str(error))
        elif error is not None:
            self._view.write(SYS, f"Something broke in p2pchat: {error!r}. Please report it.")

    async def _say(self, text: str) -> None:
        try:
            await self.peer.send(text)
        except MessageRefused:
            self._view.put_back(text)
            raise

    def _show(self, event: Event) -> None:
        match event:
            case StateChanged(state, why):
                self._show_state(state, why)
            case MessageSent(number, text):
                self._undelivered[number] = self._view.write(YOU, text)
            case MessageReceived(text):
                self._show_typing(False)
                self._view.write(STRANGER, text)
            case Delivered(number):
                arrived = [sent for sent in self._undelivered if sent <= number]
                self._view.mark_delivered([self._undelivered.pop(sent) for sent in arrived])
            case StrangerTyping():
                self._show_typing(True)
            case Notice(text):
                self._view.write(SYS, text)
            case SaidGoodbye():
                pass  # the state closed comes next, and says why

    def _show_state(self, state: State, why: str) -> None:
        running = state not in (State.IDLE, State.CLOSED)
        self._view.stand(
            Standing(
                state,
                why,
                HINTS[state],
                can_start=not running,
                can_next=running and state is not State.WAITING,
                can_leave=running,
                somebody=state is State.OPEN,
            )
        )
        if state is not State.IDLE:  # nothing has happened yet
            self._view.write(SYS, why)
        self._undelivered.clear()
        self._show_typing(False)

    def _show_typing(self, typing: bool) -> None:
        if self._typing_ends is not None:
            self._typing_ends.cancel()
        self._typing_ends = self._loop.call_later(TYPING_HOLDS, self._show_typing, False) if typing else None
        self._view.show_typing(typing)
