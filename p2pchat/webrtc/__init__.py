"""One RTCPeerConnection API, with aiortc's names, which are the W3C's (https://www.w3.org/TR/webrtc/).

Everything outside this package gets its WebRTC from here and knows no engine. In a browser (Pyodide) the engine is the
browser's own WebRTC (`p2pchat.webrtc.browser_engine`). Elsewhere it is aiortc (`p2pchat.webrtc.aiortc_engine`), with
what it lacks for meeting browsers and machines without a network.
"""

import sys

if sys.platform == "emscripten":
    from p2pchat.webrtc.browser_engine import (
        InvalidStateError,
        OperationError,
        RTCConfiguration,
        RTCDataChannel,
        RTCIceCandidate,
        RTCIceServer,
        RTCPeerConnection,
        RTCSessionDescription,
        ice_candidate,
    )
else:
    from p2pchat.webrtc.aiortc_engine import (
        InvalidStateError,
        OperationError,
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
    "OperationError",
    "RTCConfiguration",
    "RTCDataChannel",
    "RTCIceCandidate",
    "RTCIceServer",
    "RTCPeerConnection",
    "RTCSessionDescription",
    "ice_candidate",
]
