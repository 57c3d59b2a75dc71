"""Waiting for what must happen, with a limit, and a sentence where it does not."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from p2pchat import ChatPeer, MessageReceived, Notice, State, StateChanged
from p2pchat.peer.events import Event

Kind = TypeVar("Kind")  # of events
LIMIT = 60.0  # seconds for anything that a test waits for, however busy the machine


async def until(
    holds: Callable[[], object], what: str, seen: Callable[[], object] = str, timeout: float = LIMIT
) -> None:
    """Wait for something that announces itself by no event."""
    end = asyncio.get_running_loop().time() + timeout
    while not holds():
        assert asyncio.get_running_loop().time() < end, f"not within {timeout:g} s: {what}; {seen()}"
        await asyncio.sleep(0.005)


class Log:
    """All that a peer has told, and a way to wait for more."""

    def __init__(self, peer: ChatPeer) -> None:
        self.peer = peer
        self.events: list[Event] = []
        self._news = asyncio.Event()
        peer.listen(self._add)

    def _add(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    async def until(self, holds: Callable[[], object], timeout: float = LIMIT) -> None:
        """Wait until ``holds`` does; it is looked at after every event."""
        try:
            async with asyncio.timeout(timeout):
                while not holds():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"not within {timeout:g} s; the last events: {self.events[-5:]}") from None

    async def event(self, kind: type[Kind], timeout: float = LIMIT) -> Kind:
        """Wait for the first event of a kind."""
        await self.until(lambda: self.of(kind), timeout)
        return self.of(kind)[0]

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.of(MessageReceived)]

    @property
    def notices(self) -> list[str]:
        return [event.text for event in self.of(Notice)]

    @property
    def states(self) -> list[State]:
        return [event.state for event in self.of(StateChanged)]

    async def closed(self, timeout: float = LIMIT) -> str:
        """Wait for the end. Returns: why, in words."""
        await self.until(lambda: State.CLOSED in self.states, timeout)
        return self.peer.why
