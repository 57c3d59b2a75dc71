"""WebRTC by aiortc, with workarounds for what was measured to go wrong.

Each is a class of its own in `p2pchat.webrtc.aiortc_workarounds` or `p2pchat.webrtc.aioice_workarounds`; here they are
put together.

aiortc trickles incoming candidates only: there is no ``icecandidate`` event, its own are all in its description.
"""

from collections.abc import Mapping
from typing import Any

from aiortc import (
    InvalidStateError,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceCandidate,
    RTCIceServer,
    RTCSessionDescription,
)
from aiortc.exceptions import OperationError
from aiortc.sdp import candidate_from_sdp

from p2pchat.webrtc.aioice_workarounds import ConsentChecksEnd, LoopbackCandidate, ShortConsent, UnresolvedNames
from p2pchat.webrtc.aiortc_workarounds import (
    ClosedForGood,
    LostPackets,
    NoDefaultIceServers,
    OwnTransports,
    PacketsAsBuffered,
    WholeGathering,
)

__all__ = [
    "InvalidStateError",
    "OperationError",
    "RTCConfiguration",
    "RTCDataChannel",
    "RTCIceCandidate",
    "RTCIceServer",
    "RTCPeerConnection",
    "RTCSessionDescription",
    "ice_candidate",
]


class IceConnection(LoopbackCandidate, UnresolvedNames, ConsentChecksEnd, ShortConsent):
    """aioice's Connection (RFC 8445) with the workarounds for it."""


class SctpTransport(PacketsAsBuffered, LostPackets):
    """aiortc's RTCSctpTransport (W3C WebRTC, section 6.1.1) with the workarounds for it."""


class RTCPeerConnection(NoDefaultIceServers, ClosedForGood, WholeGathering, OwnTransports):
    """aiortc's RTCPeerConnection (W3C WebRTC, section 4.4) with the workarounds for it and for what it is made of."""

    ice_connection = IceConnection
    sctp_transport = SctpTransport


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
    try:
        candidate = candidate_from_sdp(line)
    except (AssertionError, IndexError, ValueError) as error:
        raise ValueError(f"no ICE candidate: {line[:80]!r}") from error
    candidate.sdpMid = init.get("sdpMid")
    candidate.sdpMLineIndex = init.get("sdpMLineIndex")
    return candidate
