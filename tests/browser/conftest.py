"""A JupyterLab for all browser tests, and a page of Chromium for each notebook in them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Error, Page, async_playwright

from p2pchat import Servers
from tests.support.chromium import Chromium
from tests.support.failures import failed
from tests.support.jupyterlab import JupyterLab
from tests.support.notebook import Notebook, OpenNotebook
from tests.support.static_host import StaticHost, Tabs

SERVERS = """
from p2pchat import ChatPeer, ChatWidget, start_servers
servers = await start_servers()
def chat(name):
    return ChatWidget(ChatPeer(servers.matchmaking_url, servers.signaling_url, name=name))
"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    item.stash[failed] = item.stash.get(failed, False) or report.failed
    return report


async def closed(pages: list[Page], pictures: Path | None) -> None:
    """Close pages, whatever has become of them; with a folder for it, take a picture of each before."""
    for number, page in enumerate(pages):
        if pictures is not None:
            with suppress(Error):  # of a page that has crashed there is none
                await page.screenshot(path=pictures / f"page-{number}.png")
                print(f"The page at the end: {pictures}/page-{number}.png")
        with suppress(Error):
            await page.close()


@pytest.fixture(scope="session")
def lab(chromium_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterLab]:
    with JupyterLab(tmp_path_factory.mktemp("jupyterlab")) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(chromium_program: str) -> AsyncIterator[Chromium]:
    async with async_playwright() as playwright:
        chromium = Chromium(playwright)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium: Chromium, request: pytest.FixtureRequest) -> AsyncIterator[BrowserContext]:
    """A context of Chromium; a test that failed leaves nothing in it to the next."""
    yield await chromium.context()
    if request.node.stash.get(failed, False):
        await chromium.renew()


@pytest_asyncio.fixture(loop_scope="session")
async def open_notebook(
    lab: JupyterLab, browser: BrowserContext, request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[OpenNotebook]:
    """Opens a notebook of the given cells in a page of its own, where nothing may fail or want to leave the machine."""
    opened: list[Notebook] = []
    names: list[str] = []

    async def open_notebook(*cells: str, kernel: str = "python3") -> Notebook:
        name = f"{request.node.name}-{len(opened)}".replace("[", "-").replace("]", "")
        notebook = Notebook(await browser.new_page())
        opened.append(notebook)
        await notebook.page.set_viewport_size({"width": 1000, "height": 900})
        names.append(lab.write_notebook(name, *cells, kernel=kernel))
        await notebook.open(lab, names[-1])
        return notebook

    yield open_notebook

    await closed([notebook.page for notebook in opened], tmp_path if request.node.stash.get(failed, False) else None)
    await asyncio.to_thread(lab.end_sessions, *names)  # by way of the server: a page may have crashed
    assert [error for notebook in opened for error in notebook.errors] == []
    assert [url for notebook in opened for url in notebook.strange_requests] == []
    assert all(notebook.requests for notebook in opened)


@pytest.fixture
def two_chats() -> tuple[str, str, str]:
    """The cells of a notebook with the servers, the chat of Ann and that of Ben."""
    return (SERVERS, 'ann = chat("ann")\nann', 'ben = chat("ben")\nben')


@pytest.fixture(scope="session")
def site(built_site: Path) -> Path:
    return built_site


@pytest.fixture(scope="session")
def static_host(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StaticHost]:
    """The site on a host with no servers; one for all, because a browser then knows its scripts already."""
    with StaticHost(tmp_path_factory.mktemp("static-host"), site) as host:
        yield host


@pytest_asyncio.fixture(loop_scope="session")
async def open_tabs(
    browser: BrowserContext, request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Callable[[str], Tabs]]:
    """Gives tabs of the site at an address, where nothing may fail or want to leave the machine."""
    opened: list[Tabs] = []

    def open_tabs(url: str) -> Tabs:
        opened.append(Tabs(browser, url))
        return opened[-1]

    yield open_tabs

    pages = [page for tabs in opened for page in tabs.pages if not page.is_closed()]
    await closed(pages, tmp_path if request.node.stash.get(failed, False) else None)
    for tabs in opened:
        tabs.close()
    assert [error for tabs in opened for error in tabs.errors] == []
    assert [url for tabs in opened for url in tabs.strange_requests] == []
    assert all(tabs.requests for tabs in opened)


@pytest_asyncio.fixture(loop_scope="session")
async def tabs(open_tabs: Callable[[str], Tabs], static_host: StaticHost) -> Tabs:
    """Tabs of the site on a host with no servers."""
    return open_tabs(static_host.url)


@pytest_asyncio.fixture(loop_scope="session")
async def site_servers(site: Path) -> AsyncIterator[Servers]:
    """All three servers, with the site on the static one."""
    async with Servers(site=site) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def servers() -> AsyncIterator[Servers]:
    """The servers as another process would run them: outside of any kernel."""
    async with Servers(static_port=None) as running:
        yield running
