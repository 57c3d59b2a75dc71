"""Strangers that a check sends to a learner's server; what they do not get becomes an AssertionError in words."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from p2pchat.errors import FrameError, SocketClosed
from p2pchat.lab.serving import LessonServer, LessonSocket, ServerCoroutine, connect
from p2pchat.messages import (
    Accept,
    Join,
    Match,
    Register,
    SignalingFrame,
    parse_match,
    parse_signaling,
    rfc3339,
)

PATIENCE = 2.0  # seconds for a frame on loopback that takes a millisecond


@asynccontextmanager
async def server_of(conversation: ServerCoroutine, shared: Any) -> AsyncIterator[LessonServer]:
    """The learner's coroutine on a port of its own, beside the one that the lesson has put on a port."""
    server = LessonServer(getattr(conversation, "__name__", "server"), conversation, (shared,))
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def joined(server: LessonServer, user: str) -> LessonSocket:
    """A stranger in the line."""
    socket = await connect(server.url)
    await socket.send(Join(user, rfc3339(time.time())).to_json())
    return socket


async def registered(server: LessonServer, room: str) -> LessonSocket:
    """A client that has asked to be let into a room."""
    socket = await connect(server.url)
    await socket.send(Register(room).to_json())
    return socket


async def next_frame(socket: LessonSocket, story: str) -> str:
    """The next frame; ``story`` is what is told if none comes."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await socket.recv()
    except TimeoutError:
        raise AssertionError(f"{story} Nothing came within {PATIENCE:g} seconds.") from None
    except SocketClosed as error:
        raise AssertionError(f"{story} Instead the socket was {error}.") from None


async def match_of(socket: LessonSocket, story: str) -> Match:
    """The MATCH that must come."""
    text = await next_frame(socket, story)
    try:
        return parse_match(text)
    except FrameError as error:
        raise AssertionError(f"{story} What came is no MATCH: {error}. It was: {text}") from None


async def frame_of(socket: LessonSocket, story: str) -> SignalingFrame:
    """The signaling frame that must come."""
    text = await next_frame(socket, story)
    try:
        return parse_signaling(text)
    except FrameError as error:
        raise AssertionError(f"{story} What came cannot be read: {error}. It was: {text}") from None


async def accepted(socket: LessonSocket, name: str, *, second: bool) -> None:
    """The accept that must come, with both flags right."""
    text = await next_frame(socket, f"{name} sent register and must be told accept.")
    try:
        frame = parse_signaling(text)
    except FrameError as error:
        raise AssertionError(f"What {name} got cannot be read: {error}. It was: {text}") from None
    assert isinstance(frame, Accept), f"{name} sent register and must be told accept, but was told: {text}"
    place = "second, so isExistClient and isExistUser must both be true" if second else "first, so both must be false"
    flag = "true" if second else "false"
    for key in ("isExistClient", "isExistUser"):
        assert f'"{key}":{flag}' in text.replace(" ", ""), f"{name} came {place}. {name} was told: {text}"


async def closed(socket: LessonSocket, story: str) -> SocketClosed:
    """The close that must come next."""
    try:
        async with asyncio.timeout(PATIENCE):
            text = await socket.recv()
    except SocketClosed as error:
        return error
    except TimeoutError:
        raise AssertionError(f"{story} The socket stayed open.") from None
    raise AssertionError(f"{story} Instead this came: {text}")


async def without_trouble(server: LessonServer) -> None:
    """Stop the server; none of its conversations may have raised anything."""
    await server.stop()
    assert not server.troubles, f"All got what they must, but your coroutine failed on the way: {server.troubles[0]}."
