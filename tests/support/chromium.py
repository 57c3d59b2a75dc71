"""The Chromium that tests, benchmarks and screenshots drive; when a page of it crashes, it says why.

Once in some hundred loads of /chat/ the renderer has been seen to crash while Pyodide started ("Target crashed"). Since
there is a log and a minidump it has not been seen again: not in 127 loads by two browsers with the lowest priority on
two cores that had four times as much to do, one to four pages at once. Shared memory was not short there: it is
in /tmp (Playwright passes ``--disable-dev-shm-usage``), and /dev/shm was empty. So nothing is retried: a test in which
a page crashes fails, and `Crashes` tells where the dump is; ``minidump_stackwalk`` reads it.
"""

import os
import shutil
import tempfile
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page, Playwright

# As tools/system_packages.sh looks for it.
CHROMIUM = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
LAST = 40  # lines of the log that are told
ACTION_TIMEOUT = 60_000  # milliseconds for a click and its like, on a busy machine


def find_chromium() -> str | None:
    names = (os.environ.get("P2PCHAT_CHROMIUM", ""), *CHROMIUM)
    return next((found for name in names if name and (found := shutil.which(name))), None)


class Crashes:
    """The folder with the log and the minidumps of one Chromium, which stays where a page has crashed."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="p2pchat-chromium-"))
        self.pages: list[Page] = []  # that have crashed
        self.options = ["--enable-logging", f"--log-file={self.folder}/chromium.log", "--enable-crash-reporter"]

    def watch(self, page: Page) -> None:
        page.on("crash", self.tell)

    def tell(self, page: Page) -> None:
        """Print what is known of a crash."""
        self.pages.append(page)
        log = self.folder / "chromium.log"
        lines = log.read_text(errors="replace").splitlines()[-LAST:] if log.exists() else ["(no log)"]
        print(f"The page {page.url} has crashed. Minidumps: {self.folder}/pending. The end of {log}:", *lines, sep="\n")

    def forget(self, *_: object) -> None:
        if not self.pages:
            shutil.rmtree(self.folder, ignore_errors=True)


async def launch(playwright: Playwright) -> Browser:
    crashes = Crashes()
    browser = await playwright.chromium.launch(
        executable_path=find_chromium(),
        env={**os.environ, "BREAKPAD_DUMP_LOCATION": str(crashes.folder)},
        args=["--no-sandbox", *crashes.options],
        ignore_default_args=["--disable-breakpad"],
    )
    browser.on("context", lambda context: context.on("page", crashes.watch))
    browser.on("disconnected", crashes.forget)
    return browser


class Chromium:
    """A Chromium whose one context serves test after test, because it then knows the scripts of the sites already.

    That is so as long as tests pass: after one that failed, `renew` ends the context with all that is left in it.
    """

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._browser: Browser | None = None
        self._context: BrowserContext | None = None

    async def context(self) -> BrowserContext:
        if self._browser is None or not self._browser.is_connected():
            self._browser = await launch(self._playwright)
            self._context = None
        if self._context is None:
            self._context = await self._browser.new_context()
            self._context.set_default_timeout(ACTION_TIMEOUT)
        return self._context

    async def renew(self) -> None:
        """End the context; the next test gets a new one."""
        context, self._context = self._context, None
        if context is not None and self._browser is not None and self._browser.is_connected():
            await context.close()

    async def close(self) -> None:
        if self._browser is not None:
            await self._browser.close()
