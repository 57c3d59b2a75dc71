"""Many timers of the same length as one: what is added first is due first, so a queue in that order is enough.

A timer of the event loop for each client would cost more than all that a core does for it.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Deadlines(Generic[Item]):
    """Calls ``act`` with each item that was not discarded within ``delay`` seconds; 0 is for ever."""

    def __init__(self, delay: float, act: Callable[[Item], None]) -> None:
        self._delay = delay
        self._act = act
        self._due: dict[Item, float] = {}  # in the order of adding, which is that of the times
        self._alarm: asyncio.TimerHandle | None = None

    def add(self, item: Item) -> None:
        """Begin to wait for ``item``; one that is waited for already keeps its time."""
        if not self._delay or item in self._due:
            return
        loop = asyncio.get_running_loop()
        due = self._due[item] = loop.time() + self._delay
        if self._alarm is None:
            self._alarm = loop.call_at(due, self._on_alarm)

    def discard(self, item: Item) -> None:
        """Wait for it no more."""
        self._due.pop(item, None)

    def clear(self) -> None:
        """Wait for nothing any more."""
        self._due.clear()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _on_alarm(self) -> None:
        loop = asyncio.get_running_loop()
        self._alarm = None
        while self._due:
            item, due = next(iter(self._due.items()))
            if due > loop.time():
                self._alarm = loop.call_at(due, self._on_alarm)
                return
            del self._due[item]
            self._act(item)
