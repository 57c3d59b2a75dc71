"""The signaling wire: the Ayame protocol (https://github.com/OpenAyame/ayame)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from p2pchat.errors import FrameError
from p2pchat.messages.bare import Bare, Ping, Pong
from p2pchat.messages.fields import (
    MAX_ID,
    JsonObject,
    by_type,
    dump,
    flag,
    list_field,
    load,
    optional_text,
    required,
    show,
    text_field,
)


@dataclass(frozen=True, slots=True)
class Register:
    """Let me into this room. With ``standalone`` the server may close once `Connected` was said."""

    room_id: str
    client_id: str | None = None
    standalone: bool = False

    def to_json(self) -> str:
        return dump(
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
        return dump(
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
        return dump({"type": "reject", "reason": self.reason})


@dataclass(frozen=True, slots=True)
class Offer:
    """The session description of the one who came second (RFC 8829)."""

    sdp: str

    def to_json(self) -> str:
        return dump({"type": "offer", "sdp": self.sdp})


@dataclass(frozen=True, slots=True)
class Answer:
    """The session description of the one who was there first."""

    sdp: str

    def to_json(self) -> str:
        return dump({"type": "answer", "sdp": self.sdp})


@dataclass(frozen=True, slots=True)
class Candidate:
    """One more address to try (trickle ICE, RFC 8838).

    ``ice`` is a W3C RTCIceCandidateInit dictionary, or None for "no more to come".
    """

    ice: JsonObject | None

    def to_json(self) -> str:
        return dump({"type": "candidate", "ice": None if self.ice is None else dict(self.ice)})


@dataclass(frozen=True, slots=True)
class Bye(Bare):
    """The other one left the room."""


@dataclass(frozen=True, slots=True)
class Connected(Bare):
    """The data channel is up; the server is needed no more."""


SignalingFrame: TypeAlias = Register | Accept | Reject | Offer | Answer | Candidate | Bye | Connected | Ping | Pong


def parse_signaling(text: str) -> SignalingFrame:
    """Read a frame of the Ayame protocol, in either direction.

    Raises: FrameError.
    """
    return by_type(load(text), _SIGNALING)


def _register(fields: JsonObject) -> Register:
    return Register(
        room_id=text_field(fields, "roomId", MAX_ID),
        client_id=optional_text(fields, "clientId", MAX_ID),
        standalone=flag(fields, "standalone"),
    )


def _accept(fields: JsonObject) -> Accept:
    ice_servers = list_field(fields, "iceServers")
    if not all(isinstance(server, dict) for server in ice_servers):
        raise FrameError('"iceServers" must be a list of objects')
    return Accept(
        connection_id=optional_text(fields, "connectionId", MAX_ID) or "",
        exists=flag(fields, "isExistClient") or flag(fields, "isExistUser"),
        ice_servers=tuple(ice_servers),
    )


def _candidate(fields: JsonObject) -> Candidate:
    ice = required(fields, "ice")
    if ice is not None and not isinstance(ice, dict):
        raise FrameError(f'"ice" must be an object or null, not {show(ice)}')
    return Candidate(ice)


_SIGNALING: dict[str, Callable[[JsonObject], SignalingFrame]] = {
    "register": _register,
    "accept": _accept,
    "reject": lambda fields: Reject(optional_text(fields, "reason") or "no reason given"),
    "offer": lambda fields: Offer(text_field(fields, "sdp")),
    "answer": lambda fields: Answer(text_field(fields, "sdp")),
    "candidate": _candidate,
    "bye": lambda _: Bye(),
    "connected": lambda _: Connected(),
    "ping": lambda _: Ping(),
    "pong": lambda _: Pong(),
}
