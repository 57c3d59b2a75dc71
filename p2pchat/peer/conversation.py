"""What two strangers say to each other once their DataChannel is open, as a state machine without I/O.

A chat message is one text frame, as in the original demo, and everybody understands that. Two p2pchat peers say more:
typing, goodbye, received. These are the frames of `p2pchat.messages`, as JSON in binary messages, so nothing that
anybody writes can be taken for one of them. And nobody who does not know them ever gets one:

1. Who opens the channel gives it the subprotocol ``p2pchat.1`` (W3C RTCDataChannelInit.protocol).
2. The other one, if it knows that name, says `Hello`. The first answers with a Hello of its own.
3. Other frames are only sent to a stranger who is known to understand them, by the subprotocol or by a Hello. What
   comes too early for that is owed: the stranger is told as soon as its Hello has come, if it is still true then.

The messages of a side are numbered from 1 as they are sent; the channel keeps their order, so both sides count alike.
"""

from collections.abc import Sequence

from p2pchat.errors import FrameError, MessageRefused
from p2pchat.messages import ChatFrame, Goodbye, Hello, Ping, Pong, Received, Typing, parse_chat
from p2pchat.peer.events import Delivered, MessageReceived, Notice, SaidGoodbye, StrangerEvent, StrangerTyping

LABEL = "matchmaking-example"  # the original's label of the channel
PROTOCOL = "p2pchat.1"
MAX_MESSAGE = 64 * 1024  # bytes in UTF-8: the a=max-message-size that aiortc announces (RFC 8841, section 6)

TOO_LONG = Notice("The stranger sent a message of more than 64 KiB; it was left out.")


class Conversation:
    """One side of a chat over one open channel.

    What is to be sent, a text or the bytes of a frame, is collected in order; whoever owns the channel takes it with
    `take`.

    Args:
        invited: the stranger opened the channel and gave it the subprotocol, so it understands `Hello`.
    """

    def __init__(self, *, invited: bool) -> None:
        self._outgoing: list[str | bytes] = []
        self._hello_sent = False  # we have said Hello, which we only do to somebody who understands it
        self._hello_received = False  # the stranger has said Hello
        self._sent = 0  # messages
        self._arrived = 0
        self._acknowledged = 0
        self._owes_typing = False
        if invited:
            self._hello()

    @property
    def supports_frames(self) -> bool:
        """Whether the stranger is known to understand more than plain text."""
        return self._hello_sent

    @property
    def handshake_done(self) -> bool:
        """Whether both sides have said Hello."""
        return self._hello_sent and self._hello_received

    def take(self) -> list[str | bytes]:
        """What is to be sent now."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def say(self, text: str) -> int:
        """Send a message.

        Returns: its number, which `Delivered` will name if the stranger understands more than plain text.

        Raises: MessageRefused, if it is blank, longer than 64 KiB in UTF-8, or not Unicode text.
        """
        check_message(text)
        self._sent += 1
        self._owes_typing = False  # the message ends it
        self._outgoing.append(text)
        return self._sent

    def typing(self) -> None:
        """Tell the stranger that we are writing: now, or once it has said Hello, unless the message comes before."""
        self._owes_typing = not self._hello_sent
        self._send_frame(Typing())

    def goodbye(self) -> None:
        """Tell the stranger that we leave on purpose."""
        self._send_frame(Goodbye())

    def ping(self) -> None:
        """Ask the stranger for a sign of life."""
        self._send_frame(Ping())

    def acknowledge(self) -> None:
        """Tell the stranger how many of its messages have arrived, if there is anything new to tell."""
        if self.owes_acknowledgement:
            self._acknowledged = self._arrived
            self._send_frame(Received(self._arrived))

    @property
    def owes_acknowledgement(self) -> bool:
        """Whether messages arrived that `acknowledge` has not told of."""
        return self._hello_sent and self._acknowledged < self._arrived

    def receive(self, data: str | bytes) -> Sequence[StrangerEvent]:
        """Take what came over the channel. Never raises: what cannot be understood becomes a `Notice`."""
        if isinstance(data, str):
            self._arrived += 1
            return [_message(data)]
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return [Notice(f"The stranger sent {len(data):,} bytes that are no text; they were left out.")]
        try:
            frame = parse_chat(text)
        except FrameError as error:
            if self._hello_received:
                return [Notice(f"The stranger sent a frame that cannot be read: {error}.")]
            return [_message(text)]
        if not self._hello_received and not isinstance(frame, Hello):
            return [_message(text)]  # some who know plain text only send it as bytes
        return self._frame(frame)

    def _frame(self, frame: ChatFrame) -> Sequence[StrangerEvent]:
        match frame:
            case Hello():
                self._hello_received = True
                if not self._hello_sent:
                    self._hello()
                    if self._owes_typing:
                        self.typing()
            case Received(count):
                return [Delivered(min(count, self._sent))]
            case Typing():
                return [StrangerTyping()]
            case Goodbye():
                return [SaidGoodbye()]
            case Ping():
                self._send_frame(Pong())
        return []  # also for a Pong: that something came is all that it says

    def _hello(self) -> None:
        self._hello_sent = True
        self._send_frame(Hello())

    def _send_frame(self, frame: ChatFrame) -> None:
        """Send a frame, if the stranger is known to understand it."""
        if self._hello_sent:
            self._outgoing.append(frame.to_json().encode())


def check_message(text: str) -> None:
    """Refuse what cannot be said.

    Raises: MessageRefused.
    """
    if not text.strip():
        raise MessageRefused("The message is blank: write something first.")
    try:
        length = len(text.encode())
    except UnicodeEncodeError:
        raise MessageRefused("The message holds half a character (a lone surrogate), which is no text.") from None
    if length > MAX_MESSAGE:
        raise MessageRefused(
            f"The message is too long: {length:,} bytes in UTF-8, {MAX_MESSAGE:,} are possible. Send it in parts."
        )


def _message(text: str) -> StrangerEvent:
    """A message of the stranger; of half a character (a lone surrogate), which is no text, only a ? is left."""
    encoded = text.encode(errors="replace")
    return TOO_LONG if len(encoded) > MAX_MESSAGE else MessageReceived(encoded.decode())
