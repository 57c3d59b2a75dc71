"""Tabs of one Chromium with Pyodide and this tree's p2pchat in them, on two sites of one origin."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright

sys.path.append(str(Path(__file__).parents[1] / "browser"))

from pyodide_page import PyodideSite, PyodideTab
from real_jupyterlab import find_chromium, launch

BEGIN = '''
import asyncio, gc, json, time, weakref
from js import BroadcastChannel, navigator
from p2pchat import ChatError, ChatPeer, Timeouts, MessageReceived, State, start_servers
from p2pchat.errors import SocketClosed
from p2pchat.sockets import connect, listen
from p2pchat.sockets import tabs

background = set()

def later(coroutine):
    """Go on with it after this call."""
    task = asyncio.ensure_future(coroutine)
    background.add(task)
    return task

async def end_of(socket):
    """How a socket ended."""
    try:
        async with asyncio.timeout(10):
            while True:
                await socket.recv()
    except SocketClosed as error:
        return [error.code, error.reason]

async def why_not(url, timeout=5.0):
    """Why there is no connection, and whether that was said soon."""
    began = time.monotonic()
    try:
        await connect(url, timeout)
    except SocketClosed as error:
        assert error.code == 1006
        return [error.reason, time.monotonic() - began < 1.0]

async def echo(socket):
    while True:
        await socket.send(await socket.recv())

async def locks():
    """What this module left of locks, held and waited for, in all tabs."""
    now = await navigator.locks.query()
    return sorted(lock.name.split(" ", 2)[2] for lock in [*now.held, *now.pending] if lock.name.startswith("p2pchat"))

async def until(holds, timeout=10.0):
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, PyodideSite]]:
    """Two sites on one origin, by their paths."""
    if find_chromium() is None:
        sentence = "No Chromium here; tools/system_packages.sh installs one."
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    folder = tmp_path_factory.mktemp("sites")
    with PyodideSite(folder, base="/one/") as one, PyodideSite(folder, base="/two/") as two:
        two._server.server_close()
        two._server.server_port = one._server.server_port
        yield {"/one/": one, "/two/": two}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(sites: dict[str, PyodideSite]) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    """One user's browser, which knows the files of the sites already."""
    context = await chromium.new_context()
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_tab(context: BrowserContext, sites: dict[str, PyodideSite]) -> AsyncIterator[OpenTab]:
    """Opens tabs, whose Python is in a Worker or on the main thread; all are closed after the test."""
    opened: list[Tab] = []

    async def open_one(*, worker: bool = False, site: str = "/one/", begin: str = "") -> Tab:
        tab = await Tab.open(await context.new_page(), sites[site], worker=worker)
        assert isinstance(tab, Tab)
        opened.append(tab)
        await tab.run(f"{BEGIN}\n{begin}\nNone")
        return tab

    yield open_one
    await asyncio.gather(*(tab.close() for tab in opened))
    assert [error for tab in opened for error in tab.errors] == []
    assert [request for tab in opened for request in tab.strange_requests] == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pair(context: BrowserContext, sites: dict[str, PyodideSite]) -> AsyncIterator[tuple[Tab, Tab]]:
    """Two tabs that stay open for all tests of a module: Python in a Worker of one, on the main thread of the other."""
    tabs = []
    for worker in (True, False):
        tab = await Tab.open(await context.new_page(), sites["/one/"], worker=worker)
        assert isinstance(tab, Tab)
        await tab.run(f"{BEGIN}\nNone")
        tabs.append(tab)
    yield tabs[0], tabs[1]
    assert [error for tab in tabs for error in tab.errors] == []


Json = Any
