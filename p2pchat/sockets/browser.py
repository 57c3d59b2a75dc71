"""The text sockets of a browser: which transport a URL stands for, and a server where there are no ports."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

from p2pchat.sockets import js_websocket
from p2pchat.sockets.tabs import connection
from p2pchat.sockets.tabs.listener import TabListener
from p2pchat.sockets.text_socket import TABS, Listener, TextSocket


async def connect(url: str, timeout: float) -> TextSocket:
    """Open a socket to ``url`` within ``timeout`` seconds: ``tabs:NAME``, or ``ws://…`` and ``wss://…``.

    Raises: SocketNotOpened.
    """
    if url.startswith(TABS):
        return await connection.connect(url, timeout)
    return await js_websocket.connect(url, timeout)


async def listen(name: str, converse: Callable[[TextSocket], Awaitable[None]]) -> Listener:
    """Let ``converse(socket)`` talk to every client that comes, from this tab or another one of this site.

    The socket is closed when the coroutine returns. The URL is a new one each time, as a free port would be.

    Raises: ServerFailed.
    """
    listener = TabListener(f"{uuid4()}/{name}", converse)
    await listener.start()
    return listener
