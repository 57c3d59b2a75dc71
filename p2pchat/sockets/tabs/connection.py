"""One end of a connection between two tabs, and how a client comes by it."""

import asyncio
from uuid import uuid4

from p2pchat.errors import SocketNotOpened
from p2pchat.sockets.inbox import Inbox
from p2pchat.sockets.locks import Lock, held_and_pending
from p2pchat.sockets.tabs.channel import Channel, scoped
from p2pchat.sockets.tabs.protocol import LISTENING, Connection, Side, State, connect_request
from p2pchat.sockets.text_socket import TABS

CLOSE_TIMEOUT = 1.0  # seconds for the other end to agree to a close; a tab whose cell computes cannot

PEER_GONE = {  # how a connection ends when the other end is gone without a close
    Side.CLIENT: (1012, "the tab that served was closed"),  # Service Restart: connect again
    Side.SERVER: (1006, "the tab of the client was closed"),
}
NOBODY = "no tab of this browser serves it"
BUSY = "the tab that serves it may be busy with a cell that takes long"


class TabSocket:
    """One end of a connection: a `p2pchat.sockets.TextSocket`.

    Attributes:
        opened: a future that is done once the connection is open; cancelled if it never will be.
    """

    def __init__(self, id: str, side: Side) -> None:
        name = scoped(id)
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._side = side
        self._protocol = Connection(side)
        self._inbox = Inbox()
        self._own_lock = Lock(f"{name} {side.value}")
        self._peer_lock_name = f"{name} {'server' if side is Side.CLIENT else 'client'}"
        self._peer_lock: Lock | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        self._channel = Channel(name, self._on_message)

    @property
    def ended(self) -> bool:
        """Whether no frame will come any more."""
        return self._inbox.ended

    async def open(self) -> None:
        """Take the lock that shows the other end that we are there; then a server accepts the connection.

        Raises: SocketNotOpened, where the browser has no locks for this page.
        """
        await self._own_lock.granted
        self._protocol.accept()
        self._advance()

    async def send(self, text: str) -> None:
        self._protocol.send(text)
        self._advance()

    def post(self, text: str) -> None:
        """Like `send`, for where nothing can be awaited; on a socket that is not open the frame is dropped."""
        if self._protocol.state is State.OPEN:
            self._protocol.send(text)
            self._advance()

    async def recv(self) -> str:
        return await self._inbox.recv()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self._protocol.close(code, reason)
        self._advance()
        try:
            await self._inbox.wait_ended()
        finally:
            self.abort()

    def abort(self) -> None:
        """Leave at once, without a message; harmless when it is closed already."""
        self._protocol.abort()
        self._advance()

    def _on_message(self, message: str) -> None:
        self._protocol.receive(message)
        self._advance()

    def _advance(self) -> None:
        """Do what the protocol asks for, after it was told something."""
        for message in self._protocol.messages_to_send():
            self._channel.post(message)
        for frame in self._protocol.frames_received():
            self._inbox.put(frame)
        if self._protocol.end is not None:
            self._inbox.end(*self._protocol.end)
        match self._protocol.state:
            case State.OPEN if not self.opened.done():
                self.opened.set_result(None)
                self._peer_lock = Lock(self._peer_lock_name)
                self._peer_lock.granted.add_done_callback(self._on_peer_lock)
            case State.CLOSING if self._close_timer is None:
                self._close_timer = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, self.abort)
            case State.CLOSED:
                self._release()

    def _on_peer_lock(self, granted: asyncio.Future[None]) -> None:
        """The lock of the other end is ours, or we have given it up; in the first case the other end is gone."""
        if not granted.cancelled() and granted.exception() is None:
            self._protocol.abort(*PEER_GONE[self._side])
            self._advance()

    def _release(self) -> None:
        self.opened.cancel()
        if self._close_timer is not None:
            self._close_timer.cancel()
        self._channel.close()
        self._own_lock.release()
        if self._peer_lock is not None:
            self._peer_lock.release()


async def connect(url: str, timeout: float) -> TabSocket:
    """Connect to the server of ``url`` within ``timeout`` seconds, whichever tab it is in.

    Raises: SocketNotOpened.
    """
    id = str(uuid4())
    socket = TabSocket(id, Side.CLIENT)
    try:
        async with asyncio.timeout(timeout):
            await socket.open()
            await _request(scoped(url.removeprefix(TABS)), id, socket.opened)
    except TimeoutError:
        socket.abort()
        raise SocketNotOpened(f"no answer within {timeout:g} seconds: {BUSY}") from None
    except BaseException:
        socket.abort()
        raise
    return socket


async def _request(server: str, id: str, accepted: asyncio.Future[None]) -> None:
    """Ask for the connection until it is accepted: again whenever a server begins to listen, or the leader is gone."""
    changed = asyncio.Event()
    accepted.add_done_callback(lambda _: changed.set())

    def on_leader_gone(granted: asyncio.Future[None]) -> None:
        if not granted.cancelled():
            changed.set()

    channel = Channel(server, lambda message: changed.set() if message == LISTENING else None)
    try:
        while not accepted.done():
            changed.clear()
            if not sum(await held_and_pending(server)):
                raise SocketNotOpened(NOBODY)
            channel.post(connect_request(id))
            leader = Lock(server, shared=True)
            leader.granted.add_done_callback(on_leader_gone)
            try:
                await changed.wait()
            finally:
                leader.release()
    finally:
        channel.close()
