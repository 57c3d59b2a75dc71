"""The text socket between tabs of one browser, and within one, over a BroadcastChannel.

There are no ports in a browser, but all pages and Workers of a site can talk to each other over named channels
(https://html.spec.whatwg.org/multipage/web-messaging.html#broadcasting-to-other-browsing-contexts). What a server and
its clients need beyond that:

* **Who serves.** Whoever holds the lock with the server's name (`p2pchat.sockets.locks`). If it dies the next in line
  holds it, and serves.
* **The door**, a channel with the server's name. A client knocks there with an id that it has just made, and from then
  on the two have a channel of their own, with that id for a name. Who opens a door says so: whoever has knocked in
  vain knocks again.
* **That the other end is gone.** Each end of a connection holds a lock, and the other stands in line for it: the
  browser grants it when its holder is gone. So nobody has to ask for signs of life, and a busy tab is not taken for a
  dead one.

A message is one text: a word, a space, and the rest. Any script of the same origin may write on these channels: what is
not such a text is passed over.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from js import BroadcastChannel
from pyodide.ffi import create_proxy

from p2pchat.errors import ServerFailed, SocketClosed
from p2pchat.sockets.close_reason import shortened
from p2pchat.sockets.inbox import TOO_LARGE, Inbox, is_too_large
from p2pchat.sockets.locks import Lock, in_line
from p2pchat.sockets.site_url import site
from p2pchat.sockets.text_socket import TABS

CLOSE_TIMEOUT = 1.0  # seconds for the other end to agree to a close, and for a conversation to end after it

OPEN, KNOCK = "open", "knock"  # said at the door
ACCEPT, FRAME, CLOSE = "accept", "frame", "close"  # said on a connection

CLIENT, SERVER = "client", "server"  # the two ends of a connection
GONE = {  # what an end is told when the other one is gone without a close
    CLIENT: (1012, "the tab that served was closed"),  # Service Restart: connect again
    SERVER: (1006, "the tab of the client was closed"),
}
GOING_AWAY = 1001, "the server is going away"
NOBODY = "no tab of this browser serves it"
BUSY = "the tab that serves it may be busy with a cell that takes long"
PASSED_ON = 1012, "another tab serves from now on"

CODE = re.compile("[1-4][0-9]{3}")  # the close codes that RFC 6455, section 7.4.2, knows

logger = logging.getLogger(__name__)


class TabSocket:
    """One end of a connection: a `p2pchat.sockets.TextSocket`."""

    def __init__(self, id: str, end: str) -> None:
        self.id = id
        self.accepted = False  # the server has let us in
        self.news = asyncio.Event()  # it is worth while to look at that
        self._inbox = Inbox()
        self._end = end
        self._other = SERVER if end == CLIENT else CLIENT
        self._closing: tuple[int, str] | None = None
        self._name = _scoped(id)
        self._life = Lock(f"{self._name} {self._end}")
        self._others_life: Lock | None = None
        self._channel = Channel(self._name, self._hear)

    @property
    def ended(self) -> bool:
        """Whether no frame will come any more."""
        return self._inbox.ended

    async def live(self) -> None:
        """Take the lock that tells the other end that we are there."""
        await self._life.granted
        if self._end == SERVER:
            self._watch()
            self._channel.post(ACCEPT)

    async def send(self, text: str) -> None:
        self._inbox.check()
        if self._closing is not None:
            raise SocketClosed(*self._closing)
        self.post(text)

    def post(self, text: str) -> None:
        """Like `send`, for where nothing can be awaited; on a closed socket the frame is forgotten."""
        if self._closing is None:
            self._channel.post(f"{FRAME} {text}")

    async def recv(self) -> str:
        return await self._inbox.recv()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        if self._closing is None and not self._inbox.ended:
            self._say_close(code, reason)
        try:
            await self._inbox.wait_ended(CLOSE_TIMEOUT)
        finally:
            self.drop()

    def drop(self) -> None:
        """Leave at once, without a word; harmless when it is closed already."""
        self._inbox.end(*(self._closing or (1006, "the connection broke")))
        self._channel.close()
        self._life.release()
        if self._others_life is not None:
            self._others_life.release()

    def _hear(self, message: str) -> None:
        word, _, rest = message.partition(" ")
        if word == FRAME:
            self._take(rest)
        elif word == ACCEPT and self._end == CLIENT and not self.accepted:
            self._watch()
            self.accepted = True
            self.news.set()
        elif word == CLOSE:
            self._close_came(rest)

    def _take(self, text: str) -> None:
        if not is_too_large(text):
            self._inbox.put(text)
        elif self._closing is None:
            self._say_close(1009, TOO_LARGE)
            self._inbox.end(1009, TOO_LARGE)
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, self.drop)  # unless the other end agrees sooner

    def _say_close(self, code: int, reason: str) -> None:
        self._closing = code, shortened(reason)
        self._channel.post(f"{CLOSE} {code} {self._closing[1]}")

    def _close_came(self, rest: str) -> None:
        code, _, reason = rest.partition(" ")
        if not CODE.fullmatch(code):
            return
        if self._closing is None:
            self._channel.post(f"{CLOSE} {rest}")
        self._inbox.end(int(code), reason)
        self.drop()

    def _watch(self) -> None:
        """Stand in line for the other's lock: it is granted when the other is gone."""
        self._others_life = Lock(f"{self._name} {self._other}")
        self._others_life.granted.add_done_callback(self._gone)

    def _gone(self, granted: asyncio.Future[None]) -> None:
        if not granted.cancelled() and granted.exception() is None:
            self._inbox.end(*(self._closing or GONE[self._end]))
            self.drop()


class TabListener:
    """A server on the tabs of this site, whose clients get a conversation each: a `p2pchat.sockets.Listener`.

    Several tabs may start one of the same name: one of them serves, the others stand in line to take its place.

    Args:
        name: what stands behind ``tabs:`` in the URL.
        converse: called with the socket of each client, which is closed when the coroutine returns.
    """

    def __init__(self, name: str, converse: Callable[[TabSocket], Awaitable[None]]) -> None:
        self.url = TABS + name
        self._name = name
        self._door_name = _scoped(name)
        self._converse = converse
        self._lock: Lock | None = None
        self._door: Channel | None = None
        self._sockets: dict[str, TabSocket] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Stand in line; returns when somebody serves, we or another tab. Raises: ServerFailed."""
        try:
            self._lock = Lock(self._door_name)
            self._lock.granted.add_done_callback(self._open)
            held, _ = await in_line(self._door_name)
            if not held:
                await self._lock.granted
        except SocketClosed as error:
            raise ServerFailed(f"The {self._name} server cannot start: {error.reason}.") from None

    @property
    def serves(self) -> bool:
        """Whether it is this one that serves."""
        return self._door is not None

    async def stop(self) -> None:
        """Leave the line, or tell the connected and close; harmless when it is stopped already."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        if self._door is None:
            await lock.released()
            return
        self._door.close()
        self._door = None
        _, others = await in_line(self._door_name)
        goodbye = PASSED_ON if others else GOING_AWAY
        await asyncio.gather(*(socket.close(*goodbye) for socket in tuple(self._sockets.values())))
        if self._tasks:
            _, slow = await asyncio.wait(self._tasks, timeout=CLOSE_TIMEOUT)
            for task in slow:
                task.cancel()
        await lock.released()

    def _open(self, granted: asyncio.Future[None]) -> None:
        if not granted.cancelled() and granted.exception() is None and self._lock is not None:
            self._door = Channel(self._door_name, self._knocked)
            self._door.post(OPEN)

    def _knocked(self, message: str) -> None:
        word, _, id = message.partition(" ")
        if word == KNOCK and id not in self._sockets and _is_id(id):
            self._sockets[id] = TabSocket(id, SERVER)
            task = asyncio.create_task(self._serve(id), name=f"p2pchat {self.url}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, id: str) -> None:
        socket = self._sockets[id]
        try:
            await socket.live()
            await self._converse(socket)
        except Exception as error:
            if isinstance(error, SocketClosed) and socket.ended:
                return  # its own client left: the usual end of a conversation
            logger.exception("%s: a mistake in the server", self.url)
            await socket.close(1011, "a mistake in the server")
        finally:
            await socket.close()
            del self._sockets[id]


class Channel:
    """A BroadcastChannel that carries texts; what is none is passed over."""

    def __init__(self, name: str, hear: Callable[[str], None]) -> None:
        self._hear = hear
        self._channel: Any = BroadcastChannel.new(name)
        self._on_message = create_proxy(self._message)
        self._channel.onmessage = self._on_message

    def post(self, message: str) -> None:
        """Say it to all others on this channel; harmless when it is closed."""
        if self._channel is not None:
            self._channel.postMessage(message)

    def close(self) -> None:
        """Hear and say no more; harmless when it is closed already."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.onmessage = None
            channel.close()
            self._on_message.destroy()

    def _message(self, event: Any) -> None:
        if self._channel is not None and isinstance(event.data, str):
            self._hear(event.data)


async def connect(url: str, timeout: float) -> TabSocket:
    """Connect to the server of ``url`` within ``timeout`` seconds, whichever tab it is in.

    Raises: SocketClosed, with code 1006 and a reason in words.
    """
    door = _scoped(url.removeprefix(TABS))
    socket = TabSocket(str(uuid4()), CLIENT)
    try:
        async with asyncio.timeout(timeout):
            await socket.live()
            await _knock(door, socket)
    except TimeoutError:
        socket.drop()
        raise SocketClosed(1006, f"no answer within {timeout:g} seconds: {BUSY}") from None
    except BaseException:
        socket.drop()
        raise
    return socket


async def _knock(door: str, socket: TabSocket) -> None:
    """Knock until somebody opens: again whenever another tab opens the door, or the one that served is gone."""

    def look(granted: asyncio.Future[None]) -> None:
        if not granted.cancelled():
            socket.news.set()

    channel = Channel(door, lambda message: socket.news.set() if message == OPEN else None)
    try:
        while not socket.accepted:
            socket.news.clear()
            if not sum(await in_line(door)):
                raise SocketClosed(1006, NOBODY)
            channel.post(f"{KNOCK} {socket.id}")
            gone = Lock(door, shared=True)
            gone.granted.add_done_callback(look)
            try:
                await socket.news.wait()
            finally:
                gone.release()
    finally:
        channel.close()


def _scoped(name: str) -> str:
    """What the channel or the lock ``name`` of this site is called among those of all sites on this origin."""
    return f"p2pchat {urlsplit(site()).path} {name}"


def _is_id(id: str) -> bool:
    try:
        return str(UUID(id)) == id
    except ValueError:
        return False
