"""Two ends of a connection, and how they come together: what the conformance tests have on every engine.

It is shipped into browsers as it is, beside the tests that use it, so it imports nothing but Python's own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

Pair = tuple["End", "End"]


class End:
    """One side: a connection, and what its channels brought."""

    def __init__(self, engine: ModuleType) -> None:
        self.engine = engine
        self.connection = engine.RTCPeerConnection(engine.RTCConfiguration(iceServers=[]))
        self.states: list[str] = []
        self.channels: list[Any] = []
        self.messages: list[str | bytes] = []
        self.changed = asyncio.Event()
        self.connection.on("datachannel", self.take)
        self.connection.on("connectionstatechange", self.look)

    def look(self) -> None:
        self.states.append(self.connection.connectionState)
        self.changed.set()

    def take(self, channel: Any) -> None:
        self.channels.append(channel)
        for event in ("open", "close", "bufferedamountlow"):
            channel.on(event, self.changed.set)
        channel.on("message", self.hear)
        self.changed.set()

    def hear(self, message: str | bytes) -> None:
        self.messages.append(message)
        self.changed.set()

    def create(self, label: str = "chat", **options: Any) -> Any:
        self.take(self.connection.createDataChannel(label, **options))
        return self.channels[-1]

    async def until(self, holds: Callable[[], object], timeout: float = 60.0) -> None:
        async with asyncio.timeout(timeout):
            while not holds():
                self.changed.clear()
                await self.changed.wait()


async def negotiate(one: End, other: End) -> None:
    description = one.engine.RTCSessionDescription
    await one.connection.setLocalDescription(await one.connection.createOffer())
    offer = one.connection.localDescription
    await other.connection.setRemoteDescription(description(sdp=offer.sdp, type=offer.type))
    await other.connection.setLocalDescription(await other.connection.createAnswer())
    answer = other.connection.localDescription
    await one.connection.setRemoteDescription(description(sdp=answer.sdp, type=answer.type))


@asynccontextmanager
async def two_ends(engine: ModuleType) -> AsyncIterator[Pair]:
    """Two sides that know nothing of each other yet."""
    both = End(engine), End(engine)
    try:
        yield both
    finally:
        await asyncio.gather(*(end.connection.close() for end in both))


async def opened(one: End, other: End, **options: Any) -> tuple[Any, Any]:
    """The two ends of one open channel."""
    ours = one.create(**options)
    await negotiate(one, other)
    await one.until(lambda: ours.readyState == "open")
    await other.until(lambda: other.channels and other.channels[0].readyState == "open")
    return ours, other.channels[0]
