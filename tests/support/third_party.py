"""Third-party clients: the Ayame protocol by hand, and a partner that knows plain text only."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.events import LIMIT, until

LABEL = "matchmaking-example"  # of the original's channel
JOIN = {"user_id": "another make", "created_at": "2026-01-31T12:00:00Z"}


async def match(url: str) -> str:
    """Stand in the line as the original does. Returns: the room's id."""
    async with connect(url, compression=None) as socket:
        await socket.send(json.dumps(JOIN))
        return str(json.loads(await socket.recv())["room_id"])


class InTheRoom:
    """A client of the signaling server who says only what a test lets it say."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.frames: list[dict[str, Any]] = []
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for text in self._socket:
                frame = json.loads(text)
                if frame["type"] == "ping":
                    await self.say("pong")
                else:
                    self.frames.append(frame)

    async def say(self, kind: str, **fields: object) -> None:
        await self._socket.send(json.dumps({"type": kind, **fields}))

    async def frame(self, kind: str, timeout: float = LIMIT) -> dict[str, Any]:
        """Wait for the first frame of a kind."""
        await until(
            lambda: any(f["type"] == kind for f in self.frames), f"a frame {kind!r}", lambda: self.frames, timeout
        )
        return next(frame for frame in self.frames if frame["type"] == kind)

    @property
    def is_there(self) -> bool:
        return not self.reading.done()

    async def leave(self) -> None:
        await self._socket.close()
        await asyncio.wait({self.reading})

    def vanish(self) -> None:
        self._socket.transport.abort()


@asynccontextmanager
async def enter(url: str, room: str) -> AsyncIterator[InTheRoom]:
    async with connect(url, compression=None) as socket:
        await socket.send(json.dumps({"type": "register", "roomId": room, "clientId": "another make"}))
        stranger = InTheRoom(socket)
        try:
            await stranger.frame("accept")
            yield stranger
        finally:
            await stranger.leave()


class PlainPartner:
    """Bare aiortc: sends each message as one text frame, and shows whatever comes as a message."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channel: RTCDataChannel | None = None
        self.heard: list[str | bytes] = []
        self.connection.on("datachannel", self._take)

    def _take(self, channel: RTCDataChannel) -> None:
        self.channel = channel
        channel.on("message", self.heard.append)

    @property
    def is_open(self) -> bool:
        return self.channel is not None and self.channel.readyState == "open"

    async def offer(self) -> str:
        self._take(self.connection.createDataChannel(LABEL))
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def answer(self, sdp: str) -> str:
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return self.connection.localDescription.sdp

    async def take_answer(self, sdp: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    async def negotiate(self, room: InTheRoom) -> None:
        """Do this side's part, as the room's server wants it, until the channel is open."""
        if (await room.frame("accept"))["isExistClient"]:
            await room.say("offer", sdp=await self.offer())
            await self.take_answer((await room.frame("answer"))["sdp"])
        else:
            await room.say("answer", sdp=await self.answer((await room.frame("offer"))["sdp"]))
        await until(lambda: self.is_open, "the channel is open")

    async def close(self) -> None:
        await self.connection.close()
