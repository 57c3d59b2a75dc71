"""RTCDataChannel over the browser's (W3C WebRTC, section 6), with aiortc's manners.

The browser's channel may be in another thread. Its state is mirrored here, so that properties can be read and misuse
refused at once, in Python; bytes that were given to `send` count as buffered until the page has said that they left.

What the browser alone can know comes later, on a page as in a Worker: the channel is closed, and the reason comes with
the event ``error``, right before ``close`` (W3C WebRTC, section 6.2, "announce the data channel as closed").
"""

from collections.abc import Mapping
from typing import Any

from p2pchat.errors import InvalidStateError, OperationError
from p2pchat.webrtc.browser_events import BufferingEmitter
from p2pchat.webrtc.browser_transports import Transport, to_javascript
from p2pchat.webrtc.browser_types import error_from

MAX_BUFFERED = 16 * 1024 * 1024  # bytes; Chromium refuses more, and without a limit a Worker would fill the page
MAX_UNREAD = 16 * 1024 * 1024  # bytes of messages that wait for somebody to listen; as much as may wait to be sent


class RTCDataChannel(BufferingEmitter):
    """One channel; made by `RTCPeerConnection.createDataChannel` or the other peer.

    Events: ``open``, ``message`` (with str or bytes), ``bufferedamountlow``, ``error`` (with the exception that closed
    the channel; as with every object of aiortc, pyee sends what a listener raised that way too), ``close``. Messages
    wait for the first listener; after ``close`` all listeners are removed, as in aiortc.
    """

    def __init__(self, transport: Transport, state: Mapping[str, Any], number: int | None = None) -> None:
        super().__init__(buffered="message")
        self._transport = transport
        self._state = dict(state)
        self._number = transport.add(self._on_message, number)
        self._queued = 0  # bytes given to `send` so far
        self._sent = 0  # and of these, out of the browser's buffer
        self._low = 0
        self._unread = 0
        self._failure: Exception | None = None

    @property
    def label(self) -> str:
        """The name that its maker gave it; two channels may share one."""
        return str(self._state["label"])

    @property
    def protocol(self) -> str:
        """The name of the subprotocol."""
        return str(self._state["protocol"])

    @property
    def ordered(self) -> bool:
        """Whether messages come in the order in which they were sent."""
        return bool(self._state["ordered"])

    @property
    def maxRetransmits(self) -> int | None:
        """How many times a lost message is sent again; None for as long as it takes."""
        return self._state.get("maxRetransmits")

    @property
    def maxPacketLifeTime(self) -> int | None:
        """For how many milliseconds a lost message is sent again; None for as long as it takes."""
        return self._state.get("maxPacketLifeTime")

    @property
    def negotiated(self) -> bool:
        """Whether both sides made it by themselves, with an id agreed upon."""
        return bool(self._state["negotiated"])

    @property
    def id(self) -> int | None:
        """The number of its SCTP stream, once there is one."""
        return self._state.get("id")

    @property
    def readyState(self) -> str:
        """connecting, open, closing or closed."""
        return str(self._state["readyState"])

    @property
    def bufferedAmount(self) -> int:
        """Bytes given to `send` that have not left this machine's buffers."""
        return self._queued - self._sent

    @property
    def bufferedAmountLowThreshold(self) -> int:
        """When ``bufferedAmount`` falls to this many bytes, ``bufferedamountlow`` is emitted, once for each fall."""
        return self._low

    @bufferedAmountLowThreshold.setter
    def bufferedAmountLowThreshold(self, value: int) -> None:
        if not 0 <= value <= 0xFFFF_FFFF:
            raise ValueError("bufferedAmountLowThreshold must be in range 0 - 4294967295")
        self._low = value
        self._transport.post(self._number, "low", value)

    def send(self, data: str | bytes) -> None:
        """Send a message.

        Raises: InvalidStateError where the channel is not open, ValueError where the message is of another type or
        larger than the other side takes, OperationError where too much waits already.
        """
        if self.readyState != "open":
            because = f": {self._failure}" if self._failure else "."
            raise InvalidStateError(f"The channel is {self.readyState}, not open{because}")
        if isinstance(data, str):
            size = len(data) if data.isascii() else len(data.encode())
            message: Any = data
        elif isinstance(data, bytes | bytearray | memoryview):
            size = len(data)
            message = to_javascript(data)
        else:
            raise ValueError(f"Cannot send unsupported data type: {type(data)}")
        most = self._state.get("maxMessageSize")
        if most is not None and size > most:
            raise ValueError(f"Cannot send {size} bytes: the other side takes messages of {most} bytes at most")
        if self.bufferedAmount + size > MAX_BUFFERED:
            raise OperationError(
                f"{self.bufferedAmount} bytes wait to be sent, and no more than {MAX_BUFFERED} may: "
                "wait for bufferedamountlow."
            )
        self._queued += size
        self._transport.post(self._number, "send", message)

    def close(self) -> None:
        """Close the channel when all that was sent has arrived (RFC 8831, section 6.7); closed ones stay so."""
        if self.readyState in ("connecting", "open"):
            self._state["readyState"] = "closing"
            self._transport.post(self._number, "close")

    def _on_message(self, what: str, *rest: Any) -> None:
        match what:
            case "message":
                (data,) = rest
                self._receive(data if isinstance(data, str) else data.to_bytes())
            case "left":
                (left,) = rest
                was_high = self.bufferedAmount > self._low
                self._sent = left
                if was_high and self.bufferedAmount <= self._low:
                    self._emit_safely("bufferedamountlow")
            case "state":
                state = rest[0].to_py()
                ready = state.pop("readyState")
                self._state |= state
                self._set_state(ready)
            case "error":
                self._fail(error_from(*rest))
            case "gone":
                self._set_closed(*rest)

    def _receive(self, data: str | bytes) -> None:
        self._emit_or_buffer(data)
        self._unread = self._unread + len(data) if self._buffer else 0
        if self._unread > MAX_UNREAD:
            self._fail(OperationError(f"Nobody listened to {self._unread} bytes of messages."))

    def _set_state(self, state: str) -> None:
        """Come to another state; one that we have left never comes back, whatever is still on its way to us."""
        order = ("connecting", "open", "closing", "closed")
        if order.index(state) <= order.index(self.readyState):
            return
        self._state["readyState"] = state
        if state == "open":
            self._emit_safely("open")
        elif state == "closed":
            self._transport.remove(self._number)
            self._flush()
            if self._failure is not None:
                self._emit_safely("error", self._failure)
            self._emit_safely("close")
            self.remove_all_listeners()

    def _set_closed(self, failure: Exception | None) -> None:
        """The connection is closed, and this channel with it; in case of a failure, for that reason."""
        self._failure = self._failure or failure
        self._set_state("closed")

    def _fail(self, error: Exception) -> None:
        """It could not be made, or a message not be sent or kept: what follows must not pass for all there was."""
        self.close()
        self._set_closed(error)
