"""RTCDataChannel over the browser's (W3C WebRTC, section 6), with aiortc's manners.

The browser's channel may be in another thread. Its state is mirrored here, so that properties can be read and misuse
refused at once, in Python; bytes that were handed over count as buffered until the page has said that they left.
"""

from collections.abc import Mapping
from typing import Any

from p2pchat.webrtc.browser_events import PatientEmitter
from p2pchat.webrtc.browser_transports import Carrier, to_javascript
from p2pchat.webrtc.browser_types import InvalidStateError, OperationError, error_from

MAX_BUFFERED = 16 * 1024 * 1024  # bytes; Chromium refuses more, and without a limit a Worker would fill the page
MAX_UNHEARD = 16 * 1024 * 1024  # bytes of messages that wait for somebody to listen


class RTCDataChannel(PatientEmitter):
    """One channel; made by `RTCPeerConnection.createDataChannel` or the other peer.

    Events: ``open``, ``message`` (with str or bytes), ``bufferedamountlow``, ``close``. Messages wait for the first
    listener; after ``close`` all listeners are removed, as in aiortc.
    """

    def __init__(self, carrier: Carrier, state: Mapping[str, Any], number: int | None = None) -> None:
        super().__init__(kept="message")
        self._carrier = carrier
        self._state = dict(state)
        self._number = carrier.add(self._hear, number)
        self._handed = 0  # bytes given to `send` so far
        self._left = 0  # and of these, out of the browser's buffer
        self._low = 0
        self._unheard = 0
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
        return self._handed - self._left

    @property
    def bufferedAmountLowThreshold(self) -> int:
        """When ``bufferedAmount`` falls to this many bytes, ``bufferedamountlow`` is emitted, once for each fall."""
        return self._low

    @bufferedAmountLowThreshold.setter
    def bufferedAmountLowThreshold(self, value: int) -> None:
        if not 0 <= value <= 0xFFFF_FFFF:
            raise ValueError("bufferedAmountLowThreshold must be in range 0 - 4294967295")
        self._low = value
        self._carrier.post(self._number, "low", value)

    def send(self, data: str | bytes) -> None:
        """Send a message.

        Raises: InvalidStateError where the channel is not open, ValueError where the message is of another type or
        larger than the other side takes, OperationError where too much waits already.
        """
        if self.readyState != "open":
            raise InvalidStateError(f"The channel is {self.readyState}, not open.")
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
        self._handed += size
        self._carrier.post(self._number, "send", message)
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Close the channel when all that was sent has arrived (RFC 8831, section 6.7); closed ones stay so."""
        if self.readyState in ("connecting", "open"):
            self._state["readyState"] = "closing"
            self._carrier.post(self._number, "close")

    def _hear(self, what: str, *rest: Any) -> None:
        match what:
            case "message":
                (data,) = rest
                self._take(data if isinstance(data, str) else data.to_bytes())
            case "left":
                (left,) = rest
                was_high = self.bufferedAmount > self._low
                self._left = left
                if was_high and self.bufferedAmount <= self._low:
                    self._tell("bufferedamountlow")
            case "state":
                state = rest[0].to_py()
                ready = state.pop("readyState")
                self._state |= state
                self._turn(ready)
            case "error":
                self._fail(error_from(*rest))
            case "gone":
                self._turn("closed")

    def _take(self, data: str | bytes) -> None:
        self._emit_or_keep(data)
        self._unheard = self._unheard + len(data) if self._kept else 0
        if self._unheard > MAX_UNHEARD:
            self._fail(OperationError(f"Nobody listened to {self._unheard} bytes of messages."))

    def _turn(self, state: str) -> None:
        """Come to another state; one that we have left never comes back, whatever is still on its way to us."""
        order = ("connecting", "open", "closing", "closed")
        if order.index(state) <= order.index(self.readyState):
            return
        self._state["readyState"] = state
        if state == "open":
            self._tell("open")
        elif state == "closed":
            self._carrier.remove(self._number)
            self._release()
            self._tell("close")
            self.remove_all_listeners()

    def _fail(self, error: Exception) -> None:
        """A message could not be sent or kept, so what follows it must not pass for all there was."""
        self._failure = error
        self.close()
        self._turn("closed")
