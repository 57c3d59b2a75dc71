"""Events of the browser for Python that may come a moment late.

In JavaScript nobody is late: an event is handed over in the turn in which it happens, and whoever is told of a channel
there listens to it before its first message. Python that awaits the channel first, or is told of it through another
thread, is late by a turn or more. So events that nobody has listened to yet are buffered here, in order, for the first
listener.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from pyee.asyncio import AsyncIOEventEmitter


class BufferingEmitter(AsyncIOEventEmitter):
    """Emits events as aiortc's objects do; those of one kind, ``buffered``, wait for somebody to listen.

    ``error`` carries an exception. Where nobody listens to it, the event loop's exception handler is told, which logs.
    """

    def __init__(self, buffered: str) -> None:
        self._eventloop = asyncio.get_running_loop()
        super().__init__(self._eventloop)
        self._buffered_event = buffered
        self._buffer: deque[object] = deque()

    def _emit_or_buffer(self, value: object) -> None:
        if self._buffer or not self.listeners(self._buffered_event):
            self._buffer.append(value)
        else:
            self._emit_safely(self._buffered_event, value)

    def _flush(self) -> None:
        while self._buffer and self.listeners(self._buffered_event):
            self._emit_safely(self._buffered_event, self._buffer.popleft())

    def _emit_safely(self, event: str, *values: object) -> None:
        """Emit, and see to it that a listener that fails is told of and does not stop the events after it."""
        failed = f"a listener to {event!r} failed" if self.listeners(event) else f"{type(self).__name__} failed"
        try:
            self.emit(event, *values)  # which raises an error that nobody listens to
        except Exception as error:
            self._eventloop.call_exception_handler({"message": failed, "exception": error})

    def _add_event_handler(self, event: str, k: Callable[..., Any], v: Callable[..., Any]) -> None:
        super()._add_event_handler(event, k, v)
        if event == self._buffered_event and self._buffer:
            self._eventloop.call_soon(self._flush)
