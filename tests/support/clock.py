"""The clock of the event loop, in the hand of a test: a timeout is over when the test says so, not on a slow machine.

Whatever waits by asyncio (`asyncio.timeout`, `asyncio.sleep`, ``call_later``) goes by it. So a test that wants to see a
timeout takes the real ones and puts the clock forward, once all is as it should be; and that something needs no timer
at all is shown by a clock that stands still.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

STEP = 0.25  # seconds that pass at once: who wakes up in them may go to sleep again and be woken by the next
TURNS = 10  # of the event loop after each step, for what wakes up


class Clock:
    """The time of the running loop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self._real = loop.time
        self._ahead = 0.0
        self._stands_at: float | None = None
        monkeypatch.setattr(loop, "time", self.time)

    def time(self) -> float:
        return self._ahead + (self._real() if self._stands_at is None else self._stands_at)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Let no time pass: what comes about in here needs no timer."""
        self._stands_at = self._real()
        try:
            yield
        finally:
            self._stands_at = None

    async def advance(self, seconds: float) -> None:
        """Let so many seconds pass at once, in small steps."""
        end = self._ahead + seconds
        while self._ahead < end:
            self._ahead = min(end, self._ahead + STEP)
            for _ in range(TURNS):
                await asyncio.sleep(0)

    async def advance_until(self, holds: Callable[[], object], at_most: float) -> float:
        """Let time pass until it holds. Returns: how many seconds, which are ``at_most`` so many."""
        began = self._ahead
        while not holds():
            assert self._ahead - began < at_most, f"not within {at_most:g} s of this clock"
            await self.advance(STEP)
        return self._ahead - began
