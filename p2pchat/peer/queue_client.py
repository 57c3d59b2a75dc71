"""From START to MATCH: a place in the queue of a matchmaking server, and again in that of its successor.

A server that is restarted (close code 1012) has forgotten who waited: the client joins again, within the same timeout.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from p2pchat.errors import FrameError, MatchmakingFailed, SocketClosed, SocketNotOpened
from p2pchat.messages import Join, Match, parse_match
from p2pchat.peer.reconnect import Reconnect, is_it_running
from p2pchat.sockets import TextSocket, connect

WRONG_SERVER = "Is this the URL of a matchmaking server?"


class QueueClient:
    """One client of a matchmaking server; made by `connect`.

    Args:
        socket: to the server, open.
        url: of the server.
        join: the frame that asks for a stranger.
        timeout: seconds for the server to answer, or to be there again.
    """

    def __init__(self, socket: TextSocket, url: str, join: Join, timeout: float) -> None:
        self._socket = socket
        self._url = url
        self._join = join
        self._timeout = timeout
        self._reconnect = Reconnect(url, timeout)
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, url: str, join: Join, timeout: float) -> "QueueClient":
        """Open a socket to the server at ``url``. Raises: MatchmakingFailed."""
        with _explained(url, timeout):
            return cls(await connect(url, timeout), url, join, timeout)

    async def join(self) -> None:
        """Take a place in the queue. Raises: MatchmakingFailed."""
        with _explained(self._url, self._timeout):
            async with asyncio.timeout(self._timeout):
                await self._send_join()

    async def match(self, timeout: float) -> Match:
        """Wait for a stranger, ``timeout`` seconds at most, and begin to close the socket when there is one.

        Nobody need wait for the closing to go on to the room: some servers never answer a close.

        Raises: MatchmakingFailed.
        """
        with _explained(self._url, timeout):
            try:
                async with asyncio.timeout(timeout):
                    match = parse_match(await self._receive())
            except TimeoutError:
                raise MatchmakingFailed(f"Nobody came within {timeout:g} seconds. Press START to wait again.") from None
        self._begin_to_close()
        return match

    async def close(self) -> None:
        """Leave the queue, if there was no match, and wait until the socket is closed."""
        await asyncio.wait({self._begin_to_close()})

    async def _send_join(self) -> None:
        while True:
            try:
                return await self._socket.send(self._join.to_json())
            except SocketClosed as error:
                self._socket = await self._reconnect.after(error)

    async def _receive(self) -> str:
        while True:
            try:
                return await self._socket.recv()
            except SocketClosed as error:
                self._socket = await self._reconnect.after(error)
                await self._send_join()

    def _begin_to_close(self) -> asyncio.Task[None]:
        if self._closing is None:
            self._closing = asyncio.create_task(self._socket.close(), name="p2pchat closing")
        return self._closing


@contextmanager
def _explained(url: str, timeout: float) -> Iterator[None]:
    """Say in words for a person what went wrong with a socket, a frame or a timeout. Raises: MatchmakingFailed."""
    try:
        yield
    except SocketNotOpened as error:
        raise _failed(url, f"the server cannot be reached: {error.reason}", is_it_running(url)) from None
    except SocketClosed as error:
        raise _failed(url, f"the server ended the connection ({error})", is_it_running(url)) from None
    except TimeoutError:
        raise _failed(url, f"no answer within {timeout:g} seconds", is_it_running(url)) from None
    except FrameError as error:
        raise _failed(url, f"the server sent a frame that cannot be read ({error})", WRONG_SERVER) from None


def _failed(url: str, why: str, remedy: str) -> MatchmakingFailed:
    return MatchmakingFailed(f"Matchmaking failed ({url}): {why}. {remedy}")
