"""One client of a server: a `websockets` connection that tells at once what `recv` tells late or never.

* **What it says.** Each message is handed over as it is read; `recv` would wake up a task for it, which takes longer
  than all that a core does with the message.
* **That it ends.** `recv` tells only when TCP has ended too. Between a client's close frame and that moment lies a
  round trip, or as long as the client likes, and meanwhile nobody must be paired with it.
* **How much it asks for.** Pings never reach `recv`, and each is answered by itself: a client that floods them and
  reads nothing would fill the memory. Here each WebSocket frame counts, of whatever kind.
* **That it is there**, from the first TCP packet on, for the bound on connections from one address and for the stop.
"""

import asyncio
import ipaddress
from typing import Any, Protocol

from websockets.asyncio.server import ServerConnection
from websockets.frames import DATA_OPCODES, Close, CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import CLOSED, CLOSING, OPEN, Event

from p2pchat.servers.limits import TokenBucket

CLOSE_TIMEOUT = 1.0  # seconds for a client to agree to a close


class Host(Protocol):
    """Who is told about a client: the server."""

    def came(self, client: "Client") -> TokenBucket:
        """A TCP connection was made. Returns: how many frames the client may send."""

    def went(self, client: "Client") -> None:
        """The TCP connection has ended."""

    def frame_came(self, client: "Client") -> None:
        """A frame of any kind came."""

    def answered(self, client: "Client") -> None:
        """A ping or a close was answered: there may be more in its buffer."""

    def heard(self, client: "Client", message: str | bytes) -> None:
        """A whole message came."""

    def ended(self, client: "Client") -> None:
        """No message will come any more. This may be told more than once."""


class Client(ServerConnection):
    """One connection, which is also the ``who`` that a core knows it by."""

    def __init__(self, host: Host, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._host = host
        self._ends = False
        self._is_text = True
        self._begun = bytearray()  # the fragments of a message (RFC 6455, section 5.4) that came so far
        self.is_new = True  # nothing that it said was handed to the core yet
        self.number = 0  # what the log calls it
        self.address = "unknown"
        self.token_bucket: TokenBucket

    @property
    def failed(self) -> Close | None:
        """With what the library closed the connection by itself, because the client broke RFC 6455 or a bound."""
        sent = self.protocol.close_sent
        return None if sent is None or self.protocol.close_rcvd_then_sent or sent.code == 1001 else sent

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.address = address_of(transport)
        self.token_bucket = self._host.came(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._host.ended(self)
        self._host.went(self)

    def process_event(self, event: Event) -> None:
        if isinstance(event, Frame):
            self._host.frame_came(self)
            if event.opcode in DATA_OPCODES:
                self._read(event)
                return
        super().process_event(event)  # which answers a ping
        self._host.answered(self)

    def _read(self, frame: Frame) -> None:
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        if not frame.fin or self._begun:
            self._begun += frame.data
        if not frame.fin:
            return
        data, self._begun = self._begun or frame.data, bytearray()
        try:
            message = str(data, "utf-8") if self._is_text else bytes(data)
        except UnicodeDecodeError as error:
            self.protocol.fail(CloseCode.INVALID_DATA, f"{error.reason} at position {error.start}")
            self.send_data()
        else:
            self._host.heard(self, message)

    def tell(self, text: str) -> None:
        """Keep a text frame ready; `send_data` sends it."""
        if self.protocol.state is OPEN:
            self.protocol.send_text(text.encode())

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._see_whether_it_ends()

    def eof_received(self) -> None:
        super().eof_received()
        self._see_whether_it_ends()

    def _see_whether_it_ends(self) -> None:
        if self.protocol.state in (CLOSING, CLOSED) and not self._ends:
            self._ends = True
            self._host.ended(self)


def address_of(transport: asyncio.BaseTransport) -> str:
    """The IP address of the other side."""
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if peer else "unknown"


def is_loopback(address: str) -> bool:
    """Whether ``address`` is this very machine."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback


def one_header(request: Request, name: str) -> str | None:
    """The value of a header that may be there once.

    Raises: ValueError when it is there more often.
    """
    values = request.headers.get_all(name)
    if len(values) > 1:
        raise ValueError(f"more than one {name} header")
    return values[0] if values else None
