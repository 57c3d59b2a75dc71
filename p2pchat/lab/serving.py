"""A server built in a lesson is a coroutine over one socket; one call puts it on a port, or in a browser on its tabs.

::

    async def echo(socket):
        async for text in socket:
            await socket.send(text)

    server = await serve_lesson(echo)
    socket = await connect(server.url, name="Ada")

The coroutine knows no `websockets`, so the same one runs in a browser, where there are no ports. It is called once for
each client, and its socket is closed when it returns. If it raises, the client is told so in the close frame (code
1011), and the server keeps the sentence in ``troubles``: an exception in a background task would otherwise vanish.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from p2pchat.errors import FrameError, ServerFailed, SocketClosed
from p2pchat.lab.feedback import what_was_raised
from p2pchat.messages import parse_join, parse_match, parse_signaling
from p2pchat.sockets import Listener, TextSocket, listen
from p2pchat.sockets import connect as connect_socket
from p2pchat.sockets.close_reason import shortened
from p2pchat.trace import Trace

CONNECT_TIMEOUT = 5.0  # seconds for a handshake on this machine, which takes some milliseconds

ServerCoroutine: TypeAlias = Callable[..., Awaitable[None]]


class LessonSocket:
    """A text socket that can be iterated over, and that reports to a trace if it was given one.

    Args:
        socket: the transport of the frames.
        name: what the trace calls this end.
        other: what the trace calls the other end.
        trace: where frames are reported.
    """

    def __init__(self, socket: TextSocket, name: str = "", other: str = "", trace: Trace | None = None) -> None:
        self._socket = socket
        self._name = name
        self._other = other
        self._trace = trace
        self.ended: SocketClosed | None = None  # how it ended, once that was noticed

    async def send(self, text: str) -> None:
        """Send one text frame. Raises: SocketClosed."""
        try:
            await self._socket.send(text)
        except SocketClosed as error:
            self.ended = error
            raise
        self._report(self._name, self._other, text)

    async def recv(self) -> str:
        """Wait for the next text frame. Raises: SocketClosed."""
        try:
            text = await self._socket.recv()
        except SocketClosed as error:
            self.ended = error
            raise
        self._report(self._other, self._name, text, received=True)
        return text

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it and wait for the other side's close frame; harmless when it is closed already."""
        await self._socket.close(code, reason)

    async def __aiter__(self) -> AsyncIterator[str]:
        """The text frames as they come, up to the end of the socket."""
        while True:
            try:
                text = await self.recv()
            except SocketClosed:
                return
            yield text

    def _report(self, source: str, target: str, text: str, *, received: bool = False) -> None:
        if self._trace is not None:
            self._trace.report(source, target, _type_of(text), received=received)


class LessonServer:
    """A coroutine of a lesson that clients can connect to; also an async context manager that stops it."""

    def __init__(self, name: str, conversation: ServerCoroutine, shared: tuple[Any, ...]) -> None:
        self.name = name
        self.troubles: list[str] = []
        self._conversation = conversation
        self._shared = shared
        self._listener: Listener | None = None

    @property
    def url(self) -> str:
        """Where clients connect to, for instance ``ws://127.0.0.1:40123/matchmaking``.

        Raises: ServerFailed, if it was never started.
        """
        if self._listener is None:
            raise ServerFailed(f"The server {self.name} was not started: `await server.start()` does it.")
        return self._listener.url

    async def start(self) -> None:
        """Listen. Raises: ServerFailed."""
        self._loop = asyncio.get_running_loop()
        self._listener = await listen(self.name, self._converse)

    async def stop(self) -> None:
        """Close every socket and the server; harmless when it is stopped already."""
        if _running.get(self.name) is self:
            del _running[self.name]
        if self._listener is not None and self._loop is asyncio.get_running_loop():
            await self._listener.stop()  # on another loop, which is closed, its sockets are gone already

    async def _converse(self, transport: TextSocket) -> None:
        socket = LessonSocket(transport)
        try:
            await self._conversation(socket, *self._shared)
        except Exception as error:  # whatever a learner's coroutine raises must be seen
            if error is socket.ended:
                return  # its own client left: the usual end of a conversation
            trouble = what_was_raised(error, self.name)
            self.troubles.append(trouble)
            await transport.close(1011, shortened(trouble))

    async def __aenter__(self) -> "LessonServer":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def __repr__(self) -> str:
        state = "Your server runs." if _running.get(self.name) is self else "Your server is stopped."
        return "\n".join([f"{state} Troubles: {len(self.troubles)}", *self.troubles])


_running: dict[str, LessonServer] = {}  # so that a cell that is run again leaves no server behind


async def serve_lesson(conversation: ServerCoroutine, *shared: Any, name: str | None = None) -> LessonServer:
    """Put ``conversation(socket, *shared)`` where clients can reach it; a server of the same name is stopped first.

    Args:
        conversation: a coroutine function, called once for each client.
        shared: what all the conversations share, for instance the list of those who wait.
        name: what the server is called; without one, what the coroutine function is called.

    Raises: ServerFailed.
    """
    name = name or str(getattr(conversation, "__name__", "lesson"))
    if name in _running:
        await _running[name].stop()
    server = LessonServer(name, conversation, shared)
    await server.start()
    _running[name] = server
    return server


async def connect(url: str, *, name: str = "you", trace: Trace | None = None) -> LessonSocket:
    """Open a socket to a server.

    Args:
        url: for instance ``ws://127.0.0.1:8081/matchmaking``; the trace calls the server by the end of it.
        name: what the trace calls this end.
        trace: where frames are reported.

    Raises: SocketNotOpened.
    """
    socket = await connect_socket(url, CONNECT_TIMEOUT)
    return LessonSocket(socket, name, urlsplit(url).path.rpartition("/")[2], trace)


def _type_of(text: str) -> str:
    """What a frame is, in one word; what is no frame of ours is its own name."""
    with suppress(FrameError):
        parse_match(text)
        return "MATCH"
    with suppress(FrameError):  # after MATCH, which has all the keys of a join
        parse_join(text)
        return "join"
    with suppress(FrameError):
        return type(parse_signaling(text)).__name__.lower()
    return text
