"""An event loop whose clock jumps: what waits for seconds is done at once, in the same order, on any machine."""

import asyncio
import selectors
from asyncio import TimerHandle
from collections.abc import Callable
from contextvars import Context
from typing import TypeVarTuple

Ts = TypeVarTuple("Ts")

PATIENCE = 10.0  # real seconds in which another thread may still do something


class FakeTimeLoop(asyncio.SelectorEventLoop):
    """Its time begins at 0, and goes on only where all wait for a timer: then to that timer."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self.now

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> TimerHandle:
        """As the loop of Pyodide does, and asyncio's does not: it refuses a time that is over."""
        if when < self.now:
            raise ValueError("Can't schedule in the past")
        return super().call_at(when, callback, *args, context=context)


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self, loop: FakeTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(PATIENCE if timeout is None else 0)
        if not ready and timeout is None:
            raise RuntimeError("Everybody waits, and nothing will ever happen.")
        if not ready and timeout is not None and timeout > 0:
            self._loop.now += timeout
        return ready


async def pause(seconds: float = 0.0) -> None:
    """Let time pass, and everything be done that can be done until then."""
    await asyncio.sleep(seconds)
    for _ in range(10):  # turns of the loop: the longest chain of callbacks has some five
        await asyncio.sleep(0)
