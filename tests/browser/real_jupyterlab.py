"""A real JupyterLab, and the pages of it in Chromium: what the browser tests and `tools/screenshots.py` drive."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import nbformat
from playwright.async_api import Browser, Locator, Page, Playwright, expect

ROOT = Path(__file__).parents[2]
OLD_KERNELS = Path(sys.prefix) / "kernels"  # older versions of ipykernel, one a folder; `make test` installs them
TOKEN = "for-tests-only"
FIRST_WIDGET = 60_000  # milliseconds until a cold JupyterLab with a cold browser shows a widget
PATIENCE = 15_000  # milliseconds for anything that a learner would expect at once

# As tools/system_packages.sh looks for it.
CHROMIUM = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def find_chromium() -> str | None:
    names = (os.environ.get("P2PCHAT_CHROMIUM", ""), *CHROMIUM)
    return next((found for name in names if name and (found := shutil.which(name))), None)


async def launch(playwright: Playwright) -> Browser:
    return await playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])


class JupyterLab:
    """A JupyterLab server as a process of its own, which knows nothing of this user's settings; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notebooks = folder / "notebooks"
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "JupyterLab":
        places = {
            "HOME": "home",
            "IPYTHONDIR": "ipython",
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        }
        environment = dict(os.environ)
        for variable, name in places.items():
            (self.folder / name).mkdir(parents=True)
            environment[variable] = str(self.folder / name)
        self.notebooks.mkdir()
        no_news = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
        self._write("config/labconfig/page_config.json", no_news)
        for kernel in OLD_KERNELS.glob("*"):
            self._write(
                f"data/kernels/{kernel.name}/kernel.json",
                {
                    "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                    "display_name": kernel.name,
                    "language": "python",
                    "env": {
                        "PYTHONPATH": os.pathsep.join([str(kernel), *filter(None, [os.environ.get("PYTHONPATH")])])
                    },
                },
            )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.log = self.folder / "jupyterlab.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                    f"--ServerApp.root_dir={self.notebooks}",
                    f"--ServerApp.port={port}",
                    f"--IdentityProvider.token={TOKEN}",
                    "--LabApp.extension_manager=readonly",
                    "--LabApp.expose_app_in_browser=True",
                ],
                env=environment,
                cwd=self.notebooks,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.url = self._wait_until_it_answers()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _write(self, path: str, content: object) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content))

    def _wait_until_it_answers(self) -> str:
        assert self._process is not None
        info = self.folder / "runtime" / f"jpserver-{self._process.pid}.json"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            if info.exists() and (text := info.read_text()):
                server = json.loads(text)
                address = ("127.0.0.1", server["port"])
                with socket.socket() as probe:
                    if probe.connect_ex(address) == 0:
                        return f"http://127.0.0.1:{server['port']}/"
            time.sleep(0.05)
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text()}")

    def write_notebook(self, name: str, *cells: str, kernel: str = "python3") -> str:
        """Put a notebook there. Returns: its file name."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}},
        )
        nbformat.write(notebook, self.notebooks / f"{name}.ipynb")
        return f"{name}.ipynb"

    def address(self, notebook: str) -> str:
        """The notebook alone on its page, without the file browser beside it."""
        return f"{self.url}doc/tree/{notebook}?token={TOKEN}"


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
        return self.log.locator(f'.p2pchat-line[data-who="{who}"] .p2pchat-text')

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
