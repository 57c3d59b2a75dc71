"""The servers on uvloop, as `p2pchat serve` runs them: its timers are not asyncio's."""

import asyncio

import uvloop
from websockets.asyncio.client import connect

from p2pchat.core import Action, ClientId, Send
from p2pchat.servers.websocket_server import WebSocketServer


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
        async with asyncio.timeout(10), connect(server.url) as client:
            await client.send("one")
            await client.send("two")
            heard = [await client.recv() for _ in range(4)]
        await server.stop()
        return heard

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(exchange()) == ["tick 1", "tick 2", "tick 3", "tick 4"]
