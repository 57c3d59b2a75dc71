"""A notebook in a page of Chromium, in JupyterLab or JupyterLite, and a chat in it, as one who clicks sees them."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from playwright.async_api import Locator, Page, expect

from tests.support.jupyterlab import JupyterLab

FIRST_WIDGET = 120_000  # milliseconds until a cold JupyterLab with a cold browser shows a widget, on a busy machine
PATIENCE = 60_000  # milliseconds for anything that a learner would expect at once, on a busy machine

expect.set_options(timeout=PATIENCE)

# The cell of a notebook with one chat in it.
ONE_CHAT = """
from p2pchat import ChatPeer, ChatWidget
{name} = ChatWidget(ChatPeer({servers.matchmaking_url!r}, {servers.signaling_url!r}, name={name!r}))
{name}
"""


class Notebook:
    """A notebook open in a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []  # exceptions that nobody caught in the page
        self.requests: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda socket: self.requests.append(socket.url))

    async def open(self, lab: JupyterLab, notebook: str) -> None:
        await self.page.goto(lab.address(notebook))
        await self.ready()

    async def ready(self) -> None:
        """Wait until the notebook is there and its kernel answers."""
        await self.page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'",
            timeout=FIRST_WIDGET,
        )

    async def run(self) -> None:
        """Run all cells; it fails where one of them raises."""
        assert await self.command("notebook:run-all-cells"), await self.outputs()

    async def command(self, name: str) -> object:
        return await self.page.evaluate("name => jupyterapp.commands.execute(name)", name)

    async def run_cell(self, number: int) -> None:
        """Begin to run one cell, without waiting for its end."""
        await self.page.evaluate(
            """number => {
                jupyterapp.shell.currentWidget.content.activeCellIndex = number;
                jupyterapp.commands.execute("notebook:run-cell");
            }""",
            number,
        )

    async def run_code_cell(self, number: int) -> None:
        """Run one of the code cells to its end; it fails where the cell raises."""
        done = await self.page.evaluate(
            """number => {
                const cells = jupyterapp.shell.currentWidget.content;
                const code = [...cells.widgets.keys()].filter(index => cells.widgets[index].model.type === "code");
                cells.activeCellIndex = code[number];
                return jupyterapp.commands.execute("notebook:run-cell");
            }""",
            number,
        )
        assert done, await self.outputs()

    async def interrupt(self) -> None:
        await self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")

    async def restart_kernel(self) -> None:
        await self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")

    async def outputs(self) -> str:
        """What the cells gave, as text."""
        return str(
            await self.page.evaluate(
                "() => jupyterapp.shell.currentWidget.content.widgets.map("
                "cell => JSON.stringify(cell.model.sharedModel.toJSON().outputs)).join('\\n')"
            )
        )

    def chat(self, name: str = "") -> "Chat":
        """The chat widget of a peer, found as a screen reader would find it."""
        label = f"Chat of {name}" if name else "Chat"
        return Chat(self.page.get_by_role("group", name=label, exact=True))

    @property
    def strange_requests(self) -> list[str]:
        """Addresses outside of this machine that the page wanted something from."""
        urls = (urlsplit(url) for url in self.requests)
        return [url.geturl() for url in urls if url.scheme not in ("data", "blob") and url.hostname != "127.0.0.1"]


class Chat:
    """One chat widget in a page."""

    def __init__(self, widget: Locator) -> None:
        self.widget = widget
        self.log = widget.get_by_role("log")
        self.box = widget.get_by_role("textbox")
        self.start = self.button("START")
        self.next = self.button("NEXT")
        self.leave = self.button("LEAVE")
        self.send = self.button("SEND")

    def button(self, word: str) -> Locator:
        return self.widget.get_by_role("button", name=word, exact=True)

    def lines(self, who: str) -> Locator:
        """What somebody said: Sys, You or Stranger."""
        return self.log.locator(f'.p2pchat-line[data-author="{who}"] .p2pchat-text')

    async def is_in_state(self, state: str, timeout: float = PATIENCE) -> None:
        await expect(self.widget.locator(".p2pchat-state")).to_have_text(state, timeout=timeout)

    async def shows(self, who: str, text: str, timeout: float = PATIENCE) -> None:
        """The last line of somebody is this."""
        await expect(self.lines(who).last).to_have_text(text, timeout=timeout)

    async def say(self, text: str) -> None:
        await self.box.fill(text)
        await self.box.press("Enter")


async def meet(*chats: Chat) -> None:
    """Press START in each, and wait until they talk to each other."""
    for chat in chats:
        await chat.start.click(timeout=FIRST_WIDGET)
    for chat in chats:
        await chat.is_in_state("open")


OpenNotebook = Callable[..., Awaitable[Notebook]]
