"""The matchmaking wire: a client says `Join`, the server says `Match`, and that is all."""

from dataclasses import dataclass
from datetime import UTC, datetime

from p2pchat.errors import FrameError
from p2pchat.messages.fields import (
    MAX_ID,
    JsonObject,
    dump,
    list_field,
    load,
    optional_text,
    show,
    text_field,
    time_field,
)

MAX_INTEREST = 50  # characters in an interest (our choice)
MAX_INTERESTS = 10  # interests of one who joins (our choice)


@dataclass(frozen=True, slots=True)
class Join:
    """The first and only frame of a client: put me in the line.

    ``created_at`` is an RFC 3339 time. ``interests`` and ``previous_room`` are ours, both optional:
    words of which a shared one is preferred, and the room whose stranger should not come again.
    """

    user_id: str
    created_at: str
    interests: tuple[str, ...] = ()
    previous_room: str | None = None

    def to_json(self) -> str:
        return dump(
            {"user_id": self.user_id, "created_at": self.created_at}
            | ({"interests": list(self.interests)} if self.interests else {})
            | ({"previous_room": self.previous_room} if self.previous_room else {})
        )


@dataclass(frozen=True, slots=True)
class Match:
    """The only frame of the server: meet your stranger in this room.

    The newcomer of a pair gets its own ``user_id`` back, the one who waited gets ``"peer"``.
    ``interests`` is ours: the words that both gave.
    """

    room_id: str
    user_id: str
    created_at: str
    interests: tuple[str, ...] = ()

    def to_json(self) -> str:
        return dump(
            {"type": "MATCH", "room_id": self.room_id, "user_id": self.user_id, "created_at": self.created_at}
            | ({"interests": list(self.interests)} if self.interests else {})
        )


def parse_join(text: str) -> Join:
    """Read the first frame of a matchmaking client.

    Raises: FrameError.
    """
    fields = load(text)
    return Join(
        user_id=text_field(fields, "user_id", MAX_ID),
        created_at=time_field(fields, "created_at"),
        interests=_interests(fields),
        previous_room=optional_text(fields, "previous_room", MAX_ID),
    )


def parse_match(text: str) -> Match:
    """Read what a matchmaking server says.

    Raises: FrameError.
    """
    fields = load(text)
    if fields.get("type") != "MATCH":
        raise FrameError(f'"type" must be "MATCH", not {show(fields.get("type"))}')
    return Match(
        room_id=text_field(fields, "room_id", MAX_ID),
        user_id=text_field(fields, "user_id", MAX_ID),
        created_at=time_field(fields, "created_at"),
        interests=_interests(fields),
    )


def rfc3339(seconds: float) -> str:
    """A Unix time in seconds as an RFC 3339 time in UTC, to the millisecond."""
    return _in_utc(datetime.fromtimestamp(seconds, UTC))


def rfc3339_now() -> str:
    """The time of day, as every frame with a ``created_at`` says it."""
    return _in_utc(datetime.now(UTC))


def _in_utc(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _interests(fields: JsonObject) -> tuple[str, ...]:
    """The interests without doubles, as written but for case and outer spaces."""
    words = list_field(fields, "interests")
    if len(words) > MAX_INTERESTS:
        raise FrameError(f'"interests" are too many: {len(words)} words, {MAX_INTERESTS} are allowed')
    for word in words:
        if not isinstance(word, str) or len(word) > MAX_INTEREST:
            raise FrameError(f"an interest must be a word of at most {MAX_INTEREST} characters")
    return tuple(dict.fromkeys(tidy for word in words if (tidy := word.strip().casefold())))
