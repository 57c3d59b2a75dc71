"""The site in a browser: bytes over the wire, and seconds from opening the tab to START enabled.

Each round is a new browser profile with nothing in its cache, which visits, closes the tab, and visits again. Bytes are
counted between the browser and the server, headers and all, by a proxy that does nothing else.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Locator, Page, async_playwright, expect
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, StaticFileHandler

from benchmarks import untouched
from benchmarks.table import Row
from p2pchat.servers.static_site import StaticSite
from tests.support.chromium import find_chromium
from tests.support.notebook import FIRST_WIDGET, Notebook

SITE = untouched.ROOT / "build" / "site"
LESSON = "notebooks/index.html?path=00_start_here.ipynb"
CHAT = "chat/index.html"
LIMIT = 120.0  # seconds for one visit
LOOPBACK_ONLY = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@dataclass(frozen=True)
class Visit:
    """What one visit took."""

    kilobytes: float
    seconds: float


class _Proxy:
    """Passes bytes on, and counts those that go to the browser."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self.counted = 0

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"

    async def stop(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._target.hostname, self._target.port)
        await asyncio.gather(self._pass(reader, back), self._pass(there, writer, count=True), return_exceptions=True)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, count: bool = False) -> None:
        try:
            while data := await source.read(256 * 1024):
                self.counted += len(data) if count else 0
                target.write(data)
                await target.drain()
        finally:
            target.close()


class _AsJupyterLiteServes(StaticFileHandler):
    """As `jupyter lite serve` has it (jupyterlite_core/addons/serve.py)."""

    def parse_url_path(self, url_path: str) -> str:
        return f"{url_path}index.html" if not url_path or url_path.endswith("/") else url_path


@asynccontextmanager
async def ours() -> AsyncIterator[_Proxy]:
    assert (SITE / ".built").is_file(), "There is no build/site: run `make site` first (`make bench` does)."
    server = StaticSite(SITE)
    await server.start("127.0.0.1", 0)
    try:
        yield _Proxy(server.url)
    finally:
        await server.stop()


@asynccontextmanager
async def _reference(site: Path) -> AsyncIterator[_Proxy]:
    application = Application([("/(.*)", _AsJupyterLiteServes, {"path": str(site)})], log_function=lambda _: None)
    server = HTTPServer(application)
    (socket,) = bind_sockets(0, "127.0.0.1")
    server.add_socket(socket)
    try:
        yield _Proxy(f"http://127.0.0.1:{socket.getsockname()[1]}/")
    finally:
        server.stop()
        await server.close_all_connections()


async def twice(proxy: _Proxy, path: str, first_cells: int = 0) -> tuple[Visit, Visit]:
    """Visit with a new browser, and again with what it has kept."""
    address = await proxy.start()
    try:
        with tempfile.TemporaryDirectory() as profile:
            async with async_playwright() as playwright:
                context = await playwright.chromium.launch_persistent_context(
                    profile, executable_path=find_chromium(), args=["--no-sandbox", LOOPBACK_ONLY]
                )
                try:
                    return (
                        await _visit(context, proxy, address + path, first_cells),
                        await _visit(context, proxy, address + path, first_cells),
                    )
                finally:
                    await context.close()
    finally:
        await proxy.stop()


async def _visit(context: BrowserContext, proxy: _Proxy, address: str, cells: int) -> Visit:
    """Open a tab, run the first code cells as soon as that can be done, wait for START, and close the tab."""
    page = await context.new_page()
    notebook = Notebook(page)
    before, began = proxy.counted, time.perf_counter()
    async with asyncio.timeout(LIMIT):
        await page.goto(address, wait_until="commit")
        if cells:
            await notebook.ready()
        for number in range(cells):
            await notebook.run_code_cell(number)
        await expect(_start_button(page)).to_be_enabled(timeout=FIRST_WIDGET)
    visit = Visit((proxy.counted - before) / 1e3, time.perf_counter() - began)
    assert not notebook.strange_requests, notebook.strange_requests
    await page.close()
    return visit


def _start_button(page: Page) -> Locator:
    return page.get_by_role("button", name="START", exact=True).first


async def measure(rounds: int) -> list[Row]:
    """Our site beside an untouched one, and our /chat/ beside our notebook."""
    found: dict[str, list[tuple[Visit, Visit]]] = {"ours": [], "reference": [], "chat": []}
    with tempfile.TemporaryDirectory() as folder:
        reference = untouched.build(Path(folder))
        async with ours() as proxy, _reference(reference) as theirs:
            for _ in range(rounds):
                found["ours"].append(await twice(proxy, LESSON, 2))
                found["reference"].append(await twice(theirs, LESSON, 3))
                found["chat"].append(await twice(proxy, CHAT))
    return [
        *_rows(found["ours"], found["reference"], "lesson 00", "untouched JupyterLite", 2 / 3, bytes_goal=0.5),
        *_rows(found["chat"], found["ours"], "/chat/", "our lesson 00", 1 / 3),
    ]


def _rows(
    ours: list[tuple[Visit, Visit]],
    reference: list[tuple[Visit, Visit]],
    what: str,
    than: str,
    goal: float,
    bytes_goal: float | None = None,
) -> list[Row]:
    rows = []
    for index, visit in enumerate(("first visit", "second visit")):
        pairs = [(one[index], other[index]) for one, other in zip(ours, reference, strict=True)]
        kilobytes = [(one.kilobytes, other.kilobytes) for one, other in pairs]
        seconds = [(one.seconds, other.seconds) for one, other in pairs]
        rows.append(Row(f"{what}: s to START, {visit}", than, seconds, goal=goal))
        rows.append(Row(f"{what}: KB over the wire, {visit}", than, kilobytes, goal=None if index else bytes_goal))
    return rows
