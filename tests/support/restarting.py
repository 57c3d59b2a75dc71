"""A server on a port around one core, which can be restarted at any moment: the core forgets all, and says 1012."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from p2pchat.core import Action, Core, Send


class Restarting:
    """Restarts itself at moments that a test names: ``before`` or ``after`` so many frames of a kind were handled."""

    def __init__(self, new_core: Callable[[], Core]) -> None:
        self.url = ""
        self.restarts = 0
        self.clients: set[ServerConnection] = set()
        self.is_down = False  # whoever comes is sent away
        self.stays_down = False  # it is down from the next restart on
        self._new_core = new_core
        self._core = new_core()
        self._planned: dict[tuple[str, str, int], None] = {}
        self._seen: dict[str, int] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def plan(self, when: str, kind: str, number: int) -> None:
        """Restart ``when`` ("before", "after") the frame of that kind and number, counted from 1, was handled."""
        self._planned[when, kind, number] = None

    def restart(self, code: int = 1012) -> None:
        """Forget all, and close all."""
        self.restarts += 1
        self.is_down = self.stays_down
        self._core = self._new_core()
        clients, self.clients = self.clients, set()
        for client in clients:
            task = asyncio.create_task(client.close(code, "back in a moment"))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def converse(self, connection: ServerConnection) -> None:
        if self.is_down:
            await connection.close(1013, "not yet")
            return
        self.clients.add(connection)
        try:
            async for text in connection:
                await self._handle(connection, str(text))
        finally:
            if connection in self.clients:
                self.clients.discard(connection)
                await self._carry_out(self._core.leave(connection, time.time()))

    async def tick(self) -> None:
        """Let the core do what is due, again and again."""
        while True:
            await asyncio.sleep(0.02)
            await self._carry_out(self._core.tick(time.time()))

    async def _handle(self, connection: ServerConnection, text: str) -> None:
        kind = json.loads(text).get("type", "join")
        number = self._seen[kind] = self._seen.get(kind, 0) + 1
        if ("before", kind, number) in self._planned:
            self.restart()
        if connection in self.clients:
            await self._carry_out(self._core.receive(connection, text, time.time()))
        if ("after", kind, number) in self._planned:
            self.restart()

    async def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            client = action.client
            assert isinstance(client, ServerConnection)
            try:
                if isinstance(action, Send):
                    await client.send(action.text)
                else:
                    self.clients.discard(client)
                    await client.close(action.code, action.reason)
            except ConnectionClosed:
                pass


@asynccontextmanager
async def restarting(new_core: Callable[[], Core], path: str) -> AsyncIterator[Restarting]:
    server = Restarting(new_core)
    async with serve(server.converse, "127.0.0.1", 0, close_timeout=0.5) as listening:
        server.url = f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}/{path}"
        ticking = asyncio.create_task(server.tick())
        yield server
        ticking.cancel()
        await asyncio.wait({ticking})
    if server._closing:
        await asyncio.wait(server._closing)
