"""The three servers on real ports, as one thing to start and stop."""

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path

from p2pchat.core import Core
from p2pchat.matchmaking import Matchmaking
from p2pchat.messages import JsonObject
from p2pchat.servers.group import ServerGroup
from p2pchat.servers.limits import Limits
from p2pchat.servers.static_site import StaticSite
from p2pchat.servers.websocket_server import WebSocketServer
from p2pchat.signaling import Signaling


class Servers(ServerGroup):
    """The three servers, or some of them, as one thing to start and stop.

    Use it as an async context manager, or through `start_servers`.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        static_port: int | None = 0,
        matchmaking_port: int | None = 0,
        signaling_port: int | None = 0,
        site: Path | None = None,
        ice_servers: Sequence[JsonObject] = (),
        origins: Sequence[str] = (),
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        log_private: bool = False,
    ) -> None:
        self._host = host
        self._ports = {"static": static_port, "matchmaking": matchmaking_port, "signaling": signaling_port}
        self._site = site
        self._ice_servers = ice_servers
        self._origins = origins
        self._tls = tls
        self._limits = limits or Limits()
        self._log_private = log_private
        self._running: dict[str, WebSocketServer | StaticSite] = {}

    async def start(self) -> None:
        """Start them; those of an earlier start are stopped first.

        Raises: ServerFailed, and then none is left running.
        """
        await self.stop()
        try:
            for name, port in self._ports.items():
                if port is not None:
                    server = self._new(name)
                    await server.start(self._host, port, self._tls)
                    self._running[name] = server
        except BaseException:
            await self.stop()
            raise

    def _new(self, name: str) -> WebSocketServer | StaticSite:
        if name == "static":
            return StaticSite(self._site, urls=lambda: self.urls, log_private=self._log_private)
        core: Core = Matchmaking() if name == "matchmaking" else Signaling(ice_servers=self._ice_servers)
        limits = self._limits
        return WebSocketServer(
            name,
            core,
            max_frame=limits.matchmaking_frame if name == "matchmaking" else limits.signaling_frame,
            limits=limits,
            origins=self._origins,
            log_private=self._log_private,
        )

    async def stop(self) -> None:
        """Tell the connected and close; harmless when nothing is running."""
        running, self._running = self._running, {}
        await asyncio.gather(*(server.stop() for server in running.values()))

    @property
    def urls(self) -> dict[str, str]:
        """The address of each server that runs, by its name."""
        return {name: server.url for name, server in self._running.items()}
