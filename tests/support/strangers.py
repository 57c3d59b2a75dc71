"""Every kind of stranger that there is, to be used alike: a tab of the site, the page /chat/, a notebook in JupyterLab,
a terminal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol
from uuid import uuid4

from playwright.async_api import BrowserContext, Page, expect

from p2pchat import Servers
from tests.support.jupyterlab import JupyterLab
from tests.support.notebook import FIRST_WIDGET, PATIENCE, Chat, Notebook
from tests.support.processes import Process, p2pchat


class Stranger(Protocol):
    """One who chats; each method waits until it is done or seen, with a limit."""

    async def start(self) -> None: ...
    async def is_open(self) -> None: ...
    async def say(self, text: str) -> None: ...
    async def hears(self, text: str) -> None: ...
    async def types(self) -> None: ...
    async def sees_typing(self) -> None: ...
    async def next(self) -> None: ...
    async def leave(self) -> None: ...
    async def is_left(self) -> str:
        """The stranger has gone, and this side knows it. Returns: why it is closed, in words."""
        ...


class WindowStranger:
    """A chat with buttons, wherever it is drawn."""

    def __init__(self, page: Page, chat: Chat) -> None:
        self.page = page
        self.chat = chat

    async def start(self) -> None:
        await self.chat.start.click(timeout=FIRST_WIDGET)

    async def is_open(self) -> None:
        await self.chat.is_in_state("open")

    async def say(self, text: str) -> None:
        await self.chat.say(text)

    async def hears(self, text: str) -> None:
        await self.chat.shows("Stranger", text)

    async def types(self) -> None:
        await self.chat.box.press_sequentially("abc")

    async def sees_typing(self) -> None:
        await expect(self.chat.widget.get_by_text("The stranger is typing …")).to_be_visible(timeout=PATIENCE)

    async def next(self) -> None:
        await self.chat.next.click()

    async def leave(self) -> None:
        await self.chat.leave.click()
        await self.chat.is_in_state("closed")

    async def is_left(self) -> str:
        await self.chat.is_in_state("closed")
        return await self.chat.lines("Sys").last.inner_text()


class TerminalStranger:
    """``p2pchat chat --json`` in a process of its own."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._started = False

    async def start(self) -> None:
        if self._started:  # the first time a terminal presses START by itself
            await self.process.say("/next")
        self._started = True
        await self.process.event(state="waiting")

    async def is_open(self) -> None:
        await self.process.event(state="open")

    async def say(self, text: str) -> None:
        await self.process.say(text)

    async def hears(self, text: str) -> None:
        await self.process.event(event="message", text=text)

    async def types(self) -> None:
        """A line is typed unseen: a terminal sends no sign of typing."""

    async def sees_typing(self) -> None:
        await self.process.event(event="typing")

    async def next(self) -> None:
        await self.process.say("/next")

    async def leave(self) -> None:
        self.process.end_input()
        await self.process.end()

    async def is_left(self) -> str:
        event = await self.process.event(state="closed")
        return str(event["why"])


@asynccontextmanager
async def a_window(page: Page, chat: Chat) -> AsyncIterator[WindowStranger]:
    """A window that is left at the end, and its page closed."""
    try:
        yield WindowStranger(page, chat)
    finally:
        if not page.is_closed():
            await page.close()


@asynccontextmanager
async def the_page(browser: BrowserContext, servers: Servers, lab: JupyterLab) -> AsyncIterator[Stranger]:
    """/chat/ of the site."""
    page = await browser.new_page()
    await page.goto(f"{servers.static_url}chat/")
    async with a_window(page, Chat(page.get_by_role("group", name="Chat", exact=True))) as stranger:
        yield stranger


@asynccontextmanager
async def a_tab(browser: BrowserContext, servers: Servers, lab: JupyterLab) -> AsyncIterator[Stranger]:
    """Lesson 00 in JupyterLite, where Ada's window is used."""
    notebook = Notebook(await browser.new_page())
    await notebook.page.goto(f"{servers.static_url}notebooks/index.html?path=00_start_here.ipynb")
    await notebook.ready()
    for number in range(3):  # the cells up to the windows
        await notebook.run_code_cell(number)
    async with a_window(notebook.page, notebook.chat("Ada")) as stranger:
        yield stranger


@asynccontextmanager
async def a_kernel(browser: BrowserContext, servers: Servers, lab: JupyterLab) -> AsyncIterator[Stranger]:
    """A notebook of JupyterLab, whose kernel is a process of this machine."""
    cells = (
        "from p2pchat import ChatPeer, ChatWidget\n"
        f"ChatWidget(ChatPeer({servers.matchmaking_url!r}, {servers.signaling_url!r}, name='Kim'))",
    )
    notebook, file = Notebook(await browser.new_page()), lab.write_notebook(f"a-kernel-{uuid4()}", *cells)
    try:
        await notebook.open(lab, file)
        await notebook.run()
        async with a_window(notebook.page, notebook.chat("Kim")) as stranger:
            yield stranger
    finally:
        await asyncio.to_thread(lab.end_sessions, file)


@asynccontextmanager
async def a_terminal(browser: BrowserContext, servers: Servers, lab: JupyterLab) -> AsyncIterator[Stranger]:
    """`p2pchat chat`."""
    arguments = ("--matchmaking", servers.matchmaking_url, "--signaling", servers.signaling_url)
    async with p2pchat("chat", "--json", *arguments) as process:
        yield TerminalStranger(process)


KINDS = {"tab": a_tab, "page": the_page, "kernel": a_kernel, "terminal": a_terminal}
