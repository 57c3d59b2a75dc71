"""What goes into the browser's WebRTC and what comes out of it: descriptions, candidates, statistics, errors.

Configuration, servers and descriptions are the W3C's dictionaries as dataclasses, with the fields that aiortc has. What
the standard lets us check is checked here, before it goes to the browser: `RTCConfiguration.to_init`,
`data_channel_init`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from p2pchat.errors import InvalidStateError, OperationError

MAX_NAME = 65_535  # bytes of UTF-8 in a label or protocol (W3C WebRTC, section 6.1)
MAX_UNSIGNED_SHORT = 65_535  # of maxRetransmits, and of maxPacketLifeTime in milliseconds (W3C WebRTC, section 6.1)
MAX_ID = 65_534  # of a channel; 65,535 is none (W3C WebRTC, section 6.1)
MAX_USERNAME = 509  # bytes of UTF-8 for a TURN server (RFC 8489, section 14.3; browsers refuse more)

# DOMExceptions by name (https://webidl.spec.whatwg.org/#idl-DOMException-error-names); all others: OperationError
_ERRORS: dict[str, type[Exception]] = {
    "InvalidStateError": InvalidStateError,
    "TypeError": TypeError,
    **dict.fromkeys(
        ("InvalidAccessError", "NotSupportedError", "RangeError", "SyntaxError", "InvalidModificationError"), ValueError
    ),
}


def error_from(name: str, words: str) -> Exception:
    """The Python exception for a DOMException or a JavaScript error."""
    return _ERRORS.get(name, OperationError)(words)


@dataclass
class RTCIceServer:
    """A STUN or TURN server (W3C WebRTC, section 4.2.4)."""

    urls: str | list[str]
    username: str | None = None
    credential: str | None = None


@dataclass
class RTCConfiguration:
    """How a connection is to be made (W3C WebRTC, section 4.2.1)."""

    iceServers: list[RTCIceServer] | None = None
    iceTransportPolicy: str = "all"

    def to_init(self) -> dict[str, object]:
        """The W3C's RTCConfiguration dictionary. Raises: ValueError where a browser would not take it."""
        policy = getattr(self.iceTransportPolicy, "value", self.iceTransportPolicy)  # a word, or an Enum of such
        if policy not in (policies := ["all", "relay"]):
            raise ValueError(f"'iceTransportPolicy' must be in {policies} (got {policy!r})")
        for server in self.iceServers or []:
            _check_ice_server(server)
        return {
            "iceServers": [
                {
                    name: value
                    for name in ("urls", "username", "credential")
                    if (value := getattr(server, name)) is not None
                }
                for server in self.iceServers or []
            ],
            "iceTransportPolicy": policy,
        }


# RFC 7064, section 3.1, and RFC 7065, section 3.1. Of a host only what no browser takes is left out.
_ICE_URL = re.compile(
    r"(?P<scheme>stuns?|turns?):(?P<host>\[[^\s\[\]/@]+\]|[^\s\[\]:/?#@]+)(:(?P<port>[0-9]{1,5}))?"
    r"(?P<query>\?transport=(udp|tcp))?",
    re.IGNORECASE,
)


def _check_ice_server(server: RTCIceServer) -> None:
    """See that a server is one (W3C WebRTC, section 4.4.1.6, "set the ICE servers"). Raises: ValueError."""
    urls = [server.urls] if isinstance(server.urls, str) else server.urls
    if not urls:
        raise ValueError("an ICE server needs at least one URL")
    for url in urls:
        read = _ICE_URL.fullmatch(url)
        if read is None or not 1 <= int(read["port"] or 1) <= 65_535:
            raise ValueError(f"{url[:80]!r} is not the URL of a STUN or TURN server")
        if read["scheme"].lower().startswith("stun"):
            if read["query"]:
                raise ValueError(f"{url[:80]!r} is not the URL of a STUN server: it may have no transport")
        elif not (server.username and server.credential):
            raise ValueError(f"{url[:80]!r} needs a username and a credential")
        elif len(server.username.encode()) > MAX_USERNAME:
            raise ValueError(f"the username for {url[:80]!r} has {MAX_USERNAME} bytes at most")


def data_channel_init(
    label: str,
    maxPacketLifeTime: int | None,
    maxRetransmits: int | None,
    ordered: bool,
    protocol: str,
    negotiated: bool,
    id: int | None,
) -> dict[str, object]:
    """The W3C's RTCDataChannelInit dictionary (section 6.2); an ``id`` counts only if ``negotiated``.

    Raises: ValueError where a browser would not take it.
    """
    if max(len(label.encode()), len(protocol.encode())) > MAX_NAME:
        raise ValueError(f"A label or protocol has {MAX_NAME} bytes at most")
    if maxPacketLifeTime is not None and maxRetransmits is not None:
        raise ValueError("Cannot specify both maxPacketLifeTime and maxRetransmits")
    for name, value in (("maxPacketLifeTime", maxPacketLifeTime), ("maxRetransmits", maxRetransmits)):
        if value is not None and not 0 <= value <= MAX_UNSIGNED_SHORT:
            raise ValueError(f"{name} must be in range 0-{MAX_UNSIGNED_SHORT} (got {value})")
    if negotiated and (id is None or not 0 <= id <= MAX_ID):
        raise ValueError(f"ID must be in range 0-{MAX_ID} if data channel is negotiated out-of-band (got {id})")
    init = {
        "maxPacketLifeTime": maxPacketLifeTime,
        "maxRetransmits": maxRetransmits,
        "ordered": ordered,
        "protocol": protocol,
        "negotiated": negotiated,
        "id": id if negotiated else None,
    }
    return {name: value for name, value in init.items() if value is not None}


@dataclass
class RTCSessionDescription:
    """An offer or an answer (W3C WebRTC, section 4.6.1). Raises: ValueError where it is of no known type."""

    sdp: str
    type: str

    def __post_init__(self) -> None:
        if self.type not in (kinds := ["offer", "pranswer", "answer", "rollback"]):
            raise ValueError(f"'type' must be in {kinds} (got {self.type!r})")


# RFC 8839, section 5.1; what follows the type are pairs of a name and a value.
_CANDIDATE = re.compile(
    r"(?P<foundation>\S+) (?P<component>\d+) (?P<protocol>\S+) (?P<priority>\d+) "
    r"(?P<ip>\S+) (?P<port>\d+) typ (?P<type>\S+)(?P<more>( \S+)*) *"
)


@dataclass(frozen=True)
class RTCIceCandidate:
    """An address at which a peer may be reached (W3C WebRTC, section 4.8.1).

    ``candidate`` is the line of the SDP without its ``a=``; the other fields are read out of it.
    Raises: ValueError where it cannot be read.
    """

    candidate: str
    sdpMid: str | None = None
    sdpMLineIndex: int | None = None
    usernameFragment: str | None = None
    foundation: str = field(init=False, default="")
    component: int = field(init=False, default=0)
    protocol: str = field(init=False, default="")
    priority: int = field(init=False, default=0)
    ip: str = field(init=False, default="")
    port: int = field(init=False, default=0)
    type: str = field(init=False, default="")
    relatedAddress: str | None = field(init=False, default=None)
    relatedPort: int | None = field(init=False, default=None)
    tcpType: str | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if not self.candidate:  # Firefox tells so of the end of candidates, before it says None
            return
        read = _CANDIDATE.fullmatch(self.candidate.removeprefix("candidate:"))
        if read is None:
            raise ValueError(f"no ICE candidate: {self.candidate[:80]!r}")
        words = read["more"].split()
        more = dict(zip(words[::2], words[1::2], strict=False))
        for name in ("foundation", "protocol", "ip", "type"):
            object.__setattr__(self, name, read[name])
        for name in ("component", "priority", "port"):
            object.__setattr__(self, name, int(read[name]))
        object.__setattr__(self, "relatedAddress", more.get("raddr"))
        object.__setattr__(self, "relatedPort", int(more["rport"]) if more.get("rport", "").isdecimal() else None)
        object.__setattr__(self, "tcpType", more.get("tcptype"))

    def toJSON(self) -> dict[str, object]:
        """The W3C's RTCIceCandidateInit dictionary, as signaling carries it."""
        names = ("candidate", "sdpMid", "sdpMLineIndex", "usernameFragment")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def ice_candidate(init: Mapping[str, Any]) -> RTCIceCandidate | None:
    """Make a candidate of a W3C RTCIceCandidateInit dictionary (section 4.8.1.1).

    Returns: the candidate, or None for the end of candidates.

    Raises: ValueError where it cannot be read.
    """
    line = init.get("candidate")
    if not isinstance(line, str):
        raise ValueError('a candidate needs the text "candidate"')
    line = line.removeprefix("a=").removeprefix("candidate:")
    if not line:
        return None
    fragment = init.get("usernameFragment")
    return RTCIceCandidate(f"candidate:{line}", init.get("sdpMid"), init.get("sdpMLineIndex"), fragment)


class RTCStats(SimpleNamespace):
    """One report of `getStats`: the members of the W3C's dictionary as attributes (https://www.w3.org/TR/webrtc-stats/).

    ``timestamp`` is a datetime; ``id`` and ``type`` are there as well in every report.
    """

    id: str
    type: str
    timestamp: datetime

    @classmethod
    def read(cls, report: Mapping[str, Any]) -> "RTCStats":
        """Make one of the dictionary that a browser gives."""
        when = datetime.fromtimestamp(report["timestamp"] / 1000, UTC)
        return cls(**{**report, "timestamp": when})
