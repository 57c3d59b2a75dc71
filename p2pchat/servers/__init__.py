"""The servers, as one thing to start and stop: on ports in CPython, on the tabs of this browser in Pyodide.

In a notebook one ``await`` starts them as background tasks, and one stops them::

    servers = await start_servers()
    servers.matchmaking_url, servers.signaling_url, servers.static_url
    await servers.stop()
"""

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from p2pchat.messages import JsonObject
from p2pchat.servers.limits import Limits

if sys.platform == "emscripten":
    from p2pchat.servers.on_tabs import Servers, ServersOfAllTabs
else:
    from p2pchat.servers.on_ports import Servers
    from p2pchat.servers.on_ports import Servers as ServersOfAllTabs

__all__ = ["NAMES", "Servers", "built_site", "start_servers"]

NAMES = ("static", "matchmaking", "signaling")

_of_this_process: Servers | None = None


def built_site() -> Path | None:
    """The site that ``make site`` built, if this package runs from a checkout and there is one."""
    site = Path(__file__).parents[2] / "build/site"
    return site if (site / "index.html").is_file() else None


async def start_servers(
    *,
    host: str = "127.0.0.1",
    static_port: int = 0,
    matchmaking_port: int = 0,
    signaling_port: int = 0,
    site: Path | None = None,
    ice_servers: Sequence[JsonObject] = (),
    limits: Limits | None = None,
) -> Servers:
    """Start all three servers as background tasks of this notebook; port 0 is any free one.

    The static server hands out ``site``, or what ``make site`` built.

    In a browser there are no ports: real servers are used where the site names some that answer, and else the tabs of
    this browser serve each other. The URLs say which it is.

    Run the cell again and the servers of the last run are stopped first, so nothing is left behind.

    Raises: ServerFailed, for instance because a port is in use.
    """
    global _of_this_process
    if _of_this_process is not None:
        with suppress(RuntimeError):  # started on a loop that is closed: its sockets went with it
            await _of_this_process.stop()
    _of_this_process = ServersOfAllTabs(
        host=host,
        static_port=static_port,
        matchmaking_port=matchmaking_port,
        signaling_port=signaling_port,
        site=site or built_site(),
        ice_servers=ice_servers,
        limits=limits,
    )
    await _of_this_process.start()
    return _of_this_process
