"""A server for the load, in a process of its own: ``serve.py matchmaking|signaling ours|bare|plain [uvloop]``.

``bare`` is the bare server with the defaults of `websockets`, ``plain`` the same with compression off. It prints its
address and serves until standard input ends, so it cannot outlive whoever started it.
"""

import asyncio
import logging
import sys
from typing import Any

from websockets.asyncio.server import serve

from benchmarks import bare
from p2pchat.servers import Servers


async def main(job: str, kind: str) -> None:
    if kind == "ours":
        ports: dict[str, Any] = dict.fromkeys(("static_port", "matchmaking_port", "signaling_port")) | {
            f"{job}_port": 0
        }
        async with Servers(**ports) as servers:
            print(servers.urls[job], flush=True)
            await _end_of_input()
    else:
        compression: dict[str, Any] = {"compression": None} if kind == "plain" else {}
        async with serve(getattr(bare, job), "127.0.0.1", 0, **compression) as server:
            print(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/{job}", flush=True)
            await _end_of_input()


async def _end_of_input() -> None:
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # that a load ends without a goodbye is no news
    job, kind, *on = sys.argv[1:]
    if on == ["uvloop"]:
        import uvloop

        uvloop.run(main(job, kind))
    else:
        asyncio.run(main(job, kind))
