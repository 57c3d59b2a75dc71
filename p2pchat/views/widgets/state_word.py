"""The state of a peer as a word and a colour.

ipywidgets' Label and HTML would show it too. They cannot be an ARIA live region, though, by which a screen reader hears
of a change; so this is an anywidget of a few lines.
"""

from pathlib import Path

import traitlets
from anywidget import AnyWidget


class StateWord(AnyWidget):
    """One of the words of `p2pchat.State`, with the name of the peer before it."""

    _esm = Path(__file__).with_name("state_word.js")
    _css = Path(__file__).with_name("state_word.css")

    name = traitlets.Unicode().tag(sync=True)
    state = traitlets.Unicode().tag(sync=True)
    why = traitlets.Unicode().tag(sync=True)  # shown where the pointer rests
