"""One core on a real port, with the `websockets` library.

A `CoreServer` owns the sockets of one core: it hands each frame to the core with the time, and carries out the actions
that the core answers. It never waits for one client while another has something to say: a frame to send is put
into that client's buffer at once, and a client whose buffer grows beyond its bound is closed.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.protocol import State

from p2pchat.core import Action, Close, Core, Send
from p2pchat.errors import ServerFailed
from p2pchat.servers.connection import CLOSE_TIMEOUT, Client, is_loopback, one_header
from p2pchat.servers.deadlines import Deadlines
from p2pchat.servers.limits import Limits, TokenBucket
from p2pchat.servers.origins import is_welcome
from p2pchat.sockets.close_reason import shortened, without_quotes
from p2pchat.sockets.ports import CANNOT_LISTEN, check_port, in_url, why_not

logger = logging.getLogger(__name__)
# The library logs addresses and frames, and what it calls errors is what clients do. What matters is logged here.
silent = logging.getLogger(f"{__name__}.websockets")
silent.setLevel(logging.CRITICAL)

HEALTH = "/.ok"
GOING_AWAY = "the server is going away"


class CoreServer:
    """One core behind one port.

    Args:
        name: what the log calls it; its path is ``/name``.
        core: the state machine; nobody else may use it.
        largest_frame: bytes in one frame from a client, 0 for no bound.
        limits: the other limits.
        origins: web pages that are welcome besides those of `p2pchat.servers.origins`.
        log_private: let addresses and frames, session descriptions included, into the log.
        ping_every: seconds between two WebSocket pings; who leaves one unanswered for as long is given up.
    """

    def __init__(
        self,
        name: str,
        core: Core,
        *,
        largest_frame: int,
        limits: Limits | None = None,
        origins: Sequence[str] = (),
        log_private: bool = False,
        ping_every: float = 20.0,
    ) -> None:
        self.name = name
        self._core = core
        self._largest_frame = largest_frame
        self._limits = limits or Limits()
        self._origins = tuple(origins)
        self._log_private = log_private
        self._ping_every = ping_every
        self._server: Server | None = None
        self._connected: set[Client] = set()  # all, from their first packet to their last
        self._clients: set[Client] = set()  # whom the core may still hear of
        self._by_address: dict[str, int] = {}
        self._unheard = Deadlines(self._limits.first_frame, self._lose_patience)
        self._lingering = Deadlines[Client](CLOSE_TIMEOUT, lambda client: client.transport.abort())  # TCP is still up
        self._unsent: dict[Client, None] = {}  # for whom frames are ready, in order
        self._closing: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0
        self._served = 0
        self._clock = time.monotonic
        self._epoch = 0.0  # what makes a Unix time of the loop's clock, which never goes back
        self._scheme = "ws"

    @property
    def url(self) -> str:
        """Where it listens, for instance ``ws://127.0.0.1:8081/matchmaking``."""
        if self._server is None:
            raise ServerFailed(f"The {self.name} server is not running.")
        host, port = next(iter(self._server.sockets)).getsockname()[:2]
        return f"{self._scheme}://{in_url(host)}:{port}/{self.name}"

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Listen on ``host`` and ``port``, 0 for any free one.

        Raises: ServerFailed.
        """
        check_port(self.name, port)
        self._clock = asyncio.get_running_loop().time
        self._epoch = time.time() - self._clock()
        self._scheme = "wss" if tls else "ws"
        try:
            self._server = await serve(
                self._converse,
                host,
                port,
                ssl=tls,
                compression=None,  # frames are small and short-lived; it would cost 35 KiB a connection
                max_size=self._largest_frame or None,
                open_timeout=self._limits.first_frame or None,
                ping_interval=self._ping_every,
                ping_timeout=self._ping_every,
                close_timeout=CLOSE_TIMEOUT,
                process_request=self._greet,
                create_connection=cast(type[ServerConnection], partial(Client, self)),
                server_header=None,
                backlog=1024,
                logger=silent,
            )
        except CANNOT_LISTEN as error:
            raise ServerFailed(why_not(self.name, host, port, error)) from None

    async def stop(self) -> None:
        """Tell the connected, close, and leave nothing behind; harmless when it is not running."""
        server, self._server = self._server, None
        if server is None:
            return
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._unheard.clear()
        if server.get_loop().is_closed():  # its tasks ended with the loop; the sockets did not
            for listening in server.sockets:
                listening._sock.close()  # type: ignore[attr-defined]  # asyncio's wrapper has no close
            self._lingering.clear()
            self._connected.clear()
            self._clients.clear()
            self._by_address.clear()
            return
        server.close(code=1001, reason=GOING_AWAY)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await server.wait_closed()
        except TimeoutError:
            for client in tuple(self._connected):
                client.transport.abort()
            await server.wait_closed()
        if self._closing:
            await asyncio.wait(self._closing)
        self._lingering.clear()

    # --- one client -----------------------------------------------------------------------------------------------

    def _greet(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer the HTTP request that asks for a WebSocket: None lets it in."""
        assert isinstance(connection, Client)
        path = request.path.partition("?")[0]
        if path == HEALTH:
            return connection.respond(HTTPStatus.OK, "ok\n")
        if path != f"/{self.name}":
            return self._refuse(connection, HTTPStatus.NOT_FOUND, f"there is only /{self.name} here")
        try:
            origin, host = one_header(request, "Origin"), one_header(request, "Host")
        except ValueError as error:
            return self._refuse(connection, HTTPStatus.BAD_REQUEST, str(error))
        if not is_welcome(origin, host, self._origins):
            page = str(origin).replace('"', "'")
            reason = f'pages from "{page}" are not welcome; --origin lets them in'
            return self._refuse(connection, HTTPStatus.FORBIDDEN, reason)
        most = self._limits.connections
        if 0 < most < self._by_address[connection.address] and not is_loopback(connection.address):
            reason = f"more than {most} connections from your address; close some first"
            return self._refuse(connection, HTTPStatus.TOO_MANY_REQUESTS, reason)
        return None

    async def _converse(self, connection: ServerConnection) -> None:
        """See one client from its handshake to its end; what it says meanwhile comes to `heard`."""
        assert isinstance(connection, Client)
        self._clients.add(connection)
        self._unheard.add(connection)
        await connection.wait_closed()

    # --- what a client tells (`p2pchat.servers.connection.Host`) ----------------------------------------------------

    def came(self, client: Client) -> TokenBucket:
        """Count a new connection. Returns: how many frames it may send."""
        self._served += 1
        client.number = self._served
        self._connected.add(client)
        self._by_address[client.address] = self._by_address.get(client.address, 0) + 1
        if self._log_private:
            logger.info("%s: client %d comes from %s", self.name, client.number, client.address)
        return TokenBucket(self._limits.frames_per_second, self._limits.frames_at_once)

    def went(self, client: Client) -> None:
        """Count it no more."""
        self._connected.discard(client)
        self._lingering.discard(client)
        self._by_address[client.address] -= 1
        if not self._by_address[client.address]:
            del self._by_address[client.address]

    def frame_came(self, client: Client) -> None:
        """See to it that nobody asks too much."""
        if not client.token_bucket.take(self._now()):
            most = self._limits.frames_per_second
            self._dismiss(client, 1008, f"too many frames: {most:g} a second are enough for everybody")

    def answered(self, client: Client) -> None:
        """See to it that nobody pings and never reads."""
        self._see_whether_it_reads(client)

    def heard(self, client: Client, message: str | bytes) -> None:
        """Hand a message to the core."""
        self._unheard.discard(client)
        if client not in self._clients or (client.is_new and client.state is not State.OPEN):
            return  # who came and went in one breath was never here: nobody should be paired with it
        client.is_new = False
        if self._log_private:
            logger.info("%s: client %d says %s", self.name, client.number, message)
        if isinstance(message, bytes):
            self._dismiss(client, 1003, "this protocol knows text frames only")
            return
        try:
            self._carry_out(self._core.receive(client, message, self._now()))
        except Exception:
            logger.exception("%s: a mistake in the server, met by client %d", self.name, client.number)
            self._dismiss(client, 1011, "a mistake in the server, which its log tells about")

    def ended(self, client: Client) -> None:
        """Tell the core that a client is gone; once is enough."""
        self._unheard.discard(client)
        self._lingering.add(client)
        if client in self._clients:
            self._clients.discard(client)
            if failed := client.failed:
                logger.info("%s: client %d is closed with %d: %s", self.name, client.number, failed.code, failed.reason)
            self._carry_out(self._core.leave(client, self._now()))

    # --- what the core wants --------------------------------------------------------------------------------------

    def _carry_out(self, actions: Sequence[Action]) -> None:
        for action in actions:
            client = action.client
            assert isinstance(client, Client)
            match action:
                case Send(_, text):
                    self._send(client, text)
                case Close(_, code, reason):
                    self._close(client, code, reason)
        self._set_alarm()

    def _send(self, client: Client, text: str) -> None:
        """Keep a frame ready for a client, without waiting for anybody.

        All that is ready goes out when everything that has come was heard: what is sent together costs less.
        """
        if self._log_private:
            logger.info("%s: client %d is told %s", self.name, client.number, text)
        client.tell(text)
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._send_all)
        self._unsent[client] = None

    def _send_all(self) -> None:
        unsent, self._unsent = self._unsent, {}
        for client in unsent:
            client.send_data()
            self._see_whether_it_reads(client)

    def _see_whether_it_reads(self, client: Client) -> None:
        waiting = client.transport.get_write_buffer_size()
        if 0 < self._limits.queued < waiting:
            self._dismiss(client, 1008, f"you do not read: {waiting} bytes were waiting for you")

    def _dismiss(self, client: Client, code: int, reason: str) -> None:
        """Close a client that met a bound, of which the core has to be told."""
        if client in self._clients:
            self._close(client, code, reason)
            self._carry_out(self._core.leave(client, self._now()))

    def _lose_patience(self, client: Client) -> None:
        self._dismiss(client, 1008, f"no frame from you within {self._limits.first_frame:g} seconds")

    def _close(self, client: Client, code: int, reason: str) -> None:
        """Close a client that the core has forgotten already, or is about to."""
        self._clients.discard(client)
        if code != 1000:
            told = reason if self._log_private else without_quotes(reason)
            logger.info("%s: client %d is closed with %d: %s", self.name, client.number, code, told)
        task = asyncio.ensure_future(_say_goodbye(client, code, reason))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _set_alarm(self) -> None:
        """See to it that the core is called when something becomes due."""
        wake_at = self._core.wake_at()
        if wake_at is None or self._server is None:
            return
        if self._alarm is not None:
            if self._alarm_at <= wake_at:
                return
            self._alarm.cancel()
        self._alarm_at = wake_at
        self._alarm = asyncio.get_running_loop().call_at(wake_at - self._epoch, self._tick)

    def _tick(self) -> None:
        self._alarm = None
        self._carry_out(self._core.tick(self._now()))

    def _now(self) -> float:
        return self._clock() + self._epoch

    def _refuse(self, connection: ServerConnection, status: HTTPStatus, reason: str) -> Response:
        told = reason if self._log_private else without_quotes(reason)
        logger.info("%s: a request was refused with %d: %s", self.name, status, told)
        return connection.respond(status, reason + "\n")


async def _say_goodbye(client: Client, code: int, reason: str) -> None:
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT):  # `close` waits for ever where the client does not read
            await client.close(code, shortened(reason))
    except TimeoutError:
        client.transport.abort()
