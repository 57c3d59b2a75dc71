"""Text sockets from the server's side: a coroutine over one socket, put on a port."""

import logging
from collections.abc import Awaitable, Callable

from websockets.asyncio.server import Server, ServerConnection, serve

from p2pchat.errors import ServerFailed
from p2pchat.sockets.ports import why_not
from p2pchat.sockets.text_socket import MAX_FRAME
from p2pchat.sockets.websocket import WebSocket

CLOSE_TIMEOUT = 1.0  # seconds for a client to agree to a close: it is on this machine, and a learner waits

_logger = logging.getLogger(f"{__name__}.websockets")
_logger.setLevel(logging.CRITICAL)  # a browser that comes without a handshake is no news here


class PortListener:
    """A port on which each client gets a conversation of its own: a `p2pchat.sockets.Listener`."""

    def __init__(self, name: str, server: Server) -> None:
        self._server = server
        self.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/{name}"

    async def stop(self) -> None:
        """Tell the connected, close, and wait for the conversations to end; harmless when stopped already."""
        self._server.close(code=1001, reason="the server is going away")
        await self._server.wait_closed()


async def listen(name: str, converse: Callable[[WebSocket], Awaitable[None]]) -> PortListener:
    """Let ``converse(socket)`` talk to every client that comes to a free port of this machine.

    The socket is closed when the coroutine returns. Web pages are not let in, only programs: they send no Origin.

    Raises: ServerFailed.
    """

    async def one(connection: ServerConnection) -> None:
        await converse(WebSocket(connection))

    try:
        server = await serve(
            one,
            "127.0.0.1",
            0,
            origins=[None],
            compression=None,
            max_size=MAX_FRAME,
            close_timeout=CLOSE_TIMEOUT,
            server_header=None,
            logger=_logger,
        )
    except OSError as error:
        raise ServerFailed(why_not(name, "127.0.0.1", 0, error)) from None
    return PortListener(name, server)
