"""Learn WebRTC by building a chat with strangers."""

from p2pchat.errors import ChatError
from p2pchat.events import (
    Delivered,
    MessageReceived,
    MessageSent,
    Notice,
    SaidGoodbye,
    State,
    StateChanged,
    StrangerTyping,
)
from p2pchat.limits import Limits
from p2pchat.peer import ChatPeer
from p2pchat.servers import Servers, start_servers
from p2pchat.trace import Trace

__version__ = "0.1.0"

__all__ = [
    "ChatError",
    "ChatPeer",
    "Delivered",
    "Limits",
    "MessageReceived",
    "MessageSent",
    "Notice",
    "SaidGoodbye",
    "Servers",
    "State",
    "StateChanged",
    "StrangerTyping",
    "Trace",
    "start_servers",
]
