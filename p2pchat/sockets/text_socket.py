"""What all text sockets have in common, whatever their transport."""

from typing import Protocol

MAX_FRAME = 2**20  # bytes of UTF-8; real session descriptions pass 32 KiB, Ayame's cap is 1 MiB
TOO_LARGE = f"a frame holds {MAX_FRAME} bytes at most"
TEXT_ONLY = "this protocol knows text frames only"
SENT_BINARY = f"it sent a binary frame, and {TEXT_ONLY}"
TABS = "tabs:"  # how a URL begins that leads to another tab of this browser


class TextSocket(Protocol):
    """A connection that carries text frames both ways, in order."""

    async def send(self, text: str) -> None:
        """Send one frame. Raises: SocketClosed."""

    async def recv(self) -> str:
        """Wait for the next frame. Raises: SocketClosed."""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close, and wait a little for the other side to agree; harmless when it is closed already."""


class Listener(Protocol):
    """A server made of one coroutine, which each client gets a run of."""

    @property
    def url(self) -> str:
        """What ``connect`` takes, for instance ``ws://127.0.0.1:40123/echo``; it ends in the server's name."""

    async def stop(self) -> None:
        """Tell the connected, close, and wait for the conversations to end; harmless when stopped already."""


def is_too_large(text: str) -> bool:
    """Whether a frame is above `MAX_FRAME` bytes; most are so small that nobody need count them."""
    return len(text) * 4 > MAX_FRAME and len(text.encode(errors="surrogatepass")) > MAX_FRAME
