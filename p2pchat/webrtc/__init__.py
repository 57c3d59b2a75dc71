"""One RTCPeerConnection API, with aiortc's names, which are the W3C's (https://www.w3.org/TR/webrtc/).

Everything outside this package gets its WebRTC from here and knows no engine. Here the engine is aiortc
(`p2pchat.webrtc.aiortc_engine`), with what it lacks for meeting browsers and machines without a network.
"""

from p2pchat.webrtc.aiortc_engine import (
    InvalidStateError,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceCandidate,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
    ice_candidate,
)

__all__ = [
    "InvalidStateError",
    "RTCConfiguration",
    "RTCDataChannel",
    "RTCIceCandidate",
    "RTCIceServer",
    "RTCPeerConnection",
    "RTCSessionDescription",
    "ice_candidate",
]
