"""What runs in Pyodide, in a tab: the functions of plain.js once more, in Python with p2pchat."""

import asyncio
import time
from statistics import median

import js

from p2pchat import ChatPeer, State, StateChanged
from p2pchat.webrtc import RTCDataChannel, RTCPeerConnection, RTCSessionDescription

AT_ONCE = 10  # round trips by one look at the clock, which shows tenths of a millisecond
connection: RTCPeerConnection
channel: RTCDataChannel
peer: ChatPeer
opened = asyncio.Event()
answers: asyncio.Queue[str] = asyncio.Queue()
low = asyncio.Event()
missing = 0


async def start(matchmaking: str, signaling: str) -> list[float]:
    global peer
    began = now()
    peer = ChatPeer(matchmaking, signaling)
    open_at = []
    peer.listen(lambda event: open_at.append(now()) if is_open(event) else None)
    await peer.start()
    await peer.wait_for(State.OPEN, 30)
    return [began, open_at[0]]


def now() -> float:
    """Milliseconds, comparable between tabs."""
    return float(js.performance.timeOrigin + js.performance.now())


def is_open(event: object) -> bool:
    return isinstance(event, StateChanged) and event.state is State.OPEN


async def leave() -> None:
    await peer.leave()


async def offer() -> str:
    global connection, channel
    connection = RTCPeerConnection()
    channel = connection.createDataChannel("bench")
    channel.on("open", opened.set)
    channel.on("message", answers.put_nowait)
    await connection.setLocalDescription(await connection.createOffer())
    return connection.localDescription.sdp


async def answer(sdp: str) -> str:
    global connection
    connection = RTCPeerConnection()
    connection.on("datachannel", adopt)
    await connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
    await connection.setLocalDescription(await connection.createAnswer())
    return connection.localDescription.sdp


def adopt(theirs: RTCDataChannel) -> None:
    def hear(message: str | bytes) -> None:
        global missing
        if isinstance(message, str):
            theirs.send(message)  # an echo
            return
        missing -= len(message)
        if missing <= 0:
            theirs.send("all")  # which ends the time at the sender

    theirs.on("message", hear)


async def accept(sdp: str) -> None:
    await connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
    await opened.wait()


async def round_trips(times: int) -> float:
    values = []
    for _ in range(0, times, AT_ONCE):
        began = time.perf_counter()
        for _ in range(AT_ONCE):
            channel.send("x" * 64)
            await answers.get()
        values.append((time.perf_counter() - began) / AT_ONCE)
    return median(values) * 1e3


def expect(size: int) -> None:
    global missing
    missing = size


async def flood(size: int) -> float:
    message = bytes(16384)
    channel.bufferedAmountLowThreshold = 262144
    channel.on("bufferedamountlow", low.set)
    began = time.perf_counter()
    for _ in range(0, size, len(message)):
        if channel.bufferedAmount > 1048576:
            low.clear()
            await low.wait()
        channel.send(message)
    await answers.get()
    return size / 1e6 / (time.perf_counter() - began)
