"""What clients of the two protocols say, as the original and Ayame clients write it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from p2pchat.servers.websocket_server import WebSocketServer
from tests.support.raw_websocket import LIMIT, PING, PONG, RawWebSocket, frame, open_raw

PING_OF_AYAME = '{"type":"ping"}'
NOW = "2026-01-31T12:00:00.123456789+09:00"  # Go writes nanoseconds and the local zone


def join(user: str, **more: Any) -> str:
    return json.dumps({"user_id": user, "created_at": NOW} | more)


def register(room: str, **more: Any) -> str:
    return json.dumps({"type": "register", "roomId": room, "clientId": "somebody", "key": ""} | more)


def candidate(text: str = "candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host", **more: Any) -> str:
    return json.dumps({"type": "candidate", "ice": {"candidate": text, "sdpMid": "0", "sdpMLineIndex": 0}} | more)


async def waiting(url: str, user: str) -> RawWebSocket:
    """A raw client that is surely in the line: the server has answered a ping sent after its frame."""
    client = await open_raw(url)
    client.send(join(user))
    await surely_heard(client)
    return client


async def surely_heard(client: RawWebSocket) -> None:
    """Wait until the server has read, and acted on, all that ``client`` sent."""
    client.send(frame(PING, b"?"))
    assert await client.receive() == (PONG, b"?")


async def a_room(url: str, room: str, **more: Any) -> tuple[RawWebSocket, RawWebSocket]:
    """Two raw clients in one room."""
    first, second = await open_raw(url), await open_raw(url)
    first.send(register(room, **more))
    assert json.loads(await first.text())["isExistClient"] is False
    second.send(register(room, **more))
    assert json.loads(await second.text())["isExistClient"] is True
    return first, second


async def relays(sender: RawWebSocket, receiver: RawWebSocket, text: str) -> None:
    """Check that what one says reaches the other as it is."""
    sender.send(text)
    while (said := await receiver.text()) == PING_OF_AYAME:  # the server's, who happens to be due
        pass
    assert said == text


async def until(condition: Any, what: str) -> None:
    """Wait for a condition that nothing announces."""
    try:
        async with asyncio.timeout(LIMIT):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"never: {what}") from None


@asynccontextmanager
async def listening(server: WebSocketServer) -> AsyncIterator[WebSocketServer]:
    """One server by itself, on a free port."""
    await server.start("127.0.0.1", 0)
    try:
        yield server
    finally:
        await server.stop()
