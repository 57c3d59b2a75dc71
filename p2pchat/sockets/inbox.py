"""What has come over a socket and was not read yet, and how the socket ended: for transports that call back."""

import asyncio
from collections import deque

from p2pchat.errors import SocketClosed


class Inbox:
    """The frames in order, then the end of the socket, as often as somebody asks."""

    def __init__(self) -> None:
        self._frames: deque[str] = deque()
        self._changed = asyncio.Event()
        self._end: tuple[int, str] | None = None
        self._ended = asyncio.Event()

    @property
    def ended(self) -> bool:
        """Whether no frame will come any more; there may be some that nobody has read yet."""
        return self._end is not None

    def put(self, text: str) -> None:
        """A frame came; after the end it is dropped."""
        if self._end is None:
            self._frames.append(text)
            self._changed.set()

    def end(self, code: int, reason: str) -> None:
        """The socket has ended; only the first time counts."""
        if self._end is None:
            self._end = code, reason
            self._changed.set()
            self._ended.set()

    async def recv(self) -> str:
        """Wait for the next frame. Raises: SocketClosed, when all are read and the socket has ended."""
        while not self._frames:
            self.check()
            self._changed.clear()
            await self._changed.wait()
        return self._frames.popleft()

    def check(self) -> None:
        """Raises: SocketClosed, if the socket has ended."""
        if self._end is not None:
            raise SocketClosed(*self._end)

    async def wait_ended(self) -> None:
        """Wait until no frame will come any more."""
        await self._ended.wait()
