"""The servers in a process of their own.

It prints their addresses, and after each line on its standard input how many files and bytes it holds.
"""

import asyncio
import gc
import json
import sys

import psutil

from p2pchat.servers import Servers
from p2pchat.servers.limits import Limits


async def main() -> None:
    itself = psutil.Process()
    loop = asyncio.get_running_loop()
    async with Servers(static_port=None, limits=Limits()) as servers:
        print(json.dumps(servers.urls), flush=True)
        while await loop.run_in_executor(None, sys.stdin.readline):
            gc.collect()
            print(json.dumps({"files": itself.num_fds(), "bytes": itself.memory_info().rss}), flush=True)


asyncio.run(main())
