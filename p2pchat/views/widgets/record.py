"""The RECORD of a chat: who said what, and when.

Python keeps the lines, a bounded number of them. A browser gets each new line once, as a custom message, so the
thousandth costs as little as the first. Lines are numbered: a browser that comes later (a reloaded page, a second
window), or that finds a number missing, asks for all that there are.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import traitlets
from anywidget import AnyWidget

from p2pchat.views.presenter import MAX_CHARACTERS, MAX_LINES

TOGETHER = 0.02  # seconds, about one frame of a screen, in which new lines are collected to travel in one message


@dataclass(slots=True)
class Line:
    """One line of a record; ``at`` is in milliseconds since 1970, as JavaScript counts."""

    number: int
    at: int
    author: str
    text: str
    delivered: bool = False


class Record(AnyWidget):
    """The lines of a chat, the oldest first. It is made, and its methods are called, where an event loop runs.

    Args:
        label: what a screen reader calls it.
        max_lines: beyond these the oldest are forgotten.
        max_characters: in all lines together, likewise.
    """

    _esm = Path(__file__).with_name("record.js")
    _css = Path(__file__).with_name("record.css")

    label = traitlets.Unicode("Record").tag(sync=True)
    typing = traitlets.Bool(False).tag(sync=True)  # whether the stranger is

    def __init__(self, label: str, *, max_lines: int = MAX_LINES, max_characters: int = MAX_CHARACTERS) -> None:
        super().__init__(label=label)
        self._loop = asyncio.get_running_loop()
        self._max_lines = max_lines
        self._max_characters = max_characters
        self._lines: deque[Line] = deque()
        self._characters = 0
        self._next = 0
        self._unsent: list[Line] = []
        self._sending: asyncio.TimerHandle | None = None
        self.on_msg(self._receive)

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines that it still knows."""
        return tuple(self._lines)

    def write(self, author: str, text: str) -> int:
        """Write a line. Returns: its number."""
        line = Line(self._next, time.time_ns() // 1_000_000, author, text)
        self._next += 1
        self._lines.append(line)
        self._characters += len(text)
        while len(self._lines) > 1 and (len(self._lines) > self._max_lines or self._characters > self._max_characters):
            self._characters -= len(self._lines.popleft().text)
        self._unsent.append(line)
        if self._sending is None:
            self._sending = self._loop.call_later(TOGETHER, self._send_new)
        return line.number

    def mark_delivered(self, numbers: Iterable[int]) -> None:
        """Mark lines as delivered; those that are forgotten already do not matter."""
        first = self._lines[0].number if self._lines else 0
        known = [number for number in numbers if number >= first]
        for number in known:
            self._lines[number - first].delivered = True
        if known:
            self.send({"delivered": known})

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        """Answer a browser, on the loop's thread: the kernel may call on another one."""
        if content == {"ask": "lines"}:
            self._loop.call_soon_threadsafe(self._send_all)

    def _send_all(self) -> None:
        self._send_lines(self._lines)

    def _send_new(self) -> None:
        self._sending = None
        first = self._lines[0].number
        unsent, self._unsent = self._unsent, []
        self._send_lines(line for line in unsent if line.number >= first)

    def _send_lines(self, lines: Iterable[Line]) -> None:
        first = self._lines[0].number if self._lines else 0
        self.send({"first": first, "lines": [asdict(line) for line in lines]})
