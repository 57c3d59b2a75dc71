"""Learn WebRTC by building a chat with strangers."""

from typing import TYPE_CHECKING, Any

from p2pchat.errors import ChatError
from p2pchat.peer import ChatPeer
from p2pchat.peer.events import (
    Delivered,
    MessageReceived,
    MessageSent,
    Notice,
    SaidGoodbye,
    State,
    StateChanged,
    StrangerTyping,
)
from p2pchat.peer.timeouts import Timeouts
from p2pchat.servers import Servers, start_servers
from p2pchat.trace import Trace

if TYPE_CHECKING:
    from p2pchat.views.widgets import ChatWidget

__version__ = "0.1.0"

__all__ = [
    "ChatError",
    "ChatPeer",
    "ChatWidget",
    "Delivered",
    "MessageReceived",
    "MessageSent",
    "Notice",
    "SaidGoodbye",
    "Servers",
    "State",
    "StateChanged",
    "StrangerTyping",
    "Timeouts",
    "Trace",
    "start_servers",
]


def __getattr__(name: str) -> Any:
    """Import ipywidgets only for who uses a widget; a terminal has no need of it."""
    if name == "ChatWidget":
        from p2pchat.views.widgets import ChatWidget

        return ChatWidget
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
