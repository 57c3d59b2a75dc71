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
        on_say: is called with each text that is sent; never with a blank one.
        on_typing: is called while somebody writes, at most once a second.

    Both are called on whatever thread the kernel handles widgets on.
    """

    _esm = Path(__file__).with_name("message_box.js")
    _css = Path(__file__).with_name("message_box.css")

    label = traitlets.Unicode("Message").tag(sync=True)  # for a screen reader
    hint = traitlets.Unicode().tag(sync=True)  # in the empty box
    somebody = traitlets.Bool(False).tag(sync=True)  # whether SEND can be pressed

    def __init__(self, on_say: Callable[[str], None], on_typing: Callable[[], None], label: str) -> None:
        super().__init__(label=label)
        self._on_say = on_say
        self._on_typing = on_typing
        self.on_msg(self._receive)

    def put_back(self, text: str) -> None:
        """Give back a text that could not be sent, before what was written since."""
        self.send({"back": text})

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        match content:
            case {"say": str(text)} if text.strip():
                self._on_say(text)
            case {"typing": True}:
                self._on_typing()
