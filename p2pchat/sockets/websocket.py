"""The text socket over a WebSocket (RFC 6455), with the `websockets` library."""

import asyncio
import os
from urllib.parse import urlsplit

from websockets.asyncio.client import connect as websocket_connect
from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from p2pchat.errors import SocketClosed, SocketNotOpened
from p2pchat.sockets.loopback import is_loopback
from p2pchat.sockets.text_socket import MAX_FRAME, SENT_BINARY, TEXT_ONLY

PING_INTERVAL = 20.0  # seconds, the default of `websockets`; keeps NATs open
PING_TIMEOUT = None  # the original's servers answer no ping: who waits for a frame has a timeout of its own
CLOSE_TIMEOUT = 2.0  # seconds to wait for the other side's close frame; who leaves has no use for it


class WebSocket:
    """A `p2pchat.sockets.TextSocket` over one WebSocket."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def send(self, text: str) -> None:
        try:
            await self._connection.send(text)
        except ConnectionClosed as error:
            raise _closed(error) from None

    async def recv(self) -> str:
        try:
            frame = await self._connection.recv()
        except ConnectionClosed as error:
            raise _closed(error) from None
        if isinstance(frame, bytes):
            await self.close(1003, TEXT_ONLY)
            raise SocketClosed(1003, SENT_BINARY)
        return frame

    async def close(self, code: int = 1000, reason: str = "") -> None:
        try:
            await self._connection.close(code, reason)
        except asyncio.CancelledError:
            self._connection.transport.abort()  # whoever does not wait for the other side leaves nothing behind
            raise


async def connect(url: str, timeout: float) -> WebSocket:
    """Open a WebSocket to ``url`` within ``timeout`` seconds.

    Raises: SocketNotOpened.
    """
    try:
        connection = await websocket_connect(
            url,
            open_timeout=timeout,
            close_timeout=CLOSE_TIMEOUT,
            ping_interval=PING_INTERVAL,
            ping_timeout=PING_TIMEOUT,
            max_size=MAX_FRAME,
            compression=None,
            proxy=None if is_loopback(urlsplit(url).hostname or "") else True,  # no proxy leads back to this machine
        )
    except InvalidURI as error:
        raise SocketNotOpened(f"{error.uri!r} is not a WebSocket URL: {error.msg}") from None
    except ValueError as error:
        raise SocketNotOpened(f"{url!r} is not a WebSocket URL: {error}") from None
    except InvalidStatus as error:
        body = (error.response.body or b"").decode(errors="replace").strip()
        said = f"HTTP {error.response.status_code}" + (f", {body}" if body else "")
        raise SocketNotOpened(f"it answered {said}") from None
    except InvalidHandshake as error:
        raise SocketNotOpened(f"what answers there is not a WebSocket server ({error})") from None
    except TimeoutError:
        raise SocketNotOpened(f"no answer within {timeout:g} seconds") from None
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error  # asyncio's own text repeats the address
        raise SocketNotOpened(f"nobody listens there ({why})") from None
    return WebSocket(connection)


def _closed(error: ConnectionClosed) -> SocketClosed:
    if error.rcvd is not None:
        return SocketClosed(error.rcvd.code, error.rcvd.reason)
    return SocketClosed(1006, "the connection broke")
