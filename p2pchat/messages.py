"""Every frame on every wire: typed, parsed and checked. Nothing else in the package knows JSON.

Three wires, three families of frames:

=================  ==========================  ==========================================================
wire               parsed by                   frames
=================  ==========================  ==========================================================
matchmaking        `parse_join`, `parse_match` `Join`, `Match`
signaling (Ayame)  `parse_signaling`           `Register`, `Accept`, `Reject`, `Offer`, `Answer`,
                                               `Candidate`, `Bye`, `Connected`, `Ping`, `Pong`
DataChannel        `parse_chat`                `Hello`, `Text`, `Received`, `Typing`, `Goodbye`, `Ping`,
                                               `Pong`
=================  ==========================  ==========================================================

Each frame is a frozen dataclass whose ``to_json()`` writes it. A parser takes the text of a frame and returns
one of its dataclasses, or raises `FrameError` with one sentence that says what is wrong. Unknown keys are
ignored, as every side of these protocols must; a relay that has to keep them passes the text itself on.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeAlias, TypeVar

from p2pchat.errors import FrameError

LONGEST_ID = 256  # characters in a user, room or client id
LONGEST_INTEREST = 50  # characters
MOST_INTERESTS = 10

JsonObject: TypeAlias = Mapping[str, Any]
Frame = TypeVar("Frame")


# --- matchmaking: client → server Join, server → client Match -------------------------------------------------


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
        return _dump(
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
        return _dump(
            {"type": "MATCH", "room_id": self.room_id, "user_id": self.user_id, "created_at": self.created_at}
            | ({"interests": list(self.interests)} if self.interests else {})
        )


def parse_join(text: str) -> Join:
    """Read the first frame of a matchmaking client.

    Raises: FrameError.
    """
    fields = _load(text)
    return Join(
        user_id=_text(fields, "user_id", LONGEST_ID),
        created_at=_time(fields, "created_at"),
        interests=_interests(fields),
        previous_room=_optional_text(fields, "previous_room", LONGEST_ID),
    )


def parse_match(text: str) -> Match:
    """Read what a matchmaking server says.

    Raises: FrameError.
    """
    fields = _load(text)
    if fields.get("type") != "MATCH":
        raise FrameError(f'"type" must be "MATCH", not {_show(fields.get("type"))}')
    return Match(
        room_id=_text(fields, "room_id", LONGEST_ID),
        user_id=_text(fields, "user_id", LONGEST_ID),
        created_at=_time(fields, "created_at"),
        interests=_interests(fields),
    )


def rfc3339(seconds: float) -> str:
    """A Unix time in seconds as an RFC 3339 time in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- signaling: the Ayame protocol ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Register:
    """Let me into this room. With ``standalone`` the server may close once `Connected` was said."""

    room_id: str
    client_id: str | None = None
    standalone: bool = False

    def to_json(self) -> str:
        return _dump(
            {"type": "register", "roomId": self.room_id}
            | ({"clientId": self.client_id} if self.client_id is not None else {})
            | ({"standalone": True} if self.standalone else {})
        )


@dataclass(frozen=True, slots=True)
class Accept:
    """You are in. Who finds somebody there (``exists``) makes the offer.

    On the wire the flag stands twice, as isExistClient and isExistUser: one client in the wild reads only the
    first, another only the second. ``ice_servers`` are W3C RTCIceServer dictionaries.
    """

    connection_id: str
    exists: bool
    ice_servers: tuple[JsonObject, ...] = ()

    def to_json(self) -> str:
        return _dump(
            {
                "type": "accept",
                "connectionId": self.connection_id,
                "isExistClient": self.exists,
                "isExistUser": self.exists,
            }
            | ({"iceServers": list(self.ice_servers)} if self.ice_servers else {})
        )


@dataclass(frozen=True, slots=True)
class Reject:
    """You are not in; ``reason`` says why, for instance "full"."""

    reason: str

    def to_json(self) -> str:
        return _dump({"type": "reject", "reason": self.reason})


@dataclass(frozen=True, slots=True)
class Offer:
    """The session description of the one who came second (RFC 8829)."""

    sdp: str

    def to_json(self) -> str:
        return _dump({"type": "offer", "sdp": self.sdp})


@dataclass(frozen=True, slots=True)
class Answer:
    """The session description of the one who was there first."""

    sdp: str

    def to_json(self) -> str:
        return _dump({"type": "answer", "sdp": self.sdp})


@dataclass(frozen=True, slots=True)
class Candidate:
    """One more address to try (trickle ICE, RFC 8838).

    ``ice`` is a W3C RTCIceCandidateInit dictionary, or None for "no more to come".
    """

    ice: JsonObject | None

    def to_json(self) -> str:
        return _dump({"type": "candidate", "ice": None if self.ice is None else dict(self.ice)})


class _Bare:
    """A frame that is nothing but its type: the class name in lower case."""

    __slots__ = ()

    def to_json(self) -> str:
        return _dump({"type": type(self).__name__.lower()})


@dataclass(frozen=True, slots=True)
class Bye(_Bare):
    """The other one left the room."""


@dataclass(frozen=True, slots=True)
class Connected(_Bare):
    """The data channel is up; the server is needed no more."""


@dataclass(frozen=True, slots=True)
class Ping(_Bare):
    """Are you there?"""


@dataclass(frozen=True, slots=True)
class Pong(_Bare):
    """I am."""


SignalingFrame: TypeAlias = Register | Accept | Reject | Offer | Answer | Candidate | Bye | Connected | Ping | Pong


def parse_signaling(text: str) -> SignalingFrame:
    """Read a frame of the Ayame protocol, in either direction.

    Raises: FrameError.
    """
    return _by_type(_load(text), _SIGNALING)


def _register(fields: JsonObject) -> Register:
    return Register(
        room_id=_text(fields, "roomId", LONGEST_ID),
        client_id=_optional_text(fields, "clientId", LONGEST_ID),
        standalone=_flag(fields, "standalone"),
    )


def _accept(fields: JsonObject) -> Accept:
    ice_servers = fields.get("iceServers") or []
    if not (isinstance(ice_servers, list) and all(isinstance(server, dict) for server in ice_servers)):
        raise FrameError('"iceServers" must be a list of objects')
    return Accept(
        connection_id=_optional_text(fields, "connectionId", LONGEST_ID) or "",
        exists=_flag(fields, "isExistClient") or _flag(fields, "isExistUser"),
        ice_servers=tuple(ice_servers),
    )


def _candidate(fields: JsonObject) -> Candidate:
    ice = _required(fields, "ice")
    if ice is not None and not isinstance(ice, dict):
        raise FrameError(f'"ice" must be an object or null, not {_show(ice)}')
    return Candidate(ice)


_SIGNALING: dict[str, Callable[[JsonObject], SignalingFrame]] = {
    "register": _register,
    "accept": _accept,
    "reject": lambda fields: Reject(_optional_text(fields, "reason") or "no reason given"),
    "offer": lambda fields: Offer(_text(fields, "sdp")),
    "answer": lambda fields: Answer(_text(fields, "sdp")),
    "candidate": _candidate,
    "bye": lambda _: Bye(),
    "connected": lambda _: Connected(),
    "ping": lambda _: Ping(),
    "pong": lambda _: Pong(),
}


# --- the DataChannel: what two p2pchat peers say to each other -------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello(_Bare):
    """I understand these frames: from now on I send nothing else. (Until then a frame is plain text.)"""


@dataclass(frozen=True, slots=True)
class Text:
    """A chat message, or with ``more`` a part of one. Parts of one message have one ``id``."""

    id: int
    text: str
    more: bool = False

    def to_json(self) -> str:
        return _dump({"type": "text", "id": self.id, "text": self.text} | ({"more": True} if self.more else {}))


@dataclass(frozen=True, slots=True)
class Received:
    """Your message with this ``id`` arrived whole."""

    id: int

    def to_json(self) -> str:
        return _dump({"type": "received", "id": self.id})


@dataclass(frozen=True, slots=True)
class Typing(_Bare):
    """I am writing something."""


@dataclass(frozen=True, slots=True)
class Goodbye(_Bare):
    """I am leaving; this is no broken connection."""


ChatFrame: TypeAlias = Hello | Text | Received | Typing | Goodbye | Ping | Pong


def parse_chat(text: str) -> ChatFrame:
    """Read a frame that came over the DataChannel from another p2pchat peer.

    Raises: FrameError.
    """
    return _by_type(_load(text), _CHAT)


_CHAT: dict[str, Callable[[JsonObject], ChatFrame]] = {
    "hello": lambda _: Hello(),
    "text": lambda fields: Text(_number(fields, "id"), _text(fields, "text"), _flag(fields, "more")),
    "received": lambda fields: Received(_number(fields, "id")),
    "typing": lambda _: Typing(),
    "goodbye": lambda _: Goodbye(),
    "ping": lambda _: Ping(),
    "pong": lambda _: Pong(),
}


# --- reading JSON that anybody may have sent -------------------------------------------------------------------


def _dump(fields: JsonObject) -> str:
    return json.dumps(fields, separators=(",", ":"))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON (RFC 8259, section 6)")


_decode = json.JSONDecoder(parse_constant=_no_constant).decode  # made once: a relay decodes every frame


def _load(text: str) -> JsonObject:
    try:
        fields = _decode(text)
    except RecursionError:
        raise FrameError("the frame is nested too deeply", 1007) from None
    except ValueError as error:
        raise FrameError(f"the frame is not JSON: {error}", 1007) from None
    if not isinstance(fields, dict):
        raise FrameError(f"the frame must be a JSON object, not {_show(fields)}")
    return fields


def _by_type(fields: JsonObject, parsers: Mapping[str, Callable[[JsonObject], Frame]]) -> Frame:
    kind = _text(fields, "type")
    if kind not in parsers:
        raise FrameError(f"unknown message type {_show(kind)}")
    return parsers[kind](fields)


def _required(fields: JsonObject, key: str) -> Any:
    if key not in fields:
        raise FrameError(f'"{key}" is missing')
    return fields[key]


def _text(fields: JsonObject, key: str, longest: int | None = None) -> str:
    value = _required(fields, key)
    if not isinstance(value, str) or not value:
        raise FrameError(f'"{key}" must be a text that is not empty, not {_show(value)}')
    if longest is not None and len(value) > longest:
        raise FrameError(f'"{key}" is too long: {len(value)} characters, {longest} are allowed')
    return value


def _optional_text(fields: JsonObject, key: str, longest: int | None = None) -> str | None:
    return None if fields.get(key) in (None, "") else _text(fields, key, longest)


def _flag(fields: JsonObject, key: str) -> bool:
    value = fields.get(key)
    if value is not None and not isinstance(value, bool):
        raise FrameError(f'"{key}" must be true or false, not {_show(value)}')
    return bool(value)


def _number(fields: JsonObject, key: str) -> int:
    value = _required(fields, key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise FrameError(f'"{key}" must be a whole number, not {_show(value)}')
    return value


def _time(fields: JsonObject, key: str) -> str:
    value = _text(fields, key, 64)
    try:
        aware = datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        raise FrameError(f'"{key}" must be an RFC 3339 time like 2026-01-31T12:00:00Z, not {_show(value)}')
    return value


def _interests(fields: JsonObject) -> tuple[str, ...]:
    """The interests without doubles, as written but for case and outer spaces."""
    words = fields.get("interests") or []
    if not isinstance(words, list) or len(words) > MOST_INTERESTS:
        raise FrameError(f'"interests" must be a list of at most {MOST_INTERESTS} words')
    for word in words:
        if not isinstance(word, str) or len(word) > LONGEST_INTEREST:
            raise FrameError(f"an interest must be a word of at most {LONGEST_INTEREST} characters")
    return tuple(dict.fromkeys(tidy for word in words if (tidy := word.strip().casefold())))


def _show(value: object) -> str:
    """What was found, short enough for the reason of a close frame (RFC 6455 allows 123 bytes)."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    shown = json.dumps(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."
