"""Events of the browser for Python that may come a moment late.

In JavaScript nobody is late: an event is handed over in the turn in which it happens, and whoever hears of a channel
there listens to it before its first message. Python that awaits the channel first, or hears of it through another
thread, is late by a turn or more. So what nobody has listened to yet waits here, in order, for the first who does.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from pyee.asyncio import AsyncIOEventEmitter


class PatientEmitter(AsyncIOEventEmitter):
    """Emits events as aiortc's objects do; those of one kind, ``kept``, wait for somebody to listen."""

    def __init__(self, kept: str) -> None:
        self._eventloop = asyncio.get_running_loop()
        super().__init__(self._eventloop)
        self._kind_kept = kept
        self._kept: deque[object] = deque()

    def _emit_or_keep(self, value: object) -> None:
        if self._kept or not self.listeners(self._kind_kept):
            self._kept.append(value)
        else:
            self._tell(self._kind_kept, value)

    def _release(self) -> None:
        while self._kept and self.listeners(self._kind_kept):
            self._tell(self._kind_kept, self._kept.popleft())

    def _tell(self, event: str, *values: object) -> None:
        """Emit, and see to it that a listener that fails is heard of and does not stop the events after it."""
        try:
            self.emit(event, *values)
        except Exception as error:
            self._eventloop.call_exception_handler({"message": f"a listener to {event!r} failed", "exception": error})

    def _add_event_handler(self, event: str, k: Callable[..., Any], v: Callable[..., Any]) -> None:
        super()._add_event_handler(event, k, v)
        if event == self._kind_kept and self._kept:
            self._eventloop.call_soon(self._release)
