"""A text socket that a test holds the other end of."""

import asyncio
import json

from p2pchat.errors import SocketClosed


class FakeSocket:
    """What is sent stands in ``sent``; `say` and `end` are what the server does."""

    def __init__(self, *frames: str) -> None:
        self.sent: list[str] = []
        self.closed_with: int | None = None
        self.close_takes = 0.0  # seconds
        self._ended: SocketClosed | None = None
        self._inbox: asyncio.Queue[str | SocketClosed] = asyncio.Queue()
        for frame in frames:
            self._inbox.put_nowait(frame)

    def say(self, kind: str, **fields: object) -> None:
        """Let a frame come from the server."""
        self._inbox.put_nowait(json.dumps({"type": kind, **fields}))

    def end(self, code: int, reason: str = "") -> None:
        """Let the server close."""
        self._ended = SocketClosed(code, reason)
        self._inbox.put_nowait(self._ended)

    @property
    def kinds(self) -> list[str]:
        """The types of the frames that were sent."""
        return [json.loads(frame).get("type", "join") for frame in self.sent]

    async def send(self, text: str) -> None:
        if self._ended is not None:
            raise self._ended
        self.sent.append(text)

    async def recv(self) -> str:
        frame = await self._inbox.get()
        if isinstance(frame, SocketClosed):
            self._inbox.put_nowait(frame)
            raise frame
        return frame

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await asyncio.sleep(self.close_takes)
        if self.closed_with is None:
            self.closed_with = code
