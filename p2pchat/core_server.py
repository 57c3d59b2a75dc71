"""One core on a real port, with the `websockets` library.

A `CoreServer` owns the sockets of one core: it hands each frame to the core with the time, and carries out the actions
that the core answers. It never waits for one client while another has something to say: a frame to send is put
into that client's buffer at once, and a client whose buffer grows beyond its bound is closed.
"""

import asyncio
import ipaddress
import logging
import ssl
import time
from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from p2pchat.bounds import Allowance, Bounds
from p2pchat.core import Action, Close, Core, Send
from p2pchat.errors import ServerFailed
from p2pchat.listening import in_url, why_not
from p2pchat.origins import is_welcome

logger = logging.getLogger(__name__)

HEALTH = "/.ok"
CLOSE_LIMIT = 1.0  # seconds for a client to agree to a close
LONGEST_REASON = 123  # bytes in a close frame (RFC 6455, section 5.5)
GOING_AWAY = "the server is going away"


class _Client:
    """One connection, which is also the ``who`` that the core knows it by."""

    __slots__ = ("allowance", "connection", "number")

    def __init__(self, number: int, connection: ServerConnection, allowance: Allowance) -> None:
        self.number = number
        self.connection = connection
        self.allowance = allowance


class CoreServer:
    """One core behind one port.

    Args:
        name: what the log calls it; its path is ``/name``.
        core: the state machine; nobody else may use it.
        largest_frame: bytes in one frame from a client, 0 for no bound.
        bounds: the other bounds.
        origins: web pages that are welcome besides those of `p2pchat.origins`.
        tell_all: let addresses and frames, session descriptions included, into the log.
    """

    def __init__(
        self,
        name: str,
        core: Core,
        *,
        largest_frame: int,
        bounds: Bounds | None = None,
        origins: Sequence[str] = (),
        tell_all: bool = False,
    ) -> None:
        self.name = name
        self._core = core
        self._largest_frame = largest_frame
        self._bounds = bounds or Bounds()
        self._origins = tuple(origins)
        self._tell_all = tell_all
        self._server: Server | None = None
        self._clients: set[_Client] = set()  # whom the core may still hear of
        self._by_address: Counter[str] = Counter()
        self._closing: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._served = 0
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
        self._epoch = time.time() - asyncio.get_running_loop().time()
        self._scheme = "wss" if tls else "ws"
        websockets_logger = logging.getLogger(f"{__name__}.{self.name}")
        websockets_logger.setLevel(logging.DEBUG if self._tell_all else logging.CRITICAL)
        try:
            self._server = await serve(
                self._converse,
                host,
                port,
                ssl=tls,
                compression=None,  # frames are small and short-lived; it would cost 35 KiB a connection
                max_size=self._largest_frame or None,
                close_timeout=CLOSE_LIMIT,
                process_request=self._greet,
                server_header=None,
                backlog=1024,
                logger=websockets_logger,
            )
        except OSError as error:
            raise ServerFailed(why_not(self.name, host, port, error)) from None

    async def stop(self) -> None:
        """Tell the connected, close, and leave nothing behind; harmless when it is not running."""
        server, self._server = self._server, None
        if server is None:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        server.close(code=1001, reason=GOING_AWAY)
        try:
            async with asyncio.timeout(CLOSE_LIMIT):
                await server.wait_closed()
        except TimeoutError:
            for client in tuple(self._clients):
                client.connection.transport.abort()
        if self._closing:
            await asyncio.wait(self._closing)

    # --- one client ---------------------------------------------------------------------------------------------

    def _greet(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer the HTTP request that asks for a WebSocket: None lets it in."""
        path = request.path.partition("?")[0]
        if path == HEALTH:
            return connection.respond(HTTPStatus.OK, "ok\n")
        if path != f"/{self.name}":
            return self._refuse(connection, HTTPStatus.NOT_FOUND, f"there is only /{self.name} here")
        origin = request.headers.get("Origin")
        if not is_welcome(origin, request.headers.get("Host"), self._origins):
            return self._refuse(
                connection, HTTPStatus.FORBIDDEN, f"pages from {origin} are not welcome; --origin lets them in"
            )
        address = _address(connection)
        if 0 < self._bounds.connections <= self._by_address[address] and not _is_loopback(address):
            return self._refuse(
                connection, HTTPStatus.TOO_MANY_REQUESTS, "too many connections from your address; close some first"
            )
        return None

    async def _converse(self, connection: ServerConnection) -> None:
        """Serve one client, from its first frame to its end."""
        self._served += 1
        client = _Client(
            self._served, connection, Allowance(self._bounds.frames_per_second, self._bounds.frames_at_once)
        )
        address = _address(connection)
        self._by_address[address] += 1
        self._clients.add(client)
        if self._tell_all:
            logger.info("%s: client %d comes from %s", self.name, client.number, address)
        try:
            async with asyncio.timeout(self._bounds.first_frame or None):
                frame = await connection.recv()
            while client in self._clients:
                self._hear(client, frame)
                frame = await connection.recv()
        except TimeoutError:
            self._dismiss(client, 1008, f"no frame from you within {self._bounds.first_frame:g} seconds")
        except ConnectionClosed:
            pass
        finally:
            self._clients.discard(client)
            self._by_address[address] -= 1
            self._by_address += Counter()  # forget addresses that nobody comes from
            self._carry_out(self._core.leave(client, self._now()))
        await connection.wait_closed()

    def _hear(self, client: _Client, frame: str | bytes) -> None:
        now = self._now()
        if not client.allowance.take(now):
            most = self._bounds.frames_per_second
            self._dismiss(client, 1008, f"too many frames: {most:g} a second are enough for everybody")
        elif isinstance(frame, bytes):
            self._dismiss(client, 1003, "this protocol knows text frames only")
        else:
            self._carry_out(self._core.receive(client, frame, now))

    # --- what the core wants --------------------------------------------------------------------------------------

    def _carry_out(self, actions: Sequence[Action]) -> None:
        for action in actions:
            client = action.who
            assert isinstance(client, _Client)
            match action:
                case Send(_, text):
                    self._send(client, text)
                case Close(_, code, reason):
                    self._close(client, code, reason)
        self._set_alarm()

    def _send(self, client: _Client, text: str) -> None:
        """Put a frame into the client's buffer, without waiting for anybody."""
        connection = client.connection
        broadcast([connection], text)
        waiting = connection.transport.get_write_buffer_size()
        if self._bounds.queued and waiting > self._bounds.queued:
            self._dismiss(client, 1008, f"you do not read: {waiting} bytes were waiting for you")

    def _dismiss(self, client: _Client, code: int, reason: str) -> None:
        """Close a client that met a bound, of which the core has to be told."""
        if client in self._clients:
            self._close(client, code, reason)
            self._carry_out(self._core.leave(client, self._now()))

    def _close(self, client: _Client, code: int, reason: str) -> None:
        self._clients.discard(client)
        if code != 1000:
            logger.info("%s: client %d is closed with %d: %s", self.name, client.number, code, reason)
        task = asyncio.ensure_future(client.connection.close(code, _shortened(reason)))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _set_alarm(self) -> None:
        """See to it that the core is called when something becomes due."""
        wake_at = self._core.wake_at()
        if wake_at is None or self._server is None:
            return
        when = wake_at - self._epoch
        if self._alarm is not None:
            if not self._alarm.cancelled() and self._alarm.when() <= when:
                return
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_at(when, self._tick)

    def _tick(self) -> None:
        self._alarm = None
        self._carry_out(self._core.tick(self._now()))

    def _now(self) -> float:
        return asyncio.get_running_loop().time() + self._epoch

    def _refuse(self, connection: ServerConnection, status: HTTPStatus, reason: str) -> Response:
        logger.info("%s: a request was refused with %d: %s", self.name, status, reason)
        return connection.respond(status, reason + "\n")


def _shortened(reason: str) -> str:
    return reason.encode()[:LONGEST_REASON].decode(errors="ignore")


def _address(connection: ServerConnection) -> str:
    remote = connection.remote_address
    return str(remote[0]) if remote else "unknown"


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
