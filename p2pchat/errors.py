"""What can go wrong, as one tree of exceptions.

Every message is written for a person: what happened, why, and what to do about it::

    ChatError
    ├── FrameError               a frame that breaks the protocol; carries the WebSocket close code
    ├── MessageRefused           a chat message that cannot be sent (too long, blank, nobody there)
    ├── MatchmakingFailed        the matchmaking server is down, refused us or never answered
    ├── SignalingFailed          the signaling server is down, refused us or went away too early
    ├── ConnectFailed            the two peers found no way to each other, or the stranger never came
    ├── ServerFailed             a server could not be started, for instance because its port is taken
    ├── SocketError              a socket that carries no frames; carries the reason in words
    │   ├── SocketNotOpened      it never opened: nobody listens there, no answer in time, refused
    │   └── SocketClosed         it ended while somebody was still using it; carries the close code
    └── WebRTCError              what the browser's WebRTC raises
        ├── InvalidStateError    a call that does not fit the state of the connection or channel
        ├── OperationError       the browser could not do it; every other DOMException
        └── PageMissing          Python runs in a Worker, and no page lends it the browser's WebRTC

`InvalidStateError` and `OperationError` are DOMExceptions by their W3C names
(https://webidl.spec.whatwg.org/#idl-DOMException-error-names). Outside a browser the engine is aiortc, which raises its
own two classes of these names, and they know nothing of this tree. So catch them from `p2pchat.webrtc`, where
``InvalidStateError`` and ``OperationError`` are those of the engine that runs.
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


class ServerFailed(ChatError):
    """A server could not be started."""


class SocketError(ChatError):
    """A socket carries no frames, for this ``reason``; catch it where both kinds mean the same to you."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class SocketNotOpened(SocketError):
    """A socket never opened; the ``reason``, in words, is all that is known."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, reason)


class SocketClosed(SocketError):
    """An open socket has ended; ``code`` and ``reason`` are those of the close frame.

    ``code`` is 1006 where the connection broke without a close frame (RFC 6455, section 7.1.5).
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason, f"closed with code {code}" + (f": {reason}" if reason else ""))
        self.code = code


class WebRTCError(ChatError):
    """The browser's WebRTC did not do what was asked of it."""


class InvalidStateError(WebRTCError):
    """What was asked for does not fit the state of the connection or channel (W3C WebRTC, section 4.4)."""


class OperationError(WebRTCError):
    """The browser could not do what was asked of it; the text is the browser's, where the failure was."""


class PageMissing(WebRTCError):
    """A Worker has no WebRTC of its own, and no page lends it one."""
