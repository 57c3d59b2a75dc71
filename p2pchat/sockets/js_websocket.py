"""The text socket over a WebSocket (RFC 6455), with the browser's own (https://websockets.spec.whatwg.org).

It is used like `p2pchat.sockets.websocket` and says the same, as far as a browser lets a page know: why a connection
could not be made it keeps to itself. And a page may close with the codes 1000 and 3000 to 4999 only, so what
`websockets` would close with 1003 goes out as 4003.
"""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from js import WebSocket, location
from pyodide.ffi import JsException, create_proxy

from p2pchat.errors import SocketClosed
from p2pchat.sockets.close_reason import shortened
from p2pchat.sockets.inbox import TOO_LARGE, Inbox, is_too_large

CLOSE_TIMEOUT = 2.0  # seconds to wait for the other side's close frame

TEXT_ONLY = "this protocol knows text frames only"
SENT_BINARY = f"it sent a binary frame, and {TEXT_ONLY}"


class JsWebSocket:
    """A `p2pchat.sockets.TextSocket` over one WebSocket of the browser."""

    def __init__(self, url: str) -> None:
        self._inbox = Inbox()
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closing = False
        self._proxies: list[Any] = []
        self._socket: Any = WebSocket.new(url)
        self._socket.binaryType = "arraybuffer"
        self._listen(onopen=self._on_open, onmessage=self._on_message, onclose=self._on_close)

    async def opened(self) -> None:
        """Wait for the handshake. Raises: SocketClosed."""
        await self._opened

    async def send(self, text: str) -> None:
        self._inbox.check()
        if self._closing:
            raise SocketClosed(1006, "it is being closed")
        self._socket.send(text)

    async def recv(self) -> str:
        return await self._inbox.recv()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self._say_close(code, reason)
        try:
            await self._inbox.wait_ended(CLOSE_TIMEOUT)
        finally:
            self.drop()

    def drop(self) -> None:
        """Listen no more, and let the browser close it in its own time; harmless when it is closed already."""
        self._say_close(1000, "")
        self._inbox.end(1006, "the connection broke")
        if not self._opened.done():
            self._opened.cancel()
        self._listen(onopen=None, onmessage=None, onclose=None)
        for proxy in self._proxies:
            proxy.destroy()
        self._proxies.clear()

    def _say_close(self, code: int, reason: str) -> None:
        if not self._closing:
            self._closing = True
            self._socket.close(code if code == 1000 or code >= 3000 else 3000 + code, shortened(reason))

    def _listen(self, **listeners: Callable[[Any], None] | None) -> None:
        for event, listener in listeners.items():
            if listener is not None:
                listener = create_proxy(listener)
                self._proxies.append(listener)
            setattr(self._socket, event, listener)

    def _on_open(self, _: object) -> None:
        if not self._opened.done():
            self._opened.set_result(None)

    def _on_message(self, event: Any) -> None:
        text = event.data
        if not isinstance(text, str):
            self._refuse(1003, TEXT_ONLY, SENT_BINARY)
        elif is_too_large(text):
            self._refuse(1009, TOO_LARGE, TOO_LARGE)
        else:
            self._inbox.put(text)

    def _refuse(self, code: int, reason: str, told: str) -> None:
        """Close because of what the other side sent: it is told why, and so is who reads here."""
        self._say_close(code, reason)
        self._inbox.end(code, told)

    def _on_close(self, event: Any) -> None:
        code = int(event.code)
        self._inbox.end(code, str(event.reason) if code != 1006 else "the connection broke")
        if not self._opened.done():
            self._opened.set_exception(SocketClosed(1006, NOT_OPENED.format(str(location.origin))))
        self.drop()


NOT_OPENED = (
    "no WebSocket was opened, and a browser does not say why. Perhaps nobody listens there, "
    "or the server lets in no pages from {}"
)


async def connect(url: str, timeout: float) -> JsWebSocket:
    """Open a WebSocket to ``url`` within ``timeout`` seconds.

    Raises: SocketClosed, with code 1006 and a reason in words.
    """
    _check(url)
    try:
        socket = JsWebSocket(url)
    except JsException as error:
        raise SocketClosed(1006, _why(url, error)) from None
    try:
        async with asyncio.timeout(timeout):
            await socket.opened()
    except TimeoutError:
        socket.drop()
        raise SocketClosed(1006, f"no answer within {timeout:g} seconds") from None
    except BaseException:
        socket.drop()
        raise
    return socket


def _check(url: str) -> None:
    """Browsers take ``http:`` for ``ws:``, and anything else as an address on this very site; we do not.

    Raises: SocketClosed.
    """
    try:
        parts = urlsplit(url)
        has_host = parts.hostname and parts.port != 0  # asking for the port raises where it is none
    except ValueError as error:
        raise _no_address(url, str(error)) from None
    if parts.scheme not in ("ws", "wss"):
        raise _no_address(url, "it does not begin with ws:// or wss://")
    if not has_host:
        raise _no_address(url, "it names no host")
    if "#" in url:
        raise _no_address(url, "it has a fragment, the part after #")


def _no_address(url: str, why: str) -> SocketClosed:
    return SocketClosed(1006, f"{url!r} is no WebSocket address: {why}")


def _why(url: str, error: Any) -> str:
    """What the browser said when it would not even try."""
    if error.name == "SecurityError":
        return f"a page that came by https, as this one from {location.origin}, may use wss:// only"
    return f"{url!r} is no WebSocket address: {error.message}"
