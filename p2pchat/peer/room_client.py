"""A client of the signaling server, in one room: it enters, answers pings, and carries the frames of a negotiation.

A server that is restarted (close code 1012) knows nothing of the room any more: `reenter` comes to the same room of its
successor.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from p2pchat.errors import FrameError, SignalingFailed, SocketClosed, SocketNotOpened
from p2pchat.messages import Accept, Ping, Pong, Register, Reject, SignalingFrame, parse_signaling
from p2pchat.peer.reconnect import Reconnect, is_it_running
from p2pchat.sockets import TextSocket, connect
from p2pchat.trace import SIGNALING, PeerTrace


class RoomClient:
    """One client of a signaling server; made by `connect`.

    Args:
        socket: to the server, open.
        url: of the server.
        timeout: seconds for the server to answer, or to be there again.
        trace: where each frame is reported; its room is the one to enter.
    """

    def __init__(self, socket: TextSocket, url: str, timeout: float, trace: PeerTrace) -> None:
        self._socket = socket
        self._url = url
        self._timeout = timeout
        self._trace = trace
        self._reconnect = Reconnect(url, timeout)

    @classmethod
    async def connect(cls, url: str, timeout: float, trace: PeerTrace) -> "RoomClient":
        """Open a socket to the server at ``url``. Raises: SignalingFailed."""
        with _explained(url, timeout):
            return cls(await connect(url, timeout), url, timeout, trace)

    async def enter(self) -> Accept:
        """Enter the room; if the server is restarted meanwhile, that of its successor. Raises: SignalingFailed."""
        with _explained(self._url, self._timeout):
            async with asyncio.timeout(self._timeout):
                return await self._register()

    async def reenter(self, error: SocketClosed) -> Accept:
        """Enter the same room again, of a server that ``error`` says is restarted. Raises: SignalingFailed."""
        with _explained(self._url, self._timeout):
            self._socket = await self._reconnect.after(error)
            async with asyncio.timeout(self._timeout):
                return await self._register()

    async def send(self, frame: SignalingFrame) -> None:
        """Send a frame. Raises: SocketClosed."""
        self._trace.sent(SIGNALING, _kind(frame))
        await self._socket.send(frame.to_json())

    async def receive(self) -> SignalingFrame:
        """Wait for the next frame that is no ping.

        What cannot be read is ignored, as the protocol asks of clients.

        Raises: SocketClosed.
        """
        while True:
            try:
                frame = parse_signaling(await self._socket.recv())
            except FrameError:
                continue
            self._trace.received(SIGNALING, _kind(frame))
            if not isinstance(frame, Ping):
                return frame
            await self.send(Pong())

    async def close(self) -> None:
        """Leave the room; harmless when it was left already."""
        await self._socket.close()

    def failed(self, why: str) -> SignalingFailed:
        """What to raise, and to tell a person, where the server did not do its part."""
        return _failed(self._url, why, "Press START to try again.")

    async def _register(self) -> Accept:
        while True:
            try:
                await self.send(Register(self._trace.room, standalone=True))
                return await self._accepted()
            except SocketClosed as error:
                self._socket = await self._reconnect.after(error)

    async def _accepted(self) -> Accept:
        while True:
            match await self.receive():
                case Accept() as accept:
                    return accept
                case Reject(reason):
                    raise self.failed(f"the server refused us: {reason}")


@contextmanager
def _explained(url: str, timeout: float) -> Iterator[None]:
    """Say in words for a person what a socket raises, and what a timeout means. Raises: SignalingFailed."""
    try:
        yield
    except SocketNotOpened as error:
        raise _failed(url, f"the server cannot be reached: {error.reason}", is_it_running(url)) from None
    except SocketClosed as error:
        raise _failed(url, f"the server ended the connection ({error})", "Press START to try again.") from None
    except TimeoutError:
        raise _failed(url, f"no answer within {timeout:g} seconds", is_it_running(url)) from None


def _failed(url: str, why: str, remedy: str) -> SignalingFailed:
    return SignalingFailed(f"Signaling failed ({url}): {why}. {remedy}")


def _kind(frame: SignalingFrame) -> str:
    """What a trace calls it."""
    return type(frame).__name__.lower()
