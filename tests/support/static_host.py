"""The built site as a stranger's static host would hand it out, and tabs of it that are watched.

Such a host knows files and nothing else: no WebSockets, no compression, no headers of its own; and the site lies
somewhere below its root, as a project's pages do.
"""

import json
import threading
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Page, Request, WebSocket, expect

from tests.support.notebook import FIRST_WIDGET, PATIENCE, Chat, Notebook
from tests.support.pyodide_page import Files, QuietServer

SUB_PATH = "/some/sub/path/"
LESSON_00 = "00_start_here.ipynb"

# Keeps every connection that a page makes, so that a test can ask what became of it.
KEEP_CONNECTIONS = """
window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) {
    super(...options);
    connections.push(this);
  }
};
"""
CONNECTIONS = "(closed) => connections.filter((one) => (one.connectionState === 'closed') === closed).length"
NO_CONNECTION = "() => connections.every((one) => one.connectionState === 'closed')"


class StaticHost:
    """Hands out a site below `SUB_PATH`, on a port of loopback; a context manager.

    Args:
        folder: an empty one.
        site: the built site.
    """

    def __init__(self, folder: Path, site: Path) -> None:
        self._root = folder / SUB_PATH.strip("/")
        self._root.mkdir(parents=True)
        for file in site.iterdir():
            (self._root / file.name).symlink_to(file)
        self.asked: set[str] = set()  # the paths that anybody asked for
        self._server = QuietServer(("127.0.0.1", 0), partial(_Files, self.asked, directory=str(folder)))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self.url = self.origin + SUB_PATH

    def name_servers(self, matchmaking: str, signaling: str) -> None:
        """Put another ``servers.json`` in place of the site's."""
        file = self._root / "servers.json"
        file.unlink(missing_ok=True)  # a link to the file of the built site, which stays as it is
        file.write_text(json.dumps({"matchmaking": matchmaking, "signaling": signaling}))

    def __enter__(self) -> "StaticHost":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class _Files(Files):
    def __init__(self, asked: set[str], *rest: Any, **options: Any) -> None:
        self._asked = asked
        super().__init__(*rest, **options)

    def do_GET(self) -> None:
        self._asked.add(urlsplit(self.path).path)
        super().do_GET()


class ChatPage:
    """The page /chat/."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.chat = Chat(page.get_by_role("group", name="Chat", exact=True))


class Tabs:
    """Tabs of a site; all that they and their Workers ask for and fail in is written down."""

    def __init__(self, browser: BrowserContext, url: str) -> None:
        self._browser = browser
        self.url = url
        self.pages: list[Page] = []
        self.errors: list[str] = []  # exceptions that nobody caught
        self.requests: list[str] = []
        self._browser.on("request", self._note)

    def _note(self, asked: Request | WebSocket) -> None:
        self.requests.append(asked.url)

    async def blank(self, width: int = 1000) -> Page:
        """A tab that shows nothing yet."""
        page = await self._browser.new_page()
        self.pages.append(page)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("websocket", self._note)
        await page.add_init_script(KEEP_CONNECTIONS)
        await page.set_viewport_size({"width": width, "height": 844})
        return page

    async def open_lesson(self, name: str = LESSON_00) -> Notebook:
        """A lesson in JupyterLite, its kernel ready."""
        notebook = Notebook(await self.blank())
        await notebook.page.goto(f"{self.url}notebooks/index.html?path={name}")
        await notebook.ready()
        return notebook

    async def open_windows(self) -> Notebook:
        """Lesson 00, run up to its two windows."""
        notebook = await self.open_lesson()
        await run_windows(notebook)
        return notebook

    async def open_chat(self, width: int = 1000) -> ChatPage:
        """The page /chat/, Python ready."""
        chat = ChatPage(await self.blank(width))
        await chat.page.goto(f"{self.url}chat/")
        await chat.page.locator("#progress").wait_for(state="detached", timeout=FIRST_WIDGET)
        return chat

    @property
    def strange_requests(self) -> list[str]:
        """Addresses outside of this machine that somebody wanted something from."""
        urls = (urlsplit(url) for url in self.requests)
        return [url.geturl() for url in urls if url.scheme not in ("data", "blob") and url.hostname != "127.0.0.1"]

    def close(self) -> None:
        """Write down nothing more; the pages are closed by whoever opened them."""
        self._browser.remove_listener("request", self._note)


async def talk(one: Chat, other: Chat, *texts: str) -> None:
    """Say things both ways; each arrives as it was written, and is marked as delivered."""
    for speaker, listener in ((one, other), (other, one)):
        for text in texts:
            await speaker.say(text)
            await listener.shows("Stranger", text)
            assert await listener.lines("Stranger").last.text_content() == text
        mine = speaker.log.locator('.p2pchat-line[data-author="You"]').last
        await expect(mine.get_by_role("img", name="delivered")).to_be_visible(timeout=PATIENCE)


async def run_windows(notebook: Notebook) -> None:
    """Run lesson 00 up to the windows of Ada and Bob."""
    for number in range(3):
        await notebook.run_code_cell(number)
