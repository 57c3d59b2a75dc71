"""The chat widget: a `ChatPeer` with buttons.

It listens to the events of the peer, and each press of a button becomes a call of one of its methods, as a task on the
event loop that was running when the widget was made. That the loop is taken once and reached by
``call_soon_threadsafe`` only matters: some kernels call back on another thread (ipykernel 7.3), others do not.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ipywidgets import Button, HBox, VBox

from p2pchat.errors import ChatError, MessageRefused
from p2pchat.events import (
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
from p2pchat.peer import ChatPeer
from p2pchat.widgets.message_box import MessageBox
from p2pchat.widgets.record import STRANGER, SYS, YOU, Record
from p2pchat.widgets.state_word import StateWord

TYPING_HOLDS = 5.0  # seconds; who goes on typing says so every other second

HINTS = {
    State.IDLE: "Press START to meet a stranger",
    State.WAITING: "Waiting for a stranger …",
    State.MATCHED: "A stranger is coming …",
    State.CONNECTING: "A stranger is coming …",
    State.OPEN: "Say something; Enter sends it",
    State.CLOSED: "Press START to meet another stranger",
}


class ChatWidget(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """START, NEXT, LEAVE, the state, the record, and a box to write in, for one peer.

    The peer can be used from cells at the same time: the widget shows what it does, whoever made it do so. A widget
    that is made while the peer is already chatting shows what happens from then on. ``close()`` ends the chat too.

    Args:
        peer: whose chat this is; its name stands above, unless it is "you".

    Raises: ChatError, if no event loop is running, as one does in a cell of a notebook.
    """

    def __init__(self, peer: ChatPeer) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            raise ChatError(
                "A ChatWidget needs a running event loop: make it in a cell of a notebook, or in a coroutine."
            ) from None
        self.peer = peer
        self._tasks: set[asyncio.Task[None]] = set()
        self._undelivered: dict[int, int] = {}  # the number of a message and that of its line
        self._typing_ends: asyncio.TimerHandle | None = None
        name = "" if peer.name == "you" else peer.name
        of = f" of {name}" if name else ""
        self._start = self._button("START", "Ask for a stranger", peer.start, button_style="primary")
        self._next = self._button("NEXT", "Leave this stranger and ask for another one", peer.next)
        self._leave = self._button("LEAVE", "Say goodbye", peer.leave)
        self.state = StateWord(name=name)
        self.record = Record(f"Chat{of}")
        self.box = MessageBox(
            lambda text: self._on_loop(self._do, lambda: self._say(text)),
            lambda: self._on_loop(peer.typing),
            f"Message{of}",
        )
        toolbar = HBox([self._start, self._next, self._leave, self.state])
        toolbar.add_class("p2pchat-toolbar")
        super().__init__([toolbar, self.record, self.box])
        self.add_class("p2pchat")
        self._unsubscribe = peer.listen(self._show)
        self._show(StateChanged(peer.state, peer.why))

    def close(self) -> None:
        """Leave the chat and take the widget away; harmless when it is closed already."""
        if self.comm is None:
            return
        if not self._loop.is_closed():
            self._on_loop(self._stop)
        toolbar, *others = self.children
        for widget in (*toolbar.children, toolbar, *others):
            widget.close()
        super().close()

    def _stop(self) -> None:
        self._unsubscribe()
        if self._typing_ends is not None:
            self._typing_ends.cancel()
        self._do(self.peer.leave)

    # --- from the browser to the peer ---------------------------------------------------------------------------

    def _button(self, word: str, tooltip: str, act: Callable[[], Coroutine[Any, Any, None]], **how: str) -> Button:
        button = Button(description=word, tooltip=tooltip, **how)
        button.on_click(lambda _: self._on_loop(self._do, act))
        return button

    def _on_loop(self, call: Callable[..., None], *arguments: object) -> None:
        """Callbacks come on any thread: from here on everything is on the loop's."""
        self._loop.call_soon_threadsafe(call, *arguments)

    def _do(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = self._loop.create_task(act())
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        """A failure is shown where the user looks, unless the peer has told it already."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, ChatError):
            if str(error) != self.peer.why:
                self.record.add(SYS, str(error))
        elif error is not None:
            self.record.add(SYS, f"Something broke in p2pchat: {error!r}. Please report it.")

    async def _say(self, text: str) -> None:
        try:
            await self.peer.send(text)
        except MessageRefused:
            self.box.put_back(text)
            raise

    # --- from the peer to the browser -----------------------------------------------------------------------------

    def _show(self, event: Event) -> None:
        match event:
            case StateChanged(state, why):
                self._show_state(state, why)
            case MessageSent(number, text):
                self._undelivered[number] = self.record.add(YOU, text)
            case MessageReceived(text):
                self._show_typing(False)
                self.record.add(STRANGER, text)
            case Delivered(number):
                arrived = [sent for sent in self._undelivered if sent <= number]
                self.record.mark_delivered([self._undelivered.pop(sent) for sent in arrived])
            case StrangerTyping():
                self._show_typing(True)
            case Notice(text):
                self.record.add(SYS, text)
            case SaidGoodbye():
                pass  # the state closed comes next, and says why

    def _show_state(self, state: State, why: str) -> None:
        running = state not in (State.IDLE, State.CLOSED)
        self._start.disabled = running
        self._leave.disabled = not running
        self._next.disabled = not running or state is State.WAITING
        self.box.somebody = state is State.OPEN
        self.box.hint = HINTS[state]
        self.state.why = why
        self.state.state = state.value
        if state is not State.IDLE:  # nothing has happened yet
            self.record.add(SYS, why)
        self._undelivered.clear()
        self._show_typing(False)

    def _show_typing(self, typing: bool) -> None:
        if self._typing_ends is not None:
            self._typing_ends.cancel()
        self._typing_ends = self._loop.call_later(TYPING_HOLDS, self._show_typing, False) if typing else None
        self.record.typing = typing
