"""The chat widget: a `ChatPeer` with buttons.

What it shows, when, and how a press comes to the event loop is the matter of `p2pchat.views.presenter`; here are the
views.
"""

import asyncio
from collections.abc import Callable, Sequence

from ipywidgets import Button, HBox, Label, VBox

from p2pchat.errors import ChatError
from p2pchat.peer import ChatPeer
from p2pchat.views.presenter import ChatStatus, Presenter
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
            asyncio.get_running_loop()
        except RuntimeError:
            raise ChatError(
                "A ChatWidget needs a running event loop: make it in a cell of a notebook, or in a coroutine."
            ) from None
        self.peer = peer
        name = "" if peer.name == "you" else peer.name
        of = f" of {name}" if name else ""
        self._start = Button(description="START", tooltip="Ask for a stranger", button_style="primary")
        self._next = Button(description="NEXT", tooltip="Leave this stranger and ask for another one")
        self._leave = Button(description="LEAVE", tooltip="Say goodbye")
        self.state = StateWord(name=name)
        self.where = Label(f"You meet {peer.where}.")
        self.where.add_class("p2pchat-where")
        self.record = Record(f"Chat{of}")
        self.box = MessageBox(f"Message{of}")
        toolbar = HBox([self._start, self._next, self._leave, self.state])
        toolbar.add_class("p2pchat-toolbar")
        super().__init__([toolbar, self.where, self.record, self.box])
        self.add_class("p2pchat")
        self._presenter = Presenter(peer, self)
        _on_click(self._start, self._presenter.start)
        _on_click(self._next, self._presenter.next)
        _on_click(self._leave, self._presenter.leave)
        self.box.on_send(self._presenter.send)
        self.box.on_typing(self._presenter.typing)

    def close(self) -> None:
        """Leave the chat and take the widget away; harmless when it is closed already."""
        if self.comm is None:
            return
        self._presenter.close()
        toolbar, *others = self.children
        for widget in (*toolbar.children, toolbar, *others):
            widget.close()
        super().close()

    # --- the view, as `p2pchat.views.presenter.View` asks for it --------------------------------------------------

    def show_status(self, status: ChatStatus) -> None:
        """Show the state and what can be done."""
        self._start.disabled = not status.can_start
        self._next.disabled = not status.can_next
        self._leave.disabled = not status.can_leave
        self.box.can_send = status.can_send
        self.box.hint = status.hint
        self.state.why = status.why
        self.state.state = status.state

    def write(self, author: str, text: str) -> int:
        """Write a line into the record. Returns: its number."""
        return self.record.write(author, text)

    def mark_delivered(self, numbers: Sequence[int]) -> None:
        """Mark lines as delivered."""
        self.record.mark_delivered(numbers)

    def show_typing(self, typing: bool) -> None:
        """Show whether the stranger is typing."""
        self.record.typing = typing

    def put_back(self, text: str) -> None:
        """Give back a text that could not be sent, to the one who wrote it."""
        self.box.put_back(text)


def _on_click(button: Button, act: Callable[[], None]) -> None:
    button.on_click(lambda _: act())
