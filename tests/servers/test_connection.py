"""One connection by itself: bytes come from a fake transport, and what the server is told is noted. No real time."""

import asyncio
import struct
from typing import Any

import pytest
from websockets.http11 import Request

from p2pchat.matchmaking import Matchmaking
from p2pchat.servers.connection import Connection
from p2pchat.servers.handshake import Answer
from p2pchat.servers.token_bucket import TokenBucket
from p2pchat.servers.websocket_server import WebSocketServer
from tests.support.raw_clients import join, listening
from tests.support.raw_websocket import CLOSE, CONT, PING, PONG, TEXT, close, frame, text

REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MAX_SIZE = 100  # bytes


class FakeTransport:
    """It notes each write, and the ends."""

    def __init__(self, *, half_closes: bool = True) -> None:
        self.written: list[bytes] = []
        self.ends: list[str] = []
        self.unsent = 0
        self._half_closes = half_closes

    def get_extra_info(self, name: str) -> Any:
        return ("192.0.2.7", 5000) if name == "peername" else None

    def write(self, data: bytes) -> None:
        assert not self.ends, "nothing is written after the end"
        self.written.append(data)

    def can_write_eof(self) -> bool:
        return self._half_closes

    def write_eof(self) -> None:
        self.ends.append("half-closed")

    def close(self) -> None:
        self.ends.append("closed")

    def abort(self) -> None:
        self.ends.append("aborted")

    def is_closing(self) -> bool:
        return "closed" in self.ends or "aborted" in self.ends

    def get_write_buffer_size(self) -> int:
        return self.unsent


class Told:
    """A server that notes what it is told."""

    def __init__(self, *, answer: Answer | None = None, frames: float = 0) -> None:
        self.told: list[object] = []
        self._answer = answer
        self._frames = frames

    def on_connect(self, connection: Connection) -> TokenBucket:
        self.told.append(f"connect from {connection.address}")
        return TokenBucket(1, self._frames)

    def on_request(self, connection: Connection, request: Request) -> Answer | None:
        self.told.append(f"request {request.path}")
        return self._answer

    def on_open(self, connection: Connection) -> None:
        self.told.append("open")

    def on_rate_limit(self, connection: Connection) -> None:
        self.told.append("flood")
        connection.close(1008, "too much")

    def on_message(self, connection: Connection, message: str | bytes) -> None:
        self.told.append(message)

    def on_send(self, connection: Connection, text: str | None) -> None:
        pass

    def on_unsent(self, connection: Connection, size: int) -> None:
        self.told.append(f"{size} unsent")

    def on_close(self, connection: Connection) -> None:
        self.told.append("close")

    def on_disconnect(self, connection: Connection) -> None:
        self.told.append("disconnect")


class Ends:
    """Both ends of one connection."""

    def __init__(self, server: Told | None = None, transport: FakeTransport | None = None) -> None:
        self.server = server or Told()
        self.transport = transport or FakeTransport()
        self.connection = Connection(self.server, MAX_SIZE, lambda: 0.0)
        self.connection.connection_made(self.transport)  # type: ignore[arg-type]

    def opened(self) -> "Ends":
        """After the handshake, of which nothing is noted any more."""
        self.connection.data_received(REQUEST)
        assert self.transport.written[0].startswith(b"HTTP/1.1 101 ")
        self.transport.written.clear()
        self.server.told.clear()
        return self

    def come(self, *data: bytes) -> list[object]:
        """Let this come in one packet. Returns: all that the server was told since the handshake."""
        self.connection.data_received(b"".join(data))
        return self.server.told

    @property
    def frames(self) -> list[tuple[int, bytes]]:
        """What the client got: opcode and payload of each frame."""
        data, frames = b"".join(self.transport.written), []
        while data:
            length = data[1]
            frames.append((data[0] & 0xF, data[2 : 2 + length]))
            data = data[2 + length :]
        return frames


def closes(code: int, reason: str = "") -> tuple[int, bytes]:
    return CLOSE, struct.pack("!H", code) + reason.encode()


class TestTheHandshake:
    def test_is_told_step_by_step(self) -> None:
        ends = Ends()
        assert ends.server.told == ["connect from 192.0.2.7"]
        for part in (REQUEST[:10], REQUEST[10:-1]):
            ends.come(part)
        assert ends.server.told[1:] == []
        ends.come(REQUEST[-1:])
        assert ends.server.told[1:] == ["request /chat", "open"]

    def test_that_is_refused_ends_after_its_answer(self) -> None:
        ends = Ends(Told(answer=Answer(403, "not you")))  # type: ignore[arg-type]
        assert ends.come(REQUEST)[1:] == ["request /chat", "close"]
        assert ends.transport.written[0].startswith(b"HTTP/1.1 403 ")
        assert ends.transport.written[0].endswith(b"\r\n\r\nnot you\n")
        assert ends.transport.ends == ["half-closed"]

    def test_that_is_none_ends_without_an_answer(self) -> None:
        ends = Ends()
        assert ends.come(b"hello\r\n\r\n")[1:] == ["close"]
        assert ends.transport.written == [b""]
        assert ends.transport.ends == ["half-closed"]

    def test_may_be_followed_by_a_frame_at_once(self) -> None:
        """RFC 6455 wants a client to wait for the answer; one that cannot wait breaks nothing."""
        assert Ends().come(REQUEST, text("hello"))[1:] == ["request /chat", "open", "hello"]

    @pytest.mark.parametrize(
        "too_early",
        [close(1000), frame(TEXT, b"a", reserved=7), frame(TEXT, bytes(101))],
        ids=["a close", "reserved bits", "too large"],
    )
    def test_whose_end_came_with_it_gets_no_answer(self, too_early: bytes) -> None:
        ends = Ends()
        assert ends.come(REQUEST, too_early, text("hello"))[1:] == ["close"]
        assert ends.transport.written == []
        assert ends.transport.ends == ["aborted"]


class TestMessages:
    def test_are_put_together_from_their_fragments(self) -> None:
        told = Ends().opened().come(
            frame(TEXT, b"gr", fin=False), frame(PING), frame(CONT, "üß".encode()[:3], fin=False),
            frame(CONT, "üß".encode()[3:]), text("whole"), frame(2, b"\xff"), frame(TEXT),
        )  # fmt: skip
        assert told == ["grüß", "whole", b"\xff", ""]

    def test_that_are_no_text_end_it_and_what_follows_is_not_heard(self) -> None:
        ends = Ends().opened()
        assert ends.come(text("one"), frame(TEXT, b"\xff"), text("two")) == ["one", "close"]
        assert ends.frames == [closes(1007, "invalid start byte at position 0")]

    def test_before_a_close_in_the_same_packet_are_heard_first(self) -> None:
        ends = Ends().opened()
        ends.come(text("one"))
        assert ends.come(text("two"), close(1000)) == ["one", "two", "close"]
        assert ends.frames == [closes(1000)]

    def test_of_one_who_came_and_went_in_one_packet_are_for_nobody(self) -> None:
        assert Ends().opened().come(text("one"), close(1000)) == ["close"]

    def test_above_the_bound_end_it(self) -> None:
        ends = Ends().opened()
        assert ends.come(text("x" * (MAX_SIZE + 1))) == ["close"]
        assert ends.frames[0][1][:2] == struct.pack("!H", 1009)

    def test_that_are_too_many_end_it(self) -> None:
        ends = Ends(Told(frames=3)).opened()
        assert ends.come(text("1"), frame(PING), frame(PONG), text("2"), text("3")) == ["1", "flood", "close"]
        assert ends.frames[-1] == closes(1008, "too much")


class TestSending:
    def test_is_one_write_for_all_that_is_ready(self) -> None:
        ends = Ends().opened()
        for said in ("one", "two", "three"):
            ends.connection.send(said)
        assert ends.transport.written == []
        ends.connection.flush()
        assert len(ends.transport.written) == 1
        assert ends.frames == [(TEXT, b"one"), (TEXT, b"two"), (TEXT, b"three")]

    def test_tells_what_the_other_side_does_not_read(self) -> None:
        ends = Ends().opened()
        ends.transport.unsent = 7
        assert ends.come(frame(PING)) == ["7 unsent"]

    def test_to_one_whose_tcp_has_ended_is_forgotten(self) -> None:
        ends = Ends().opened()
        ends.connection.send("one")
        ends.connection.abort()
        ends.connection.flush()
        assert ends.transport.written == []

    def test_a_ping_waits_for_its_pong(self) -> None:
        ends = Ends().opened()
        ends.connection.ping()
        assert (ends.connection.awaits_pong, ends.frames) == (True, [(PING, b"")])
        ends.come(text("I am here"))
        assert ends.connection.awaits_pong
        ends.come(frame(PONG))
        assert not ends.connection.awaits_pong


class TestTheEnd:
    @pytest.mark.parametrize("how", ["its close", "our close", "its mistake", "the end of its stream", "a broken line"])
    def test_is_told_once_however_it_comes(self, how: str) -> None:
        ends = Ends().opened()
        match how:
            case "its close":
                ends.come(close(1000))
            case "our close":
                ends.connection.close(1000, "enough")
                ends.connection.close(1001, "and once more")
                ends.connection.flush()
                ends.come(close(1000))
            case "its mistake":
                ends.come(frame(3))
            case "the end of its stream":
                ends.connection.eof_received()
        ends.connection.connection_lost(OSError() if how == "a broken line" else None)
        assert ends.server.told == ["close", "disconnect"]
        ends.connection.send("to nobody")
        ends.connection.close(1000, "to nobody")
        ends.connection.flush()
        assert (TEXT, b"to nobody") not in ends.frames

    def test_by_us_says_why_in_as_many_words_as_fit(self) -> None:
        ends = Ends().opened()
        ends.connection.close(1008, "é" * 100)
        ends.connection.flush()
        assert ends.frames == [closes(1008, "é" * 61)]
        assert ends.transport.ends == [], "the client has yet to agree"
        ends.come(close(1008))
        assert ends.transport.ends == ["half-closed"]

    def test_before_the_handshake_is_abrupt(self) -> None:
        ends = Ends()
        ends.connection.close(1001, "the server is going away")
        assert ends.server.told[1:] == ["close"]
        assert ends.transport.ends == ["aborted"]

    def test_of_tls_is_no_half_one(self) -> None:
        ends = Ends(transport=FakeTransport(half_closes=False)).opened()
        ends.come(close(1000))
        assert ends.transport.ends == ["closed"]

    @pytest.mark.parametrize(
        ("data", "code"),
        [(close(1000), None), (frame(3), 1002), (frame(TEXT, b"\xff"), 1007), (b"", None)],
        ids=["a close", "a frame of no kind", "no text", "nothing"],
    )
    def test_knows_who_began_it(self, data: bytes, code: int | None) -> None:
        ends = Ends().opened()
        ends.come(data)
        ends.connection.connection_lost(None)
        closed = ends.connection.closed_with
        assert (closed and closed.code) == code

    def test_by_us_is_known_even_when_the_client_agrees(self) -> None:
        ends = Ends().opened()
        ends.connection.close(1008, "enough")
        ends.come(close(1008))
        ends.connection.connection_lost(None)
        assert ends.connection.closed_with is not None
        assert ends.connection.closed_with.code == 1008


class BrokenTransport(FakeTransport):
    """It breaks at the second write: the first is the answer to the handshake."""

    def write(self, data: bytes) -> None:
        if self.written:
            raise RuntimeError("the handler is closed")
        super().write(data)


async def test_one_that_cannot_be_written_to_keeps_nobody_waiting(caplog: pytest.LogCaptureFixture) -> None:
    async with listening(WebSocketServer("matchmaking", Matchmaking(), max_frame=1000)) as server:
        transports = BrokenTransport(), FakeTransport()
        connections = [Connection(server, None, lambda: 0.0) for _ in transports]
        for connection, transport in zip(connections, transports, strict=True):
            connection.connection_made(transport)  # type: ignore[arg-type]
            connection.data_received(REQUEST.replace(b"chat", b"matchmaking"))
        for user, connection in zip("ab", connections, strict=True):
            connection.data_received(text(join(user)))
        await asyncio.sleep(0)  # one turn of the loop
        assert b"MATCH" in transports[1].written[-1]
        assert transports[0].ends == ["aborted"]
        assert "could not be written to" in caplog.text
        for connection in connections:
            connection.connection_lost(None)
