"""The text socket over a WebSocket (RFC 6455), with the browser's own (https://websockets.spec.whatwg.org).

It is used like `p2pchat.sockets.websocket` and says the same, as far as a browser lets a page know: why a connection
could not be made it keeps to itself. And a page may close with the codes 1000 and 3000 to 4999 only, so what
`websockets` would close with 1003 goes out as 4003.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from js import WebSocket, location
from pyodide.ffi import JsException, create_proxy

from p2pchat.errors import SocketClosed, SocketNotOpened
from p2pchat.sockets.close_reason import shortened
from p2pchat.sockets.inbox import Inbox
from p2pchat.sockets.text_socket import SENT_BINARY, TEXT_ONLY, TOO_LARGE, is_too_large

CLOSE_TIMEOUT = 2.0  # seconds to wait for the other side's close frame, as in `p2pchat.sockets.websocket`


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
        """Wait for the handshake. Raises: SocketNotOpened."""
        await self._opened

    async def send(self, text: str) -> None:
        self._inbox.check()
        if self._closing:
            raise SocketClosed(1006, "it is being closed")
        self._socket.send(text)

    async def recv(self) -> str:
        return await self._inbox.recv()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self._start_close(code, reason)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._inbox.wait_ended()
        finally:
            self.abort()

    def abort(self) -> None:
        """Listen no more, and let the browser close it in its own time; harmless when it is closed already."""
        self._start_close(1000, "")
        self._inbox.end(1006, "the connection broke")
        if not self._opened.done():
            self._opened.cancel()
        self._listen(onopen=None, onmessage=None, onclose=None)
        for proxy in self._proxies:
            proxy.destroy()
        self._proxies.clear()

    def _start_close(self, code: int, reason: str) -> None:
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
            self._fail(1003, TEXT_ONLY, SENT_BINARY)
        elif is_too_large(text):
            self._fail(1009, TOO_LARGE, TOO_LARGE)
        else:
            self._inbox.put(text)

    def _fail(self, code: int, reason: str, reason_here: str) -> None:
        """Close because of what the other side sent: it is told why, and so is who reads here."""
        self._start_close(code, reason)
        self._inbox.end(code, reason_here)

    def _on_close(self, event: Any) -> None:
        code = int(event.code)
        self._inbox.end(code, str(event.reason) if code != 1006 else "the connection broke")
        if not self._opened.done():
            self._opened.set_exception(SocketNotOpened(NOT_OPENED.format(str(location.origin))))
        self.abort()


NOT_OPENED = (
    "no WebSocket was opened, and a browser does not say why. Perhaps nobody listens there, "
    "or the server lets in no pages from {}"
)


async def connect(url: str, timeout: float) -> JsWebSocket:
    """Open a WebSocket to ``url`` within ``timeout`` seconds.

    Raises: SocketNotOpened.
    """
    _check(url)
    try:
        socket = JsWebSocket(url)
    except JsException as error:
        raise SocketNotOpened(_why(url, error)) from None
    try:
        async with asyncio.timeout(timeout):
            await socket.opened()
    except TimeoutError:
        socket.abort()
        raise SocketNotOpened(f"no answer within {timeout:g} seconds") from None
    except BaseException:
        socket.abort()
        raise
    return socket


def _check(url: str) -> None:
    """Browsers take ``http:`` for ``ws:``, and anything else as an address on this very site; we do not.

    Raises: SocketNotOpened.
    """
    try:
        parts = urlsplit(url)
        has_host = parts.hostname and parts.port != 0  # asking for the port raises where it is none
    except ValueError as error:
        raise _bad_url(url, str(error)) from None
    if parts.scheme not in ("ws", "wss"):
        raise _bad_url(url, "it does not begin with ws:// or wss://")
    if not has_host:
        raise _bad_url(url, "it names no host")
    if "#" in url:
        raise _bad_url(url, "it has a fragment, the part after #")


def _bad_url(url: str, why: str) -> SocketNotOpened:
    return SocketNotOpened(f"{url!r} is not a WebSocket URL: {why}")


def _why(url: str, error: Any) -> str:
    """What the browser said when it would not even try."""
    if error.name == "SecurityError":
        return f"a page that came by https, as this one from {location.origin}, may use wss:// only"
    return f"{url!r} is not a WebSocket URL: {error.message}"
