"""What two strangers say to each other once their DataChannel is open, as a state machine without I/O.

The original demo sends each message as one plain text frame, and so does everybody who knows no more. Two p2pchat
peers say more: typing, goodbye, received. How does each know what the other understands?

1. Who opens the channel gives it the subprotocol ``p2pchat.1`` (W3C RTCDataChannelInit.protocol).
2. The other one, if it knows that name, says `Hello` as its first frame. The first answers with a Hello of its own.
3. Up to a peer's Hello all that it sends is plain text; after it, all are the frames of `p2pchat.messages`.

So a peer that knows plain text only never sees a frame that it would show as a strange message.

A long message travels in parts, because escaped as JSON it could pass what one SCTP message may hold.
"""

from collections.abc import Sequence

from p2pchat.errors import FrameError, MessageRefused
from p2pchat.events import Delivered, Heard, MessageReceived, Notice, SaidGoodbye, StrangerTyping
from p2pchat.messages import ChatFrame, Goodbye, Hello, Ping, Pong, Received, Text, Typing, parse_chat

LABEL = "matchmaking-example"  # the original's label of the channel
PROTOCOL = "p2pchat.1"
LONGEST_MESSAGE = 64 * 1024  # bytes in UTF-8
PART = 5_000  # characters in one frame: at worst 12 bytes each as JSON, and aiortc takes 65,536 bytes
MOST_PARTS = 64  # of one message; ours makes 14 at most


TOO_LONG = Notice("The stranger sent a message of more than 64 KiB; it was left out.")


class Conversation:
    """One side of a chat over one open channel.

    ``outgoing`` collects the frames to send, in order; whoever owns the channel empties it with `take`.

    Args:
        invited: the stranger opened the channel and gave it the subprotocol, so it understands `Hello`.
    """

    def __init__(self, *, invited: bool) -> None:
        self._outgoing: list[str] = []
        self._spoke = False  # we have said Hello: all that we send now are frames
        self._heard = False  # the stranger has said Hello: all that it sends now are frames
        self._last_id = 0
        self._parts: list[Text] = []
        self._to_acknowledge: int | None = None
        if invited:
            self._hello()

    @property
    def understood(self) -> bool:
        """Whether both sides have said Hello."""
        return self._spoke and self._heard

    def take(self) -> list[str]:
        """The frames that are to be sent now."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def say(self, text: str) -> int:
        """Send a message.

        Returns: its number, which `Delivered` will name if the stranger understands more than plain text.

        Raises: MessageRefused, if it is blank, longer than 64 KiB in UTF-8, or not Unicode text.
        """
        check_message(text)
        self._last_id += 1
        if not self._spoke:
            self._outgoing.append(text)
            return self._last_id
        parts = [text[start : start + PART] for start in range(0, len(text), PART)]
        self._outgoing += [
            Text(self._last_id, part, more=number < len(parts)).to_json() for number, part in enumerate(parts, 1)
        ]
        return self._last_id

    def typing(self) -> None:
        """Tell the stranger that we are writing."""
        self._tell(Typing())

    def goodbye(self) -> None:
        """Tell the stranger that we leave on purpose."""
        self._tell(Goodbye())

    def ping(self) -> None:
        """Ask the stranger for a sign of life."""
        self._tell(Ping())

    def acknowledge(self) -> None:
        """Tell the stranger how far its messages have arrived, if there is anything new to tell."""
        if self._to_acknowledge is not None:
            self._tell(Received(self._to_acknowledge))
            self._to_acknowledge = None

    @property
    def owes_acknowledgement(self) -> bool:
        """Whether messages arrived that `acknowledge` has not told of."""
        return self._to_acknowledge is not None

    def receive(self, data: str | bytes) -> Sequence[Heard]:
        """Take what came over the channel. Never raises: what cannot be understood becomes a `Notice`."""
        if isinstance(data, bytes):
            try:
                data = data.decode()
            except UnicodeDecodeError:
                return [Notice(f"The stranger sent {len(data):,} bytes that are no text; they were left out.")]
        try:
            frame = parse_chat(data)
        except FrameError as error:
            if self._heard:
                return [Notice(f"The stranger sent a frame that cannot be read: {error}.")]
            return self._plain(data)
        if not self._heard and not isinstance(frame, Hello):
            return self._plain(data)  # a text that happens to look like a frame
        return self._frame(frame)

    def _frame(self, frame: ChatFrame) -> Sequence[Heard]:
        match frame:
            case Hello():
                self._heard = True
                if not self._spoke:
                    self._hello()
            case Text():
                return self._part(frame)
            case Received():
                return [Delivered(frame.id)]
            case Typing():
                return [StrangerTyping()]
            case Goodbye():
                return [SaidGoodbye()]
            case Ping():
                self._tell(Pong())
        return []  # also for a Pong: that something came is all that it says

    def _part(self, part: Text) -> Sequence[Heard]:
        if self._parts and self._parts[0].id != part.id:
            self._parts.clear()
        if len(self._parts) <= MOST_PARTS:  # one too many is kept, to remember that it was
            self._parts.append(part)
        if part.more:
            return []
        too_many = len(self._parts) > MOST_PARTS
        heard: list[Heard] = [TOO_LONG] if too_many else self._plain("".join(part.text for part in self._parts))
        self._parts.clear()
        if heard != [TOO_LONG]:
            self._to_acknowledge = part.id
        return heard

    def _plain(self, text: str) -> list[Heard]:
        text = _whole_characters(text)
        return [TOO_LONG if len(text.encode()) > LONGEST_MESSAGE else MessageReceived(text)]

    def _hello(self) -> None:
        self._outgoing.append(Hello().to_json())
        self._spoke = True

    def _tell(self, frame: ChatFrame) -> None:
        """Send a frame that a plain text peer would not understand, if the stranger is none."""
        if self._spoke:
            self._outgoing.append(frame.to_json())


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
    if length > LONGEST_MESSAGE:
        raise MessageRefused(
            f"The message is too long: {length:,} bytes in UTF-8, {LONGEST_MESSAGE:,} are possible. Send it in parts."
        )


def _whole_characters(text: str) -> str:
    """Join the halves of a character that came in two parts (surrogates), and replace a half that came alone."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
