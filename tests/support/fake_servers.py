"""Servers that misbehave, each in its own way, and a signaling server that follows a script."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Handler = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def raw_server(answer: bytes | None) -> AsyncIterator[str]:
    """A TCP server that says ``answer`` to whatever it is asked, and closes; with None it says nothing, ever."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1 if answer is not None else -1)
        writer.write(answer or b"")
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def websocket_server(handler: Handler, **options: Any) -> AsyncIterator[str]:
    """A WebSocket server whose connections each run ``handler``."""

    async def converse(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await handler(connection)

    async with serve(converse, "127.0.0.1", 0, close_timeout=0.2, **options) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def unused_url() -> str:
    """Where nobody listens."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return f"ws://127.0.0.1:{port}/"


def says(*frames: str | bytes | dict[str, Any], then: Handler | None = None) -> Handler:
    """Wait for the first frame of a client, say these, and stay until the client goes (or do what is said)."""

    async def handler(connection: ServerConnection) -> None:
        await connection.recv()
        for frame in frames:
            await connection.send(json.dumps(frame) if isinstance(frame, dict) else frame)
        await (then or stays)(connection)

    return handler


async def stays(connection: ServerConnection) -> None:
    async for _ in connection:
        pass


def closes(code: int = 1000, reason: str = "") -> Handler:
    async def handler(connection: ServerConnection) -> None:
        await connection.close(code, reason)

    return handler


async def breaks(connection: ServerConnection) -> None:
    connection.transport.abort()


MATCH = {"type": "MATCH", "room_id": "a-room", "user_id": "peer", "created_at": "2026-01-31T12:00:00Z"}
ACCEPT_FIRST = {"type": "accept", "connectionId": "1", "isExistClient": False, "isExistUser": False}
ACCEPT_SECOND = ACCEPT_FIRST | {"isExistClient": True, "isExistUser": True}
