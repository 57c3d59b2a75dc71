"""WebRTC by aiortc, with five cures for what was measured to go wrong:

* Without ``iceServers`` aiortc asks a public STUN server, and waits 5 s for it where there is no way out. Here no
  ICE server means none.
* aioice offers no loopback address, so two peers on a machine without a network have no candidate at all. Here
  loopback is offered where nothing else is.
* Browsers hide their addresses behind ``.local`` names (mDNS). Looking one up blocks for a second, and if none
  resolves, ``a=end-of-candidates`` leaves aiortc with nothing to try. Here both are taken out of a description;
  ICE finds the browser all the same, as a peer-reflexive candidate (RFC 8445, section 7.3.1.3).
* A peer that was killed is noticed by consent checks (RFC 7675), which allow it 30 s. Here they give up after
  some 10.
* The congestion window counts the bytes of messages alone. Of messages of four bytes a thousand packets fit into it,
  far more than the system's buffer for a UDP socket holds; most were lost, and each loss waits a second to be
  repaired: 10,000 short messages in one go took minutes. Here no packet counts as less than it takes in that buffer.

aiortc trickles incoming candidates only: there is no ``icecandidate`` event, its own are all in its description.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import aioice.ice
from aiortc import (
    InvalidStateError,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceCandidate,
    RTCIceServer,
    RTCSessionDescription,
)
from aiortc import RTCPeerConnection as AiortcPeerConnection
from aiortc.exceptions import OperationError
from aiortc.rtcsctptransport import DataChunk
from aiortc.sdp import candidate_from_sdp

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

aioice.ice.CONSENT_INTERVAL = 2  # seconds between two checks, and
aioice.ice.CONSENT_FAILURES = 4  # checks without an answer, each of which waits 0.5 s

GATHERING_TIMEOUT = 5.0  # seconds for one who is cancelled; a STUN server that is silent takes as long

MIN_PACKET = 768  # bytes that Linux takes of a socket's receive buffer for the smallest of packets

DataChunk._book_size = property(  # type: ignore[assignment]
    lambda chunk: max(len(chunk.user_data), MIN_PACKET),
    lambda chunk, size: None,  # aiortc sets the size of the message, which we can read ourselves
)

_routable_addresses = aioice.ice.get_host_addresses


def _host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    return _routable_addresses(use_ipv4, use_ipv6) or (["127.0.0.1"] if use_ipv4 else [])


aioice.ice.get_host_addresses = _host_addresses

_check_consent = aioice.ice.Connection.query_consent


async def _check_consent_while_open(connection: aioice.ice.Connection) -> None:
    """Where ICE succeeds at the very moment of closing, aioice would check a closed connection for ever."""
    if not connection._closing:
        await _check_consent(connection)


aioice.ice.Connection.query_consent = _check_consent_while_open  # type: ignore[method-assign, assignment]


class RTCPeerConnection(AiortcPeerConnection):
    """aiortc's RTCPeerConnection (W3C WebRTC, section 4.4), cured as this module's docstring says."""

    def __init__(self, configuration: RTCConfiguration | None = None) -> None:
        super().__init__(configuration or RTCConfiguration(iceServers=[]))

    def createDataChannel(self, *args: Any, **options: Any) -> RTCDataChannel:
        """Make a channel (section 6.1). Raises: InvalidStateError where the connection is closed."""
        if self.signalingState == "closed":
            raise InvalidStateError("RTCPeerConnection is closed")
        return super().createDataChannel(*args, **options)

    async def setLocalDescription(self, sessionDescription: RTCSessionDescription | None = None) -> None:
        """Take our own offer or answer, made now if none is given (section 4.4.1.5), and gather candidates.

        Who is cancelled meanwhile waits for the end of the gathering: half-way it would leave its sockets open.

        Raises: InvalidStateError where it does not fit the moment.
        """
        if sessionDescription is None:
            is_answer = self.signalingState == "have-remote-offer"
            sessionDescription = await (self.createAnswer() if is_answer else self.createOffer())
        gathering = asyncio.ensure_future(super().setLocalDescription(sessionDescription))
        try:
            await asyncio.shield(gathering)
        except asyncio.CancelledError:
            await asyncio.wait({gathering}, timeout=GATHERING_TIMEOUT)
            raise

    async def setRemoteDescription(self, sessionDescription: RTCSessionDescription) -> None:
        """Take the other side's offer or answer.

        Raises: ValueError or InvalidStateError where it cannot be read, or does not fit the moment.
        """
        kept = [line for line in sessionDescription.sdp.splitlines() if not _is_unusable(line)]
        cured = RTCSessionDescription(sdp="\r\n".join(kept) + "\r\n", type=sessionDescription.type)
        await super().setRemoteDescription(cured)


def ice_candidate(init: Mapping[str, Any]) -> RTCIceCandidate | None:
    """Make a candidate of a W3C RTCIceCandidateInit dictionary (section 4.8.1.1).

    Returns: the candidate, or None for one that this engine cannot use: the end of candidates, a ``.local`` name.

    Raises: ValueError where it cannot be read.
    """
    line = init.get("candidate")
    if not isinstance(line, str):
        raise ValueError('a candidate needs the text "candidate"')
    line = line.removeprefix("a=").removeprefix("candidate:")
    if not line or _is_mdns(line):
        return None
    try:
        candidate = candidate_from_sdp(line)
    except (AssertionError, IndexError, ValueError) as error:
        raise ValueError(f"no ICE candidate: {line[:80]!r}") from error
    candidate.sdpMid = init.get("sdpMid")
    candidate.sdpMLineIndex = init.get("sdpMLineIndex")
    return candidate


def _is_unusable(line: str) -> bool:
    return line == "a=end-of-candidates" or (line.startswith("a=candidate:") and _is_mdns(line))


def _is_mdns(candidate: str) -> bool:
    """Whether the fifth field, the connection address (RFC 8839, section 5.1), is a ``.local`` name."""
    fields = candidate.split()
    return len(fields) > 4 and fields[4].endswith(".local")
