"""The servers on uvloop, as `p2pchat serve` runs them: its timers and its transports are not asyncio's."""

import asyncio
import json
import logging

import pytest
import uvloop
from websockets.asyncio.client import connect

from p2pchat.core import Action, ClientId, Send
from p2pchat.servers.websocket_server import WebSocketServer
from p2pchat.signaling import Signaling
from tests.support.raw_clients import a_room, candidate, listening


class Late:
    """A core that is always late: what it has to do was due an hour ago."""

    def __init__(self) -> None:
        self.owes: list[ClientId] = []
        self.ticks = 0

    def receive(self, who: ClientId, text: str, now: float) -> list[Action]:
        self.owes += [who, who]
        return []

    def leave(self, who: ClientId, now: float) -> list[Action]:
        return []

    def tick(self, now: float) -> list[Action]:
        self.ticks += 1
        return [Send(self.owes.pop(), f"tick {self.ticks}")]

    def wake_at(self) -> float | None:
        return 1.0 if self.owes else None


def test_what_is_overdue_is_done_at_once() -> None:
    async def exchange() -> list[str | bytes]:
        server = WebSocketServer("late", Late(), max_frame=1000)
        await server.start("127.0.0.1", 0)
        async with asyncio.timeout(60), connect(server.url) as client:
            await client.send("one")
            await client.send("two")
            heard = [await client.recv() for _ in range(4)]
        await server.stop()
        return heard

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(exchange()) == ["tick 1", "tick 2", "tick 3", "tick 4"]


def test_one_whose_tcp_ends_in_the_turn_in_which_frames_are_sent_keeps_nobody_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def room_of(url: str, number: int) -> None:
        """One of two breaks off, while both of another room, and it, are being told something."""
        ghost, left = await a_room(url, f"ghost {number}")
        one, other = await a_room(url, f"room {number}")
        left.send(candidate("to a ghost"))
        ghost.kill()
        one.send(candidate("1"))
        other.send(candidate("2"))
        assert await other.text() == candidate("1")
        assert await one.text() == candidate("2")
        assert json.loads(await left.text()) == {"type": "bye"}
        for client in (left, one, other):
            client.kill()

    async def rooms() -> None:
        async with listening(WebSocketServer("signaling", Signaling(), max_frame=2**20)) as server:
            for number in range(50):
                await room_of(server.url, number)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(rooms())
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
