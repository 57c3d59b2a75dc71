"""A server on a port around one core, which can be restarted at any moment: the core forgets all, and says 1012."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from p2pchat.core import Action, ClientId, Close, Core
from p2pchat.servers.connection import Connection
from p2pchat.servers.websocket_server import WebSocketServer


class Restarting:
    """A core that restarts itself at moments that a test names: ``before`` or ``after`` so many frames of a kind."""

    def __init__(self, new_core: Callable[[], Core]) -> None:
        self.url = ""
        self.restarts = 0
        self.clients: set[ClientId] = set()  # who said something, and is still there
        self.code = 1012  # with which all are closed
        self.is_down = False  # whoever comes is sent away
        self.stays_down = False  # it is down from the next restart on
        self._new_core = new_core
        self._core = new_core()
        self._planned: set[tuple[str, str, int]] = set()
        self._seen: dict[str, int] = {}

    def plan(self, when: str, kind: str, number: int) -> None:
        """Restart ``when`` ("before", "after") the frame of that kind and number, counted from 1, was handled."""
        self._planned.add((when, kind, number))

    def restart(self) -> None:
        """Forget all, and close all."""
        self.restarts += 1
        self.is_down = self.stays_down
        self._core = self._new_core()
        clients, self.clients = self.clients, set()
        for client in clients:
            assert isinstance(client, Connection)
            client.close(self.code, "back in a moment")

    # --- a core -----------------------------------------------------------------------------------------------------

    def receive(self, client: ClientId, text: str, now: float) -> list[Action]:
        if self.is_down:
            return [Close(client, 1013, "not yet")]
        self.clients.add(client)
        kind = json.loads(text).get("type", "join")
        number = self._seen[kind] = self._seen.get(kind, 0) + 1
        if ("before", kind, number) in self._planned:
            self.restart()
            return []
        actions = self._core.receive(client, text, now)
        self.clients -= {action.client for action in actions if isinstance(action, Close)}
        if ("after", kind, number) in self._planned:
            clients, self.clients = self.clients, set()
            self.restart()
            actions += [Close(client, self.code, "back in a moment") for client in clients]
        return actions

    def leave(self, client: ClientId, now: float) -> list[Action]:
        self.clients.discard(client)
        return self._core.leave(client, now)

    def tick(self, now: float) -> list[Action]:
        return self._core.tick(now)

    def wake_at(self) -> float | None:
        return self._core.wake_at()


@asynccontextmanager
async def restarting(new_core: Callable[[], Core], path: str) -> AsyncIterator[Restarting]:
    core = Restarting(new_core)
    server = WebSocketServer(path, core, max_frame=2**20)
    await server.start("127.0.0.1", 0)
    core.url = server.url
    try:
        yield core
    finally:
        await server.stop()
