"""Data channels and peer connections that do nothing by themselves: a test says what happens, and what was done."""

import asyncio
from dataclasses import dataclass

from pyee import EventEmitter

from p2pchat.peer.conversation import PROTOCOL

LATENCY = 0.125  # seconds from one end of a channel to the other


class FakeChannel(EventEmitter):
    """An RTCDataChannel: what is sent stands in ``sent``, and comes to the ``other`` end if there is one."""

    def __init__(self, protocol: str = PROTOCOL, readyState: str = "open", max_message: int = 65_536) -> None:
        super().__init__()
        self.protocol = protocol
        self.readyState = readyState
        self.bufferedAmount = 0
        self.bufferedAmountLowThreshold = 0
        self.max_message = max_message
        self.sent: list[str | bytes] = []
        self.other: FakeChannel | None = None

    def send(self, data: str | bytes) -> None:
        assert self.readyState == "open"
        if len(data) > self.max_message:
            raise ValueError(f"Cannot send {len(data)} bytes")
        self.sent.append(data)
        if self.other is not None:
            asyncio.get_running_loop().call_later(LATENCY, self.other.emit, "message", data)

    def open(self) -> None:
        self.readyState = "open"
        self.emit("open")

    def drain(self, to: int = 0) -> None:
        """Let what waits in the buffer leave."""
        was_high = self.bufferedAmount > self.bufferedAmountLowThreshold
        self.bufferedAmount = to
        if was_high and to <= self.bufferedAmountLowThreshold:
            self.emit("bufferedamountlow")

    def close(self) -> None:
        if self.readyState != "closed":
            self.readyState = "closed"
            self.emit("close")
            if self.other is not None:
                asyncio.get_running_loop().call_later(LATENCY, self.other.close)


def channels(protocol: str = PROTOCOL) -> tuple[FakeChannel, FakeChannel]:
    """The two ends of an open channel."""
    one, other = FakeChannel(protocol), FakeChannel(protocol)
    one.other, other.other = other, one
    return one, other


@dataclass
class FakeDescription:
    sdp: str


class FakeConnection(EventEmitter):
    """An RTCPeerConnection; all that were made stand in ``made``, a list of the class that a test makes of it."""

    made: "list[FakeConnection]"

    def __init__(self, configuration: object) -> None:
        super().__init__()
        self.configuration = configuration
        self.connectionState = "new"
        self.is_closed = False
        self.localDescription = FakeDescription("")
        self.remote: list[tuple[str, str]] = []
        self.candidates: list[str] = []
        self.channel: FakeChannel | None = None
        self.made.append(self)

    def createDataChannel(self, label: str, protocol: str) -> FakeChannel:
        self.channel = FakeChannel(protocol, "connecting")
        return self.channel

    async def setLocalDescription(self) -> None:
        self.localDescription = FakeDescription(f"description {len(self.made)}")

    async def setRemoteDescription(self, description: object) -> None:
        self.remote.append((description.type, description.sdp))  # type: ignore[attr-defined]

    async def addIceCandidate(self, candidate: object) -> None:
        self.candidates.append(candidate.ip)  # type: ignore[attr-defined]

    def become(self, state: str) -> None:
        self.connectionState = state
        self.emit("connectionstatechange")

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.is_closed = True
        self.become("closed")


def fake_connections() -> type[FakeConnection]:
    """A class of connections with a list of its own."""

    class Connection(FakeConnection):
        made: "list[FakeConnection]" = []  # noqa: RUF012

    return Connection
