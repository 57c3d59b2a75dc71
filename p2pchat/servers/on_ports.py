"""The three servers on real ports, as one thing to start and stop."""

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path

from p2pchat.matchmaking import Matchmaking
from p2pchat.messages import JsonObject
from p2pchat.servers.group import ServerUrls
from p2pchat.servers.limits import Limits
from p2pchat.servers.static_site import SiteServer
from p2pchat.servers.websocket_server import CoreServer
from p2pchat.signaling import Signaling


class Servers(ServerUrls):
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
        limits = limits or Limits()
        self._host = host
        self._tls = tls
        self._running: dict[str, CoreServer | SiteServer] = {}
        self._planned: list[tuple[CoreServer | SiteServer, int]] = []
        if static_port is not None:
            self._planned.append((SiteServer(site, urls=lambda: self.urls, log_private=log_private), static_port))
        for name, core, port, largest in (
            ("matchmaking", Matchmaking(), matchmaking_port, limits.matchmaking_frame),
            ("signaling", Signaling(ice_servers=ice_servers), signaling_port, limits.signaling_frame),
        ):
            if port is not None:
                server = CoreServer(
                    name, core, largest_frame=largest, limits=limits, origins=origins, log_private=log_private
                )
                self._planned.append((server, port))

    async def start(self) -> None:
        """Start them; those of an earlier start are stopped first.

        Raises: ServerFailed, and then none is left running.
        """
        await self.stop()
        try:
            for server, port in self._planned:
                await server.start(self._host, port, self._tls)
                self._running[server.name] = server
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Tell the connected and close; harmless when nothing is running."""
        running, self._running = self._running, {}
        await asyncio.gather(*(server.stop() for server in running.values()))

    @property
    def urls(self) -> dict[str, str]:
        """The address of each server that runs, by its name."""
        return {name: server.url for name, server in self._running.items()}
