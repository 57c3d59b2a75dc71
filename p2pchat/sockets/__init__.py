"""One socket for text frames, whatever carries them.

A peer knows only `TextSocket` and `connect`; which library stands behind them is a matter of this package alone.
Here it is `websockets` (`p2pchat.sockets.websocket`).
"""

from typing import Protocol

from p2pchat.sockets.websocket import connect

__all__ = ["TextSocket", "connect"]


class TextSocket(Protocol):
    """A connection that carries text frames both ways, in order."""

    async def send(self, text: str) -> None:
        """Send one frame. Raises: SocketClosed."""

    async def recv(self) -> str:
        """Wait for the next frame. Raises: SocketClosed."""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close, and wait a little for the other side to agree; harmless when it is closed already."""
