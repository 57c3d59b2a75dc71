"""The message box with its SEND button.

ipywidgets' Text and Button would do, but for a race: their text comes to Python later than the click that sends it
(changes are throttled), and when Python clears the box, what is typed next may be lost. Here the browser sends
the text itself, in one message, and clears the box at once.

The box can always be written in. If it were disabled or read-only while nobody is there, the keys of one who writes
when the stranger leaves would go to the notebook, where "dd" deletes a cell.
"""

from collections.abc import Callable
from pathlib import Path

import traitlets
from anywidget import AnyWidget


class MessageBox(AnyWidget):
    """Where a message is written; Enter or SEND sends it, Shift+Enter begins a new line.

    Args:
        label: what a screen reader calls it.
    """

    _esm = Path(__file__).with_name("message_box.js")
    _css = Path(__file__).with_name("message_box.css")

    label = traitlets.Unicode("Message").tag(sync=True)
    hint = traitlets.Unicode().tag(sync=True)  # in the empty box
    can_send = traitlets.Bool(False).tag(sync=True)  # whether SEND can be pressed

    def __init__(self, label: str) -> None:
        super().__init__(label=label)
        self._send_listeners: list[Callable[[str], None]] = []
        self._typing_listeners: list[Callable[[], None]] = []
        self.on_msg(self._receive)

    def on_send(self, listener: Callable[[str], None]) -> None:
        """Call ``listener`` with each text that is sent; never with a blank one. On whatever thread the kernel has."""
        self._send_listeners.append(listener)

    def on_typing(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` while somebody writes, at most once a second. On whatever thread the kernel has."""
        self._typing_listeners.append(listener)

    def put_back(self, text: str) -> None:
        """Give back a text that could not be sent, before what was written since."""
        self.send({"put_back": text})

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        match content:
            case {"send": str(text)} if text.strip():
                for on_send in self._send_listeners:
                    on_send(text)
            case {"typing": True}:
                for on_typing in self._typing_listeners:
                    on_typing()
