"""Tabs with Python in them, and what the tests of `p2pchat.sockets.tabs` and of the servers on tabs do there."""

from collections.abc import Awaitable, Callable

from tests.support.pyodide_page import PyodideTab

BEGIN = '''
import asyncio, gc, json, time, weakref
from js import BroadcastChannel, navigator
from p2pchat import ChatError, ChatPeer, Timeouts, MessageReceived, State, start_servers
from p2pchat.errors import SocketClosed, SocketNotOpened
from p2pchat.sockets import connect, listen
from p2pchat.sockets.tabs.channel import Channel, scoped
from p2pchat.sockets.tabs.listener import TabListener
from p2pchat.sockets.tabs.protocol import connect_request

background = set()

def later(coroutine):
    """Go on with it after this call."""
    task = asyncio.ensure_future(coroutine)
    background.add(task)
    return task

async def end_of(socket):
    """How a socket ended."""
    try:
        async with asyncio.timeout(60):
            while True:
                await socket.recv()
    except SocketClosed as error:
        return [error.code, error.reason]

async def why_not(url, timeout=60.0):
    """Why there is no connection: the reason is another one where the timeout had to decide."""
    try:
        await connect(url, timeout)
    except SocketNotOpened as error:
        return error.reason

async def echo(socket):
    while True:
        await socket.send(await socket.recv())

async def locks():
    """What this module left of locks, held and waited for, in all tabs."""
    now = await navigator.locks.query()
    return sorted(lock.name.split(" ", 2)[2] for lock in [*now.held, *now.pending] if lock.name.startswith("p2pchat"))

async def until(holds, timeout=60.0):
    """Wait for something that announces itself by no event."""
    async with asyncio.timeout(timeout):
        while not (await holds()):
            await asyncio.sleep(0.005)
'''


class Tab(PyodideTab):
    """A tab with the helpers above in it."""

    async def until_no_locks(self) -> None:
        """Wait until nobody on this site holds a lock or waits for one: nothing was left behind."""
        await self.run("""
            async def none_left(): return not await locks()
            try: await until(none_left)
            except TimeoutError: raise AssertionError(await locks()) from None
        """)


OpenTab = Callable[..., Awaitable[Tab]]
