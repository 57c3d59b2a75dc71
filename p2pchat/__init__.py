"""Learn WebRTC by building a chat with strangers."""

from p2pchat.chat import Delivered, MessageReceived, Notice, SaidGoodbye, StrangerTyping
from p2pchat.errors import ChatError
from p2pchat.peer import ChatPeer, Limits, MessageSent, State, StateChanged
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
