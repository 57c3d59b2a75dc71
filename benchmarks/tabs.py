"""Two tabs of Chromium: Python on the main thread and in a Worker, beside plain JavaScript in the same browser."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from playwright.async_api import Browser, Page, async_playwright

from benchmarks.table import Row
from p2pchat import Servers
from tests.support.chromium import launch
from tests.support.in_a_browser import BACK_END, FRONT_END
from tests.support.pyodide_page import PyodideSite, PyodideTab

HERE = Path(__file__).parent
LIMIT = 120.0  # seconds for anything in a tab
MAIN, WORKER = "Python, main thread", "Python, Worker"
GOALS = {MAIN: 3.0, WORKER: 10.0}  # of a round trip


class Tab(Protocol):
    """Calls one of the functions that plain.js and in_tab.py have both."""

    async def call(self, name: str, *arguments: object) -> Any: ...


class PlainTab:
    """A tab with plain.js in it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def call(self, name: str, *arguments: object) -> Any:
        words = name.split("_")
        camel = words[0] + "".join(word.title() for word in words[1:])
        async with asyncio.timeout(LIMIT):
            return await self.page.evaluate("([name, values]) => window[name](...values)", [camel, list(arguments)])


class PythonTab:
    """A tab with in_tab.py in it."""

    def __init__(self, tab: PyodideTab) -> None:
        self._tab = tab

    async def call(self, name: str, *arguments: object) -> Any:
        given = f"*json.loads({json.dumps(arguments)!r})"
        async with asyncio.timeout(LIMIT):
            return await self._tab.run(f"x = {name}({given})\n(await x) if asyncio.iscoroutine(x) else x")


Pair = tuple[Tab, Tab]


@asynccontextmanager
async def _tabs() -> AsyncIterator[tuple[Pair, Pair, Pair]]:
    """Two tabs of each kind: plain, Python on the main thread, Python in a Worker."""
    with tempfile.TemporaryDirectory() as folder, PyodideSite(Path(folder), ["traitlets"]) as site:
        async with async_playwright() as playwright:
            browser = await launch(playwright)
            try:
                yield (
                    (await _plain(browser, site), await _plain(browser, site)),
                    (await _python(browser, site), await _python(browser, site)),
                    (await _in_worker(browser, site), await _in_worker(browser, site)),
                )
            finally:
                await browser.close()


async def _plain(browser: Browser, site: PyodideSite) -> Tab:
    page = await browser.new_page()
    await page.goto(site.url("blank.html"))
    await page.add_script_tag(path=HERE / "plain.js")
    return PlainTab(page)


async def _python(browser: Browser, site: PyodideSite) -> Tab:
    tab = await PyodideTab.open(await browser.new_page(), site)
    await tab.run((HERE / "in_tab.py").read_text() + "\nNone")
    return PythonTab(tab)


async def _in_worker(browser: Browser, site: PyodideSite) -> Tab:
    """The bridge and its page are the real ones; in place of Jupyter's comms is what the tests of the engine use."""
    tab = await PyodideTab.open(await browser.new_page(), site, worker=True)
    await tab.page.evaluate(FRONT_END)
    await tab.run(BACK_END + (HERE / "in_tab.py").read_text() + "\nNone")
    return PythonTab(tab)


async def measure(rounds: int, meetings: int, messages: int, megabytes: int) -> list[Row]:
    """START → both open, round trips, and 16 KiB messages a second."""
    async with _tabs() as (plain, main, worker), Servers(static_port=None) as servers:
        rows = []
        for who, pair in ((MAIN, main), (WORKER, worker)):
            starts = []
            for number in range(rounds + 1):
                values = (await _starts(pair, servers, meetings), await _starts(plain, servers, meetings))
                if number:  # the first round warms up
                    starts.append(values)
            rows.append(Row(f"tabs: START → both open, ms ({who})", "plain JavaScript, same servers", starts, goal=1.5))
        for pair in (plain, main, worker):
            await _connect(*pair)
        for who, pair in ((MAIN, main), (WORKER, worker)):
            trips, floods = [], []
            for number in range(rounds + 1):
                trip = [await tabs[0].call("round_trips", messages) for tabs in (pair, plain)]
                flood = [await _flood(tabs, megabytes * 1_000_000) for tabs in (pair, plain)]
                if number:
                    trips.append((trip[0], trip[1]))
                    floods.append((flood[0], flood[1]))
            rows.append(Row(f"tabs: round trip of 64 bytes, ms ({who})", "plain JavaScript", trips, goal=GOALS[who]))
            rows.append(Row(f"tabs: 16 KiB messages, MB/s ({who})", "plain JavaScript", floods, more_is_better=True))
        return rows


async def _starts(pair: Pair, servers: Servers, meetings: int) -> float:
    """The median in milliseconds, from the first START to the moment when both are open."""
    took: list[float] = []
    for _ in range(meetings):
        times = await asyncio.gather(
            *(tab.call("start", servers.matchmaking_url, servers.signaling_url) for tab in pair)
        )
        took.append(max(opened for _, opened in times) - min(began for began, _ in times))
        await asyncio.gather(*(tab.call("leave") for tab in pair))
    return sorted(took)[len(took) // 2]


async def _connect(one: Tab, other: Tab) -> None:
    await one.call("accept", await other.call("answer", await one.call("offer")))


async def _flood(pair: Pair, size: int) -> float:
    await pair[1].call("expect", size)
    return float(await pair[0].call("flood", size))
