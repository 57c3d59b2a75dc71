"""The chat widget: a `ChatPeer` with buttons.

What it shows, and when, is the matter of `p2pchat.views.presenter`; here are the views, and the way from a press to the
event loop that was running when the widget was made. That the loop is taken once and reached by
``call_soon_threadsafe`` only matters: some kernels call back on another thread (ipykernel 7.3), others do not.
"""

import asyncio
from collections.abc import Callable, Iterable

from ipywidgets import Button, HBox, Label, VBox

from p2pchat.errors import ChatError
from p2pchat.peer import ChatPeer
from p2pchat.views.presenter import Presenter, Standing
from p2pchat.views.widgets.message_box import MessageBox
from p2pchat.views.widgets.record import Record
from p2pchat.views.widgets.state_word import StateWord


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
        name = "" if peer.name == "you" else peer.name
        of = f" of {name}" if name else ""
        self._start = self._button("START", "Ask for a stranger", lambda: self._presenter.do(peer.start))
        self._start.button_style = "primary"
        self._next = self._button(
            "NEXT", "Leave this stranger and ask for another one", lambda: self._presenter.do(peer.next)
        )
        self._leave = self._button("LEAVE", "Say goodbye", lambda: self._presenter.do(peer.leave))
        self.state = StateWord(name=name)
        self.where = Label(f"You meet {peer.where}.")
        self.where.add_class("p2pchat-where")
        self.record = Record(f"Chat{of}")
        self.box = MessageBox(
            lambda text: self._on_loop(lambda: self._presenter.say(text)),
            lambda: self._on_loop(peer.typing),
            f"Message{of}",
        )
        toolbar = HBox([self._start, self._next, self._leave, self.state])
        toolbar.add_class("p2pchat-toolbar")
        super().__init__([toolbar, self.where, self.record, self.box])
        self.add_class("p2pchat")
        self._presenter = Presenter(peer, self)

    def close(self) -> None:
        """Leave the chat and take the widget away; harmless when it is closed already."""
        if self.comm is None:
            return
        if not self._loop.is_closed():
            self._on_loop(self._presenter.close)
        toolbar, *others = self.children
        for widget in (*toolbar.children, toolbar, *others):
            widget.close()
        super().close()

    def _button(self, word: str, tooltip: str, act: Callable[[], None]) -> Button:
        button = Button(description=word, tooltip=tooltip)
        button.on_click(lambda _: self._on_loop(act))
        return button

    def _on_loop(self, act: Callable[[], None]) -> None:
        """Callbacks come on any thread: from here on everything is on the loop's."""
        self._loop.call_soon_threadsafe(act)

    # --- the view, as `p2pchat.views.presenter.View` asks for it --------------------------------------------------

    def stand(self, standing: Standing) -> None:
        """Show the state and what can be done."""
        self._start.disabled = not standing.can_start
        self._next.disabled = not standing.can_next
        self._leave.disabled = not standing.can_leave
        self.box.somebody = standing.somebody
        self.box.hint = standing.hint
        self.state.why = standing.why
        self.state.state = standing.state.value

    def write(self, who: str, text: str) -> int:
        """Write a line into the record. Returns: its number."""
        return self.record.add(who, text)

    def mark_delivered(self, numbers: Iterable[int]) -> None:
        """Mark lines as delivered."""
        self.record.mark_delivered(numbers)

    def show_typing(self, typing: bool) -> None:
        """Show whether the stranger is typing."""
        self.record.typing = typing

    def put_back(self, text: str) -> None:
        """Give back a text that could not be sent, to the one who wrote it."""
        self.box.put_back(text)
