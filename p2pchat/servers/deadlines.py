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
        self._timer: asyncio.TimerHandle | None = None

    def add(self, item: Item) -> None:
        """Begin to wait for ``item``; one that is waited for already keeps its time."""
        if self._delay and item not in self._due:
            self._due[item] = asyncio.get_running_loop().time() + self._delay
            self._set_timer()

    def discard(self, item: Item) -> None:
        """Wait for it no more."""
        self._due.pop(item, None)

    def clear(self) -> None:
        """Wait for nothing any more."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self) -> None:
        """For whoever is due first; there is one timer at most, and one that is early is set anew when it rings."""
        if self._timer is None and self._due:
            self._timer = asyncio.get_running_loop().call_at(next(iter(self._due.values())), self._on_timer)

    def _on_timer(self) -> None:
        now = asyncio.get_running_loop().time()
        try:
            while self._due:
                item, due = next(iter(self._due.items()))
                if due > now:
                    break
                del self._due[item]
                self._act(item)
        finally:  # also where one raises: the others are still due
            self._timer = None
            self._set_timer()
