"""One connection of a server: what comes over TCP goes into `websockets`, and what that makes of it to the server.

`websockets.server.ServerProtocol` is a WebSocket without I/O: bytes go in (`receive_data`, `receive_eof`), requests and
frames come out (`events_received`), and what is to be sent, answers to pings and closes included, lies ready
(`data_to_send`). A `Connection` stands between it and a transport of asyncio (the how-to of the library: "Integrate
the Sans-I/O layer"). The server is told, as soon as it is known:

* **that it is there**, from the first TCP packet on, before anybody knows what it wants;
* **each frame**, of whatever kind: pings that nobody asked for are work too;
* **each message**, put together from its fragments;
* **that it ends**, once, with the first sign of it. Between a client's close frame and the end of TCP lies a round
  trip, or as long as the client likes, and meanwhile nobody must be paired with it.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol, cast

from websockets.frames import Close, CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import SEND_EOF, State
from websockets.server import ServerProtocol

from p2pchat.servers.handshake import Answer
from p2pchat.servers.token_bucket import TokenBucket
from p2pchat.sockets.close_reason import shortened

# `websockets` logs addresses and frames, and as errors what clients do wrong. The server itself logs what matters.
library_logger = logging.getLogger(f"{__name__}.websockets")
library_logger.setLevel(logging.CRITICAL)


class Listener(Protocol):
    """Who is told about a connection: the server."""

    def on_connect(self, connection: "Connection") -> TokenBucket:
        """A TCP connection was made. Returns: how many frames may come."""

    def on_request(self, connection: "Connection", request: Request) -> Answer | None:
        """It asks to become a WebSocket. Returns: the answer that it gets instead, or None."""

    def on_open(self, connection: "Connection") -> None:
        """It is a WebSocket now."""

    def on_rate_limit(self, connection: "Connection") -> None:
        """More frames came than may."""

    def on_message(self, connection: "Connection", message: str | bytes) -> None:
        """A whole message came."""

    def on_send(self, connection: "Connection", text: str | None) -> None:
        """A frame is ready, a text or a close; see to it that `flush` is called soon."""

    def on_unsent(self, connection: "Connection", size: int) -> None:
        """So many bytes are waiting for the other side to read."""

    def on_close(self, connection: "Connection") -> None:
        """No message will come any more, and none is sent. This is told once."""

    def on_disconnect(self, connection: "Connection") -> None:
        """The TCP connection has ended. This is the last that is told."""


class Connection(asyncio.Protocol):
    """One TCP connection, which becomes a WebSocket: a `p2pchat.servers.core_runner.Client`.

    Args:
        listener: who is told.
        max_size: bytes in one message, above which it is closed with 1009; None for no bound.
        time: tells the seconds of a clock that never goes back.
    """

    __slots__ = (
        "_bucket", "_ended", "_fragments", "_is_new", "_is_text", "_listener", "_time", "_transport", "_websocket",
        "address", "awaits_pong", "number",
    )  # fmt: skip

    def __init__(self, listener: Listener, max_size: int | None, time: Callable[[], float]) -> None:
        self.address = "unknown"
        self.number = 0  # what the log calls it
        self.awaits_pong = False  # since the last `ping`
        self._listener = listener
        self._websocket = ServerProtocol(max_size=max_size, logger=library_logger)
        self._time = time
        self._ended = False
        self._is_new = True  # no message came yet
        self._is_text = True
        self._fragments: bytearray | None = None  # the fragments of a message (RFC 6455, section 5.4) that came so far

    # --- what is done with it ---------------------------------------------------------------------------------------

    def send(self, text: str) -> None:
        """Keep a text frame ready."""
        if self._websocket.state is State.OPEN:
            self._websocket.send_text(text.encode())
            self._listener.on_send(self, text)

    def ping(self) -> None:
        """Send a ping; `awaits_pong` is true until it is answered."""
        self.awaits_pong = True
        self._websocket.send_ping(b"")
        self.flush()

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake (RFC 6455, section 7.1.2); where there is no WebSocket yet, the end is abrupt."""
        if self._websocket.state is State.OPEN:
            self._websocket.send_close(code, shortened(reason))
            self._listener.on_send(self, None)
        elif self._websocket.state is State.CONNECTING:
            self.abort()
        self._end()

    def abort(self) -> None:
        """End TCP at once; what is still unsent is lost."""
        self._transport.abort()

    def flush(self) -> None:
        """Write what is ready, all at once."""
        ready = self._websocket.data_to_send()
        if not ready or self._transport.is_closing():
            return
        self._transport.write(ready[0] if len(ready) == 1 else b"".join(ready))
        if ready[-1] == SEND_EOF:
            if self._transport.can_write_eof():
                self._transport.write_eof()
            else:  # TLS has no half-closed state
                self._transport.close()
        elif unsent := self.unsent:
            self._listener.on_unsent(self, unsent)

    @property
    def unsent(self) -> int:
        """Bytes that wait for the other side to read."""
        return self._transport.get_write_buffer_size()

    @property
    def closed_with(self) -> Close | None:
        """After its end: the close frame with which the server, or the library, began to close it."""
        error = self._websocket.close_exc
        return None if error.rcvd_then_sent else error.sent

    # --- what asyncio tells -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.address = address_of(transport)
        self._bucket = self._listener.on_connect(self)

    def data_received(self, data: bytes) -> None:
        self._websocket.receive_data(data)
        for event in self._websocket.events_received():
            if self._ended:
                break
            if isinstance(event, Frame):
                self._on_frame(event)
            elif isinstance(event, Request):
                self._on_request(event)
        self.flush()
        if self._websocket.close_expected():
            self._end()

    def eof_received(self) -> None:
        self._websocket.receive_eof()
        self.flush()
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._websocket.receive_eof()
        self._end()
        self._listener.on_disconnect(self)

    # --- what that means --------------------------------------------------------------------------------------------

    def _on_request(self, request: Request) -> None:
        if self._websocket.close_expected():  # it closed, or broke the rules, before it was answered
            self.abort()
            self._end()
            return
        answer = self._listener.on_request(self, request)
        response = (
            self._websocket.accept(request)
            if answer is None
            else self._websocket.reject(answer.status, f"{answer.words}\n")
        )
        self._websocket.send_response(response)
        if self._websocket.state is State.OPEN:
            self._listener.on_open(self)

    def _on_frame(self, frame: Frame) -> None:
        if not self._bucket.take(self._time()):
            self._listener.on_rate_limit(self)
        elif frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._on_data(frame)
        elif frame.opcode is Opcode.PONG:
            self.awaits_pong = False

    def _on_data(self, frame: Frame) -> None:
        data = frame.data
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        if self._fragments is not None:
            self._fragments += data
            data = self._fragments
        elif not frame.fin:
            self._fragments = bytearray(data)
        if not frame.fin:
            return
        self._fragments = None
        if self._is_new and self._websocket.state is not State.OPEN:
            return  # it came and went in one breath: nobody should be paired with it
        self._is_new = False
        try:
            message = str(data, "utf-8") if self._is_text else bytes(data)
        except UnicodeDecodeError as error:
            self._websocket.fail(CloseCode.INVALID_DATA, f"{error.reason} at position {error.start}")
            self._end()
        else:
            self._listener.on_message(self, message)

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._listener.on_close(self)


def address_of(transport: asyncio.BaseTransport) -> str:
    """The IP address of the other side."""
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if peer else "unknown"
