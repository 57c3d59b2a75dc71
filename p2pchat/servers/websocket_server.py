"""One core on a real port, over WebSockets.

A `WebSocketServer` listens, knows all connections, and holds each to its limits. What they say goes to a `CoreRunner`,
which sends and closes as the core wants. It never waits for one client while another has something to say: a frame to
send is kept ready, all that is ready goes out when everything that has come was read, and a client that does not read
what was sent to it is closed.
"""

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Sequence

from websockets.http11 import Request

from p2pchat.core import Core
from p2pchat.servers.bind import BACKLOG, bind
from p2pchat.servers.connection import Connection
from p2pchat.servers.core_runner import CoreRunner
from p2pchat.servers.deadlines import Deadlines
from p2pchat.servers.handshake import Answer, answer, too_many_connections
from p2pchat.servers.limits import Limits
from p2pchat.servers.token_bucket import TokenBucket
from p2pchat.sockets.close_reason import without_quotes
from p2pchat.sockets.ports import in_url

logger = logging.getLogger(__name__)

CLOSE_TIMEOUT = 1.0  # seconds from the first sign of an end to the end of TCP: some round trips around the Earth
PING_EVERY = 20.0  # seconds, as `websockets` has it by default; NATs drop a connection that is silent for longer
GOING_AWAY = "the server is going away"


class WebSocketServer:
    """One core behind one port.

    Args:
        name: what the log calls it; its path is ``/name``.
        core: the state machine; nobody else may use it.
        max_frame: bytes in one frame from a client, 0 for no bound.
        limits: the other limits.
        origins: web pages that are allowed besides those of `p2pchat.servers.origins`.
        log_private: let addresses and frames, session descriptions included, into the log.
        ping_every: seconds between two WebSocket pings; who leaves one unanswered for as long is given up.
    """

    def __init__(
        self,
        name: str,
        core: Core,
        *,
        max_frame: int,
        limits: Limits | None = None,
        origins: Sequence[str] = (),
        log_private: bool = False,
        ping_every: float = PING_EVERY,
    ) -> None:
        self.name = name
        self.url = ""  # where it listens, for instance ``ws://127.0.0.1:8081/matchmaking``; empty when it does not
        self._core = core
        self._max_frame = max_frame
        self._limits = limits or Limits()
        self._origins = tuple(origins)
        self._log_private = log_private
        self._sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._connections: set[Connection] = set()  # from their first packet to their last
        self._all_gone = asyncio.Event()
        self._by_address: Counter[str] = Counter()
        self._served = 0
        self._ready: dict[Connection, None] = {}  # who has frames to be flushed, in order
        self._first_frames = Deadlines(self._limits.first_frame, self._on_no_frame)
        self._pings = Deadlines(ping_every, self._ping)
        self._closing = Deadlines(CLOSE_TIMEOUT, Connection.abort)

    @property
    def connections(self) -> int:
        """How many TCP connections there are, whatever they have become."""
        return len(self._connections)

    @property
    def unsent(self) -> int:
        """How many bytes wait for clients to read."""
        return sum(connection.unsent for connection in self._connections)

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Listen on ``host`` and ``port``, 0 for any free one.

        Raises: ServerFailed.
        """
        sockets = self._sockets = bind(self.name, host, port)
        self._loop = loop = asyncio.get_running_loop()
        self._runner = CoreRunner(self.name, self._core, loop)
        max_size, time = self._max_frame or None, loop.time
        timeout = self._limits.first_frame or None
        self._servers = [
            await loop.create_server(
                lambda: Connection(self, max_size, time),
                sock=listening,
                backlog=BACKLOG,  # asyncio would set another one
                ssl=tls,
                ssl_handshake_timeout=timeout if tls else None,
            )
            for listening in sockets
        ]
        address, actual_port = sockets[0].getsockname()[:2]
        self.url = f"{'wss' if tls else 'ws'}://{in_url(address)}:{actual_port}/{self.name}"

    async def stop(self) -> None:
        """Tell the connected, close, and leave nothing behind; harmless when it is not running.

        Raises: RuntimeError, when it was started on another event loop, unless that one is closed.
        """
        if not self._sockets:
            return
        if not self._loop.is_closed() and self._loop is not asyncio.get_running_loop():
            raise RuntimeError(f"The {self.name} server belongs to another event loop.")
        sockets, self._sockets = self._sockets, []
        self.url = ""
        if self._loop.is_closed():  # its connections ended with it; the sockets that listened did not
            for listening in sockets:
                listening.close()
            self._connections.clear()
            self._by_address.clear()
            self._ready.clear()
        else:
            for server in self._servers:
                server.close()
            connections = tuple(self._connections)
            for connection in connections:
                connection.close(1001, GOING_AWAY)
            if connections:
                self._all_gone.clear()
                await self._all_gone.wait()  # who does not agree is cut off by `_closing`
            for connection in connections:
                self._runner.on_close(connection)
            await asyncio.sleep(0)  # uvloop closes what listened in its next turn
        self._runner.stop()
        for deadlines in (self._first_frames, self._pings, self._closing):
            deadlines.clear()

    # --- what a connection tells (`p2pchat.servers.connection.Listener`) ----------------------------------------------

    def on_connect(self, connection: Connection) -> TokenBucket:
        """Count it. Returns: how many frames it may send."""
        self._served += 1
        connection.number = self._served
        self._connections.add(connection)
        self._by_address[connection.address] += 1
        self._first_frames.add(connection)
        if self._log_private:
            logger.info("%s: client %d comes from %s", self.name, connection.number, connection.address)
        if not self._sockets:  # it was accepted in the moment of the stop
            connection.abort()
        return TokenBucket(self._limits.frames_per_second, self._limits.frames_at_once)

    def on_request(self, connection: Connection, request: Request) -> Answer | None:
        """Say who is not let in, and why."""
        found = answer(request, f"/{self.name}", self._origins) or too_many_connections(
            connection.address, self._by_address[connection.address], self._limits.connections
        )
        if found and found.status >= 400:
            told = found.words if self._log_private else without_quotes(found.words)
            logger.info("%s: a request was refused with %d: %s", self.name, found.status, told)
        return found

    def on_open(self, connection: Connection) -> None:
        """Wait for its first frame, from now on."""
        self._first_frames.discard(connection)
        self._first_frames.add(connection)
        self._pings.add(connection)

    def on_rate_limit(self, connection: Connection) -> None:
        """Close whoever asks too much."""
        connection.close(1008, f"rate limit: {self._limits.frames_per_second:g} frames per second")

    def on_message(self, connection: Connection, message: str | bytes) -> None:
        """Hand a text to the core."""
        self._first_frames.discard(connection)
        if self._log_private:
            logger.info("%s: client %d says %s", self.name, connection.number, message)
        if isinstance(message, bytes):
            connection.close(1003, "this protocol knows text frames only")
        else:
            self._runner.on_text(connection, message)

    def on_send(self, connection: Connection, text: str | None) -> None:
        """Flush it when everything that has come was read: what is sent together costs less."""
        if self._log_private and text is not None:
            logger.info("%s: client %d is told %s", self.name, connection.number, text)
        if not self._ready:
            self._loop.call_soon(self._flush_all)
        self._ready[connection] = None

    def on_unsent(self, connection: Connection, size: int) -> None:
        """Close whoever does not read."""
        if 0 < self._limits.queued < size:
            connection.close(1008, f"too slow: {size} bytes unsent")

    def on_close(self, connection: Connection) -> None:
        """Tell the core, and see to it that TCP ends too."""
        self._first_frames.discard(connection)
        self._pings.discard(connection)
        self._closing.add(connection)
        if self._sockets:  # at a stop all are told of that first, and not that somebody else left
            self._runner.on_close(connection)

    def on_disconnect(self, connection: Connection) -> None:
        """Count it no more."""
        self._closing.discard(connection)
        self._connections.discard(connection)
        self._by_address[connection.address] -= 1
        if not self._by_address[connection.address]:
            del self._by_address[connection.address]
        if not self._connections:
            self._all_gone.set()
        closed = connection.closed_with
        if closed is not None and closed.code not in (1000, 1001):
            told = closed.reason if self._log_private else without_quotes(closed.reason)
            logger.info("%s: client %d is closed with %d: %s", self.name, connection.number, closed.code, told)

    # --- what is due --------------------------------------------------------------------------------------------------

    def _flush_all(self) -> None:
        ready, self._ready = self._ready, {}
        for connection in ready:
            try:
                connection.flush()
            except Exception:  # one that cannot be written to must not keep the others waiting
                logger.exception("%s: client %d could not be written to", self.name, connection.number)
                connection.abort()

    def _on_no_frame(self, connection: Connection) -> None:
        connection.close(1008, f"no frame from you within {self._limits.first_frame:g} seconds")

    def _ping(self, connection: Connection) -> None:
        if connection.awaits_pong:
            connection.close(1011, "keepalive ping timeout")
        else:
            connection.ping()
            self._pings.add(connection)
