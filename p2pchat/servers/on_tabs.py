"""The servers in a browser: the same cores, on the tabs of this browser instead of ports.

What `p2pchat.start_servers` starts is shared by all tabs of this site that call it: one of them serves, and when it is
closed the next one does. Where the site itself names a matchmaking server, and that one answers, it is used instead.
`Servers` made by hand are for those who know their URLs, as those on free ports are.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from p2pchat.core import Core
from p2pchat.errors import SocketClosed, SocketError
from p2pchat.matchmaking import Matchmaking
from p2pchat.messages import JsonObject
from p2pchat.servers.core_runner import CoreRunner
from p2pchat.servers.group import ServerGroup
from p2pchat.servers.limits import Limits
from p2pchat.servers.servers_json import FILE, named_in
from p2pchat.signaling import Signaling
from p2pchat.sockets import connect
from p2pchat.sockets.site_url import fetch_json, site
from p2pchat.sockets.tabs.connection import TabSocket
from p2pchat.sockets.tabs.listener import TabListener

SITE_TIMEOUT = 2.0  # seconds for the site to say where the real servers are, and for one of them to answer


class Servers(ServerGroup):
    """Matchmaking and signaling on the tabs, under names that nobody else has; the site stands for the static server.

    Use it as an async context manager. It takes what `p2pchat.servers.on_ports.Servers` takes; a port of None
    leaves that server out, and of the rest only ``ice_servers`` means anything where there are no ports.
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
        tls: object = None,
        limits: Limits | None = None,
        log_private: bool = False,
    ) -> None:
        ports = {"static": static_port, "matchmaking": matchmaking_port, "signaling": signaling_port}
        self._wanted = [name for name, port in ports.items() if port is not None]
        self._ice_servers = ice_servers
        self._servers: dict[str, CoreOnTabs] = {}
        self._urls: dict[str, str] = {}

    @property
    def urls(self) -> Mapping[str, str]:
        return self._urls

    async def start(self) -> None:
        """Start them; those of an earlier start are stopped first.

        Raises: ServerFailed, and then none is left running.
        """
        await self.stop()
        urls = await self._real_servers()
        try:
            for name in self._wanted:
                self._urls[name] = site() if name == "static" else urls.get(name) or await self._serve(name)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Tell the connected and close, or be a candidate no more; harmless when nothing is running."""
        servers, self._servers = self._servers, {}
        self._urls = {}
        await asyncio.gather(*(server.stop() for server in servers.values()))

    async def _real_servers(self) -> dict[str, str]:
        """Servers elsewhere that are used instead of those of the tabs."""
        return {}

    def _on_tabs(self, name: str) -> str:
        return f"{uuid4()}/{name}"

    async def _serve(self, name: str) -> str:
        core = Matchmaking() if name == "matchmaking" else Signaling(ice_servers=self._ice_servers)
        server = self._servers[name] = CoreOnTabs(self._on_tabs(name), core)
        await server.start()
        return server.url


class ServersOfAllTabs(Servers):
    """Real servers where the site has some that answer; else one for all tabs of this site."""

    _asking: asyncio.Task[None] | None = None

    async def stop(self) -> None:
        """As `Servers.stop`; real servers run on."""
        await super().stop()
        if self._asking is not None:
            await asyncio.wait({self._asking})

    def _on_tabs(self, name: str) -> str:
        return name

    async def _real_servers(self) -> dict[str, str]:
        with suppress(SocketError, TimeoutError):
            async with asyncio.timeout(SITE_TIMEOUT):
                if urls := named_in(await fetch_json(FILE)):
                    socket = await connect(urls["matchmaking"], SITE_TIMEOUT)
                    self._asking = asyncio.create_task(socket.close())  # it answers: that is all
                    return urls
        return {}


class CoreOnTabs:
    """One core behind one name, and its part in the leader election."""

    def __init__(self, name: str, core: Core) -> None:
        self._runner = CoreRunner(name, core, asyncio.get_running_loop())
        self._listener = TabListener(name, self._converse)
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where clients connect to, whichever tab serves."""
        return self._listener.url

    async def start(self) -> None:
        """Take part in the leader election. Raises: ServerFailed."""
        await self._listener.start()

    async def stop(self) -> None:
        """Be a candidate no more; a leader tells the connected, and the next takes over."""
        await self._listener.stop()
        self._runner.stop()
        if self._closing:
            await asyncio.wait(self._closing)

    async def _converse(self, socket: TabSocket) -> None:
        """Hand what a client says to the core, up to its end."""
        client = _TabClient(socket, self._closing)
        try:
            while True:
                text = await socket.recv()
                if not client.is_closing:
                    self._runner.on_text(client, text)
        except SocketClosed:
            pass
        finally:
            self._runner.on_close(client)


class _TabClient:
    """The socket of a tab as a client of a core: it can be sent a text and be closed without waiting."""

    def __init__(self, socket: TabSocket, closing: set[asyncio.Task[None]]) -> None:
        self.is_closing = False  # what it says from now on is for nobody
        self._socket = socket
        self._closing = closing

    def send(self, text: str) -> None:
        self._socket.post(text)

    def close(self, code: int, reason: str) -> None:
        self.is_closing = True
        task = asyncio.create_task(self._socket.close(code, reason))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
