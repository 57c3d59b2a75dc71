"""What a server and its clients in other tabs say to each other, without I/O.

`Connection` is one end. It is told what came (`receive`) or what is wanted (`send`, `close` …), and after each such
call it is asked for what is to be sent (`messages_to_send`) and which frames have come (`frames_received`): the manner
of `websockets`' own protocol layer.

A message is one text: a word, and for some a space and the rest. On the listening channel of a server::

    client ── connect ID ──►          the id of a new connection, a UUID
    client ◄── listening ──           it has begun to listen: whoever asked before asks again

On the channel of a connection::

    client ◄── accept ──              the first message; the connection is open
    client ◄── frame TEXT ──►
    client ◄── close CODE REASON ──►  the other end answers with the same, and both are closed

Any script of the same origin may write on these channels. What is none of these messages, or comes at the wrong time,
is ignored.
"""

import re
from enum import Enum, auto
from uuid import UUID

from p2pchat.errors import SocketClosed, SocketNotOpened
from p2pchat.sockets.close_reason import shortened
from p2pchat.sockets.text_socket import TOO_LARGE, is_too_large

LISTENING, CONNECT = "listening", "connect"  # on the listening channel
ACCEPT, FRAME, CLOSE = "accept", "frame", "close"  # on the channel of a connection

CODE = re.compile("[1-4][0-9]{3}")  # the close codes that RFC 6455, section 7.4.2, knows
TOO_BIG = 1009  # the close code for a frame above the limit (RFC 6455, section 7.4.1)
BROKEN = 1006, "the connection broke"  # a code that stands in no close message (RFC 6455, section 7.1.5)


class State(Enum):
    """How far a connection is (RFC 6455, section 1.2; the readyState of a WebSocket)."""

    CONNECTING = auto()  # the server has not accepted it yet
    OPEN = auto()
    CLOSING = auto()  # we have said close, and the other end has not answered
    CLOSED = auto()


class Side(Enum):
    """Which end of a connection."""

    CLIENT = "client"
    SERVER = "server"


class Connection:
    """One end of a connection.

    Attributes:
        state: see `State`.
        end: the close code and reason for who reads, once no further frame will come; None before that.
    """

    def __init__(self, side: Side) -> None:
        self.state = State.CONNECTING
        self.end: tuple[int, str] | None = None
        self._side = side
        self._close_sent: tuple[int, str] | None = None
        self._messages: list[str] = []
        self._frames: list[str] = []

    def messages_to_send(self) -> list[str]:
        """What is to be sent to the other end, in order; each message is given out once."""
        messages, self._messages = self._messages, []
        return messages

    def frames_received(self) -> list[str]:
        """The frames that have come, in order; each is given out once."""
        frames, self._frames = self._frames, []
        return frames

    def accept(self) -> None:
        """The server is ready for the client."""
        if self._side is Side.SERVER and self.state is State.CONNECTING:
            self.state = State.OPEN
            self._messages.append(ACCEPT)

    def send(self, text: str) -> None:
        """Send a frame. Raises: SocketNotOpened, SocketClosed."""
        if self.state is State.CONNECTING:
            raise SocketNotOpened("the server has not accepted the connection yet")
        if closing := self.end or self._close_sent:
            raise SocketClosed(*closing)
        self._messages.append(f"{FRAME} {text}")

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Say close, where it was not said yet; what has not been accepted is closed at once."""
        if self.state is State.CONNECTING:
            self._closed(code, reason)
        elif self.state is State.OPEN:
            self._send_close(code, reason)
            self.state = State.CLOSING

    def abort(self, code: int = BROKEN[0], reason: str = BROKEN[1]) -> None:
        """Be closed at once, without a message: nobody is there who could answer, or nobody waits for it."""
        if self.state is not State.CLOSED:
            self._closed(*(self._close_sent or (code, reason)))

    def receive(self, message: str) -> None:
        """A message has come on the channel of this connection."""
        word, _, rest = message.partition(" ")
        if self.state is State.CONNECTING:
            if word == ACCEPT and self._side is Side.CLIENT:
                self.state = State.OPEN
        elif self.state is not State.CLOSED:
            if word == FRAME:
                self._receive_frame(rest)
            elif word == CLOSE:
                self._receive_close(rest)

    def _receive_frame(self, text: str) -> None:
        if self.end is not None:
            return
        if is_too_large(text):
            self.close(TOO_BIG, TOO_LARGE)
            self.end = TOO_BIG, TOO_LARGE  # what follows must not pass for all that there was
        else:
            self._frames.append(text)

    def _receive_close(self, rest: str) -> None:
        code, _, reason = rest.partition(" ")
        if CODE.fullmatch(code):
            if self.state is State.OPEN:
                self._send_close(int(code), reason)
            self._closed(int(code), reason)

    def _send_close(self, code: int, reason: str) -> None:
        self._close_sent = code, shortened(reason)
        self._messages.append(f"{CLOSE} {code} {self._close_sent[1]}")

    def _closed(self, code: int, reason: str) -> None:
        self.state = State.CLOSED
        self.end = self.end or (code, shortened(reason))


def connect_request(id: str) -> str:
    """The message that asks a server for the connection ``id``."""
    return f"{CONNECT} {id}"


def requested_id(message: str) -> str | None:
    """The id in a connect request; None where the message is none."""
    word, _, id = message.partition(" ")
    return id if word == CONNECT and _is_uuid(id) else None


def _is_uuid(id: str) -> bool:
    try:
        return str(UUID(id)) == id
    except ValueError:
        return False
