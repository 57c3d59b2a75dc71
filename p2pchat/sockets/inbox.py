"""What has come over a socket and was not read yet, and how the socket ended: for carriers that call back."""

import asyncio
from collections import deque

from p2pchat.errors import SocketClosed
from p2pchat.sockets.text_socket import MAX_FRAME

TOO_LARGE = f"a frame holds {MAX_FRAME} bytes at most"


def is_too_large(text: str) -> bool:
    """Whether a frame is above `MAX_FRAME` bytes; most are so small that nobody need count them."""
    return len(text) * 4 > MAX_FRAME and len(text.encode(errors="surrogatepass")) > MAX_FRAME


class Inbox:
    """The frames in order, then the end of the socket, as often as somebody asks."""

    def __init__(self) -> None:
        self._frames: deque[str] = deque()
        self._news = asyncio.Event()
        self._end: tuple[int, str] | None = None
        self._ended = asyncio.Event()

    @property
    def ended(self) -> bool:
        """Whether no frame will come any more; there may be some that nobody has read yet."""
        return self._end is not None

    def put(self, text: str) -> None:
        """A frame came; after the end it is forgotten."""
        if self._end is None:
            self._frames.append(text)
            self._news.set()

    def end(self, code: int, reason: str) -> None:
        """The socket has ended; only the first time counts."""
        if self._end is None:
            self._end = code, reason
            self._news.set()
            self._ended.set()

    async def recv(self) -> str:
        """Wait for the next frame. Raises: SocketClosed, when all are read and the socket has ended."""
        while not self._frames:
            self.check()
            self._news.clear()
            await self._news.wait()
        return self._frames.popleft()

    def check(self) -> None:
        """Raises: SocketClosed, if the socket has ended."""
        if self._end is not None:
            raise SocketClosed(*self._end)

    async def wait_ended(self, timeout: float) -> bool:
        """Wait for the end, ``timeout`` seconds at most. Returns: whether it came."""
        try:
            async with asyncio.timeout(timeout):
                await self._ended.wait()
        except TimeoutError:
            return False
        return True
