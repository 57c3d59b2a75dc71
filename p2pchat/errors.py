"""What can go wrong, as one tree of exceptions.

Every message is written for a person: what happened, why, and what to do about it::

    ChatError
    ├── FrameError            a frame that breaks the protocol; carries the WebSocket close code
    ├── MessageRefused        a chat message that cannot be sent (too long, blank, nobody there)
    ├── MatchmakingFailed     the matchmaking server is down, refused us or never answered
    ├── SignalingFailed       the signaling server is down, refused us or went away too early
    ├── ConnectFailed         the two peers found no way to each other, or the stranger never came
    ├── SocketClosed          a socket ended while somebody was still listening to it
    └── ServerFailed          a server could not be started, for instance because its port is taken
"""


class ChatError(Exception):
    """Base of every error that p2pchat raises on purpose."""


class FrameError(ChatError):
    """A frame that breaks the protocol.

    ``code`` is the WebSocket close code that fits (RFC 6455, section 7.4.1): 1007 where the frame cannot be
    read at all, 1008 where it can be read and is not allowed.
    """

    def __init__(self, reason: str, code: int = 1008) -> None:
        super().__init__(reason)
        self.code = code


class MessageRefused(ChatError):
    """A chat message was refused before anything was sent; the conversation goes on."""


class MatchmakingFailed(ChatError):
    """The matchmaking server did not do its part."""


class SignalingFailed(ChatError):
    """The signaling server did not do its part."""


class ConnectFailed(ChatError):
    """Both servers did their part, and still no DataChannel opened."""


class SocketClosed(ChatError):
    """The other end of a socket closed it; ``code`` and ``reason`` are those of the close frame.

    ``code`` is 1006 where the connection broke without a close frame (RFC 6455, section 7.1.5).
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed with code {code}" + (f": {reason}" if reason else ""))
        self.code = code
        self.reason = reason


class ServerFailed(ChatError):
    """A server could not be started."""
