"""Every frame on every wire: typed, parsed and checked. Nothing else in the package knows JSON.

Three wires, three families of frames:

=================  ==========================  ==========================================================
wire               parsed by                   frames
=================  ==========================  ==========================================================
matchmaking        `parse_join`, `parse_match` `Join`, `Match`
signaling (Ayame)  `parse_signaling`           `Register`, `Accept`, `Reject`, `Offer`, `Answer`,
                                               `Candidate`, `Bye`, `Connected`, `Ping`, `Pong`
DataChannel        `parse_chat`                `Hello`, `Received`, `Typing`, `Goodbye`, `Ping`,
                                               `Pong`
=================  ==========================  ==========================================================

Each frame is a frozen dataclass whose ``to_json()`` writes it. A parser takes the text of a frame and returns
one of its dataclasses, or raises `FrameError` with one sentence that says what is wrong. Unknown keys are
ignored, as every side of these protocols must; a relay that has to keep them passes the text itself on.
"""

from p2pchat.messages.bare import Ping, Pong
from p2pchat.messages.chat import ChatFrame, Goodbye, Hello, Received, Typing, parse_chat
from p2pchat.messages.fields import MAX_ID, JsonObject
from p2pchat.messages.matchmaking import (
    MAX_INTEREST,
    MAX_INTERESTS,
    Join,
    Match,
    parse_join,
    parse_match,
    rfc3339,
    rfc3339_now,
)
from p2pchat.messages.signaling import (
    Accept,
    Answer,
    Bye,
    Candidate,
    Connected,
    Offer,
    Register,
    Reject,
    SignalingFrame,
    parse_signaling,
)

__all__ = [
    "MAX_ID",
    "MAX_INTEREST",
    "MAX_INTERESTS",
    "Accept",
    "Answer",
    "Bye",
    "Candidate",
    "ChatFrame",
    "Connected",
    "Goodbye",
    "Hello",
    "Join",
    "JsonObject",
    "Match",
    "Offer",
    "Ping",
    "Pong",
    "Received",
    "Register",
    "Reject",
    "SignalingFrame",
    "Typing",
    "parse_chat",
    "parse_join",
    "parse_match",
    "parse_signaling",
    "rfc3339",
    "rfc3339_now",
]
