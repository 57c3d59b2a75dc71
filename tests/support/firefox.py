"""Drives Debian's Firefox, headless, by WebDriver BiDi: JSON over a WebSocket (https://www.w3.org/TR/webdriver-bidi/).

Playwright, which drives Chromium here, cannot drive a Firefox that it has not built itself. So this is the small part
of its API that the tests use, by other means::

    async with await Firefox.launch(folder) as firefox:
        tab = await firefox.new_tab()
        await tab.goto("http://127.0.0.1:8000/")
        await tab.click("#start")
        await tab.wait_for("() => document.title === 'open'")
        assert firefox.errors == firefox.strange_requests == []

Each Firefox has a profile of its own, which is removed with it. Nothing that it asks for by HTTP or WebSocket leaves
the machine: whatever is not for loopback goes to a proxy, which takes note of it and refuses.
"""

import asyncio
import base64
import json
import os
import re
import shutil
import signal
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

START = 120.0  # seconds until a cold Firefox on a busy machine listens
LOAD = 120.0  # seconds until a page is there
PATIENCE = 60.0  # seconds for anything that a learner would expect at once, on a busy machine
AGAIN = 0.05  # seconds between two looks at something that is waited for
ENTER = "\ue007"  # what `Tab.press` takes for a key without a letter (W3C WebDriver, section 17.4.2)

# As tools/system_packages.sh looks for it.
FIREFOX = ("firefox-esr", "firefox", "/Applications/Firefox.app/Contents/MacOS/firefox")

# Firefox sets most of what a test wants by itself when it is driven (RecommendedPreferences.sys.mjs); this is the rest.
PREFERENCES: dict[str, bool | int | str] = {
    "app.normandy.enabled": False,
    "app.shield.optoutstudies.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.gmp-manager.updateEnabled": False,
    "media.gmp-provider.enabled": False,
    "network.dns.disablePrefetch": True,
    "network.http.speculative-parallel-limit": 0,
    "network.prefetch-next": False,
    "network.proxy.type": 1,
    "network.trr.mode": 5,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
}
ENVIRONMENT = {
    "MOZ_CRASHREPORTER_DISABLE": "1",
    "MOZ_REMOTE_SETTINGS_DEVTOOLS": "1",  # without it a release takes no notice of `services.settings.server`
}


class FirefoxFailed(Exception):
    """Firefox did not do what it was told, or not in time; its last words are in the message."""


class PageError(FirefoxFailed):
    """JavaScript that a test ran in a page raised this."""


def find_firefox() -> str | None:
    names = (os.environ.get("P2PCHAT_FIREFOX", ""), *FIREFOX)
    return next((found for name in names if name and (found := shutil.which(name))), None)


class Firefox:
    """One Firefox; an async context manager, made by `launch`.

    Attributes:
        errors: what the console shows as an error of a page, frame or Worker: exceptions that nobody caught, and also
            WebSockets that found nobody.
        requests: addresses that pages, frames and Workers asked for.
        refused: hosts outside of this machine that anything, Firefox itself as well, wanted to reach.
    """

    def __init__(self, folder: Path) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.refused: list[str] = []
        self._profile = Path(tempfile.mkdtemp(prefix="firefox-", dir=folder))
        self._last_words: deque[str] = deque(maxlen=20)
        self._address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._process: asyncio.subprocess.Process | None = None
        self._proxy: asyncio.Server | None = None
        self._socket: ClientConnection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._commands = 0
        self._tabs: dict[str, Tab] = {}

    @classmethod
    async def launch(cls, folder: Path) -> "Firefox":
        """Start one, with its profile below ``folder``.

        Raises: FirefoxFailed.
        """
        firefox = cls(folder)
        try:
            await firefox._start()
        except BaseException:
            await firefox.close()
            raise
        return firefox

    async def __aenter__(self) -> "Firefox":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def new_tab(self, *, apart: bool = False) -> "Tab":
        """Open a tab; ``apart`` from the others it shares no storage, locks or BroadcastChannels with them."""
        where = await self.send("browser.createUserContext") if apart else {}
        tab = await self.send("browsingContext.create", type="tab", **where)
        return Tab(self, tab["context"])

    @property
    def process_id(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def tabs(self) -> "list[Tab]":
        """Those of `new_tab` that are open."""
        return [*self._tabs.values()]

    @property
    def strange_requests(self) -> list[str]:
        """What was asked of somebody outside of this machine."""
        return [*filter(_is_strange, self.requests), *self.refused]

    async def close(self) -> None:
        """End the process, whatever state it is in, and remove the profile."""
        try:
            if self._socket is not None:
                with suppress(FirefoxFailed):
                    await self.send("browser.close")
            if self._socket is not None and self._process is not None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), PATIENCE)
        finally:
            await self._clean_up()

    async def send(self, method: str, timeout: float = PATIENCE, **parameters: Any) -> Any:
        """Send a command, of those in section 7 of the specification. Returns: its result.

        Raises: FirefoxFailed, also where ``timeout`` seconds are over.
        """
        assert self._socket is not None
        self._commands += 1
        number = self._commands
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout):
                await self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
                return await answer
        except TimeoutError:
            raise self._failure(f"{method} was not done within {timeout:g} s") from None
        except ConnectionClosed:
            raise self._failure(f"{method} could not be sent, for the connection is closed") from None
        finally:
            del self._answers[number]

    # --- the process ---------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        program = find_firefox()
        if program is None:
            raise FirefoxFailed("There is no Firefox here; `tools/system_packages.sh firefox` installs one.")
        self._proxy = await asyncio.start_server(self._refuse, "127.0.0.1", 0)
        port = self._proxy.sockets[0].getsockname()[1]
        preferences = PREFERENCES | {
            f"network.proxy.{key}": value
            for scheme in ("http", "ssl")
            for key, value in ((scheme, "127.0.0.1"), (f"{scheme}_port", port))
        }
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items())
        (self._profile / "user.js").write_text("".join(lines))
        self._process = await asyncio.create_subprocess_exec(
            *(program, "--headless", "--no-remote", "--profile", self._profile, "--remote-debugging-port", "0"),
            env=os.environ | {"HOME": str(self._profile)} | ENVIRONMENT,
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=PIPE,
            limit=2**20,  # bytes of the longest line
            start_new_session=True,  # so that its children can be ended with it
        )
        self._tasks.append(asyncio.create_task(self._hear(self._process)))
        try:
            address = await asyncio.wait_for(asyncio.shield(self._address), START)
        except TimeoutError:
            raise self._failure(f"It was not ready to be driven within {START:g} s") from None
        self._socket = await connect(f"{address}/session", max_size=None, ping_interval=None, proxy=None)
        self._tasks.append(asyncio.create_task(self._read(self._socket)))
        await self.send("session.new", capabilities={})
        await self.send("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        """Keep the last lines of what Firefox says, and find among them where it listens."""
        assert process.stderr is not None
        async for line in process.stderr:
            text = line.decode(errors="replace").strip()
            self._last_words.append(text[:500])
            if (found := re.fullmatch(r"WebDriver BiDi listening on (ws://\S+)", text)) and not self._address.done():
                self._address.set_result(found[1])
        if not self._address.done():
            self._address.set_exception(self._failure("It ended as soon as it was started"))

    async def _clean_up(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):  # none is left; macOS gives the second
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        if self._socket is not None:
            await self._socket.close()
        if self._proxy is not None:
            self._proxy.close()
        if self._tasks:  # they end when the last of its processes has closed its stderr: the profile is at rest then
            await asyncio.wait(self._tasks, timeout=PATIENCE)
        for task in self._tasks:
            task.cancel()
        self._address.cancel()
        shutil.rmtree(self._profile)

    def _failure(self, what: str) -> FirefoxFailed:
        return FirefoxFailed("\n    ".join([f"Firefox failed: {what}. Its last words:", *self._last_words]))

    async def _refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer a request to the world outside, as its proxy."""
        with suppress(ConnectionError, ValueError):
            request = await reader.readline()
            self.refused.append(request.decode(errors="replace").strip())
            writer.write(b"HTTP/1.1 502 Not from here\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    # --- what it tells -------------------------------------------------------------------------------------------

    async def _read(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in socket:
                self._take(json.loads(text))
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(self._failure("It closed the connection"))

    def _take(self, message: dict[str, Any]) -> None:
        answer = self._answers.get(message.get("id", 0))
        if message["type"] == "event":
            self._notice(message["method"], message["params"])
        elif answer is None or answer.done():
            pass  # nobody waits for it any more
        elif message["type"] == "success":
            answer.set_result(message["result"])
        else:
            answer.set_exception(self._failure(f"{message['error']}: {message['message']}"))

    def _notice(self, event: str, told: dict[str, Any]) -> None:
        if event == "network.beforeRequestSent":
            tab, url = self._tabs.get(told["context"]), told["request"]["url"]
            for requests in (self.requests, *([tab.requests] if tab else [])):
                requests.append(url)
        elif told["level"] == "error" and told["type"] == "javascript":
            tab, text = self._tabs.get(told["source"].get("context")), told["text"]
            for errors in (self.errors, *([tab.errors] if tab else [])):
                errors.append(text)


def _is_strange(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in ("127.0.0.1", "localhost")


class Tab:
    """One tab of a `Firefox`.

    Attributes:
        errors, requests: as those of `Firefox`, of this page and its Workers alone.
    """

    def __init__(self, firefox: Firefox, context: str) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._firefox = firefox
        self._context = context
        firefox._tabs[context] = self

    async def goto(self, url: str, timeout: float = LOAD) -> None:
        """Open ``url`` and wait until it is loaded.

        Raises: FirefoxFailed, for instance where nobody answers.
        """
        await self._send("browsingContext.navigate", timeout, url=url, wait="complete")

    async def evaluate(self, function: str, *arguments: Any, timeout: float = PATIENCE) -> Any:
        """Call a JavaScript function in the page, and wait for its promise if it gives one.

        Arguments and result are what JSON can carry; undefined becomes None.

        Raises: PageError with what it threw, or FirefoxFailed where ``timeout`` seconds are over.
        """
        result = await self._firefox.send(
            "script.callFunction",
            timeout,
            functionDeclaration=f"async given => JSON.stringify(await ({function})(...JSON.parse(given)))",
            arguments=[{"type": "string", "value": json.dumps(arguments)}],
            target={"context": self._context},
            awaitPromise=True,
        )
        if result["type"] == "exception":
            raise PageError(result["exceptionDetails"]["text"])
        return json.loads(result["result"].get("value", "null"))

    async def wait_for(self, function: str, *arguments: Any, timeout: float = PATIENCE) -> Any:
        """Call a JavaScript function until it gives something true. Returns: that.

        Raises: PageError with what it threw, or FirefoxFailed where ``timeout`` seconds are over.
        """
        last = None
        try:
            async with asyncio.timeout(timeout):
                while True:
                    if last := await self.evaluate(function, *arguments, timeout=timeout):
                        return last
                    await asyncio.sleep(AGAIN)
        except TimeoutError:
            raise self._firefox._failure(f"{function} gave {last!r} for {timeout:g} s") from None

    async def click(self, css: str, timeout: float = PATIENCE) -> None:
        """Click the middle of the element, as soon as it is there and enabled.

        Raises: FirefoxFailed.
        """
        await self.wait_for(
            """css => {
                const element = document.querySelector(css);
                element?.scrollIntoView({ block: "center" });
                return Boolean(element) && !element.disabled;
            }""",
            css,
            timeout=timeout,
        )
        found = await self._send("browsingContext.locateNodes", locator={"type": "css", "value": css}, maxNodeCount=1)
        element = {"type": "element", "element": {"sharedId": found["nodes"][0]["sharedId"]}}
        await self._act(
            "pointer",
            {"type": "pointerMove", "x": 0, "y": 0, "origin": element},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        )

    async def type(self, css: str, text: str) -> None:
        """Click the element and type into it.

        Raises: FirefoxFailed.
        """
        await self.click(css)
        await self.press(text)

    async def press(self, keys: str) -> None:
        """Press keys one after the other, a character each, for instance `ENTER`."""
        await self._act("key", *({"type": what, "value": key} for key in keys for what in ("keyDown", "keyUp")))

    async def screenshot(self, path: Path) -> None:
        """Write a picture of the page, a PNG."""
        path.write_bytes(base64.b64decode((await self._send("browsingContext.captureScreenshot"))["data"]))

    async def close(self) -> None:
        """Close the tab, as a user does."""
        await self._send("browsingContext.close")
        del self._firefox._tabs[self._context]

    async def _act(self, device: str, *actions: dict[str, Any]) -> None:
        await self._send("browsingContext.activate")
        await self._send("input.performActions", actions=[{"type": device, "id": device, "actions": actions}])

    async def _send(self, method: str, timeout: float = PATIENCE, **parameters: Any) -> Any:
        return await self._firefox.send(method, timeout, context=self._context, **parameters)
