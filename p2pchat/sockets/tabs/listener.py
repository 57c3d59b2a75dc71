"""A server on the tabs of this site, and the leader election among the tabs that offer the same one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from p2pchat.errors import ServerFailed, SocketClosed, SocketNotOpened
from p2pchat.sockets.locks import Lock, held_and_pending
from p2pchat.sockets.tabs.channel import Channel, scoped
from p2pchat.sockets.tabs.connection import TabSocket
from p2pchat.sockets.tabs.protocol import LISTENING, Side, requested_id
from p2pchat.sockets.text_socket import TABS

CONVERSATION_TIMEOUT = 1.0  # seconds for a conversation to end when its socket is closed; then it is cancelled

GOING_AWAY = 1001, "the server is going away"
PASSED_ON = 1012, "another tab serves from now on"  # Service Restart: connect again
INTERNAL_ERROR = 1011, "internal server error (see the console of the tab that serves)"

logger = logging.getLogger(__name__)


class TabListener:
    """A server on the tabs of this site, whose clients get a conversation each: a `p2pchat.sockets.Listener`.

    Several tabs may start one of the same name: the leader serves, the others are candidates for its place.

    Args:
        name: what stands behind ``tabs:`` in the URL.
        converse: called with the socket of each client, which is closed when the coroutine returns.
    """

    def __init__(self, name: str, converse: Callable[[TabSocket], Awaitable[None]]) -> None:
        self.url = TABS + name
        self._name = name
        self._scoped_name = scoped(name)  # of the lock and of the listening channel
        self._converse = converse
        self._lock: Lock | None = None  # a candidate requests it, the leader holds it
        self._channel: Channel | None = None  # the leader's
        self._sockets: dict[str, TabSocket] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Become a candidate; returns when there is a leader, we or another tab. Raises: ServerFailed."""
        try:
            self._lock = Lock(self._scoped_name)
            self._lock.granted.add_done_callback(self._on_lock)
            held, _ = await held_and_pending(self._scoped_name)
            if not held:
                await self._lock.granted
        except SocketNotOpened as error:
            raise ServerFailed(f"The {self._name} server cannot start: {error.reason}.") from None

    @property
    def serves(self) -> bool:
        """Whether it is the leader."""
        return self._channel is not None

    async def stop(self) -> None:
        """Be a candidate no more; a leader tells the connected and closes. Harmless when it is stopped already."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        if self._channel is None:
            await lock.wait_released()
            return
        self._channel.close()
        self._channel = None
        _, candidates = await held_and_pending(self._scoped_name)
        code, reason = PASSED_ON if candidates else GOING_AWAY
        await asyncio.gather(*(socket.close(code, reason) for socket in tuple(self._sockets.values())))
        if self._tasks:
            _, slow = await asyncio.wait(self._tasks, timeout=CONVERSATION_TIMEOUT)
            for task in slow:
                task.cancel()
        await lock.wait_released()

    def _on_lock(self, granted: asyncio.Future[None]) -> None:
        """Elected, unless we have withdrawn."""
        if not granted.cancelled() and granted.exception() is None and self._lock is not None:
            self._channel = Channel(self._scoped_name, self._on_message)
            self._channel.post(LISTENING)

    def _on_message(self, message: str) -> None:
        id = requested_id(message)
        if id is not None and id not in self._sockets:
            self._sockets[id] = TabSocket(id, Side.SERVER)
            task = asyncio.create_task(self._serve(id), name=f"p2pchat {self.url}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, id: str) -> None:
        socket = self._sockets[id]
        try:
            await socket.open()
            await self._converse(socket)
        except Exception as error:
            if isinstance(error, SocketClosed) and socket.ended:
                return  # its own client left: the usual end of a conversation
            logger.exception("%s: internal server error", self.url)
            await socket.close(*INTERNAL_ERROR)
        finally:
            await socket.close()
            del self._sockets[id]
