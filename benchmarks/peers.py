"""A ChatPeer beside bare aiortc: how long from START until both are open, and how long a message takes to and fro.

Everything runs in one process, as in a notebook: our two peers and both servers, or two bare RTCPeerConnections that
hand each other offer and answer directly. Engine and configuration are the same, so the difference is ours.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from statistics import median

from benchmarks.table import Row
from p2pchat import ChatPeer, MessageReceived, Servers, State
from p2pchat.webrtc import RTCDataChannel, RTCPeerConnection

LIMIT = 60.0  # seconds for any one meeting or round of messages
Echo = Callable[[str], Awaitable[None]]


async def start_to_open(rounds: int, meetings: int) -> list[Row]:
    pairs = []
    async with Servers(static_port=None) as servers:
        for number in range(rounds + 1):
            ours, bare = [], []
            for _ in range(meetings):
                began = time.perf_counter()
                async with _two_peers(servers):
                    ours.append(time.perf_counter() - began)
                began = time.perf_counter()
                async with _two_connections():
                    bare.append(time.perf_counter() - began)
            if number:  # the first round warms up
                pairs.append((median(ours) * 1e3, median(bare) * 1e3))
    return [Row("START → both open, ms", "bare aiortc, offer → open", pairs, goal=1.5)]


async def round_trip(rounds: int, messages: int, sizes: tuple[int, ...] = (64, 16 * 1024)) -> list[Row]:
    async with Servers(static_port=None) as servers, _two_peers(servers) as peers, _two_connections() as channels:
        ours, bare = _echo_of_peers(*peers), _echo_of_channels(*channels)
        rows = []
        for size in sizes:
            await _times(ours, size, messages)
            await _times(bare, size, messages)
            pairs = [(await _times(ours, size, messages), await _times(bare, size, messages)) for _ in range(rounds)]
            rows.append(Row(f"round trip of {size:,} bytes, ms", "bare aiortc, echo", pairs, goal=1.1))
    return rows


async def _times(echo: Echo, size: int, messages: int) -> float:
    """The median in milliseconds."""
    text = "x" * size
    took = []
    async with asyncio.timeout(LIMIT):
        for _ in range(messages):
            began = time.perf_counter()
            await echo(text)
            took.append(time.perf_counter() - began)
    return median(took) * 1e3


@asynccontextmanager
async def _two_peers(servers: Servers) -> AsyncIterator[tuple[ChatPeer, ChatPeer]]:
    """Two strangers, both open."""
    one, other = (ChatPeer(servers.matchmaking_url, servers.signaling_url) for _ in range(2))
    async with asyncio.timeout(LIMIT), one, other:
        await asyncio.gather(one.start(), other.start())
        await asyncio.gather(one.wait_for(State.OPEN), other.wait_for(State.OPEN))
        yield one, other


@asynccontextmanager
async def _two_connections() -> AsyncIterator[tuple[RTCDataChannel, RTCDataChannel]]:
    """Two bare peer connections, both ends of one DataChannel open."""
    one, other = RTCPeerConnection(), RTCPeerConnection()
    ours = one.createDataChannel("chat")
    opened = asyncio.Event()
    theirs: asyncio.Future[RTCDataChannel] = asyncio.get_running_loop().create_future()
    ours.on("open", opened.set)
    other.on("datachannel", theirs.set_result)
    try:
        async with asyncio.timeout(LIMIT):
            await one.setLocalDescription(await one.createOffer())
            await other.setRemoteDescription(one.localDescription)
            await other.setLocalDescription(await other.createAnswer())
            await one.setRemoteDescription(other.localDescription)
            await opened.wait()
            yield ours, await theirs
    finally:
        await asyncio.gather(one.close(), other.close())


def _echo_of_peers(one: ChatPeer, other: ChatPeer) -> Echo:
    answers: asyncio.Queue[str] = asyncio.Queue()

    def hear(event: object) -> None:
        if isinstance(event, MessageReceived):
            answers.put_nowait(event.text)

    one.listen(hear)

    def repeat(event: object) -> None:
        if isinstance(event, MessageReceived):
            other.send_nowait(event.text)

    other.listen(repeat)

    async def echo(text: str) -> None:
        await one.send(text)
        assert await answers.get() == text

    return echo


def _echo_of_channels(one: RTCDataChannel, other: RTCDataChannel) -> Echo:
    answers: asyncio.Queue[str] = asyncio.Queue()
    one.on("message", answers.put_nowait)
    other.on("message", other.send)

    async def echo(text: str) -> None:
        one.send(text)
        assert await answers.get() == text

    return echo
