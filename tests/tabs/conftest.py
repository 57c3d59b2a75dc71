"""Tabs of one Chromium with Pyodide and this tree's p2pchat in them, on two sites of one origin."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright

from tests.support.chromium import launch
from tests.support.pyodide_page import PyodideSite
from tests.support.python_tabs import BEGIN, OpenTab, Tab


@pytest.fixture(scope="session")
def sites(pyodide: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, PyodideSite]]:
    """Two sites on one origin, by their paths."""
    folder = tmp_path_factory.mktemp("sites")
    with PyodideSite(folder, base="/one/") as one, PyodideSite(folder, base="/two/") as two:
        two._server.server_close()
        two._server.server_port = one._server.server_port
        yield {"/one/": one, "/two/": two}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(chromium_program: str, sites: dict[str, PyodideSite]) -> AsyncIterator[Browser]:
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
