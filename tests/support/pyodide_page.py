"""Pyodide with this tree's p2pchat in a page of a browser, or in a Worker of one: bare, with no JupyterLite around it.

::

    with PyodideSite(folder) as site:
        tab = await PyodideTab.open(await context.new_page(), site, worker=True)
        assert await tab.run("import sys; sys.platform") == "emscripten"

`PyodideSite` hands out the files on loopback; any browser can open ``site.url()``: the page sets
``window.python``, a promise of an asynchronous function that runs source code and gives its last value as JSON.
"""

import importlib.metadata
import importlib.util
import json
import threading
import zipfile
from collections.abc import Iterable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Error, Page

ROOT = Path(__file__).parents[2]
PYODIDE = ROOT / "node_modules" / "pyodide"  # make installs it: npm ci
PACKAGES = ("pyee", "typing_extensions")  # what the package needs in a browser, beside itself
FOR_TESTS = ("pytest", "_pytest", "py", "iniconfig", "pluggy", "packaging", "pygments")
READY = 120_000  # milliseconds for Pyodide to start on a busy machine

START = """
export async function start() {
  const { loadPyodide } = await import(new URL("pyodide/pyodide.mjs", import.meta.url));
  const pyodide = await loadPyodide({ indexURL: new URL("pyodide/", import.meta.url).href });
  const packages = await fetch(new URL("packages.zip", import.meta.url));
  pyodide.unpackArchive(await packages.arrayBuffer(), "zip", { extractDir: "/lib/python3.14/site-packages" });
  return pyodide.runPython(`
import json
from pyodide.code import eval_code_async

async def run(source):
    return json.dumps(await eval_code_async(source, globals()))

run`);
}
"""

BLANK = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Blank</title></html>"""

MAIN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Pyodide</title><script type="module">
import { start } from "./start.mjs";
window.python = start();
</script>"""

IN_WORKER = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Pyodide in a Worker</title>
<script type="module">
const worker = window.worker = new Worker("./worker.mjs", { type: "module" });
const waiting = new Map();
let last = 0;
worker.addEventListener("message", ({ data }) => {
  const { resolve, reject } = waiting.get(data.call);
  waiting.delete(data.call);
  if ("failed" in data) reject(new Error(data.failed)); else resolve(data.result);
});
const call = (source) => new Promise((resolve, reject) => {
  waiting.set(++last, { resolve, reject });
  worker.postMessage({ call: last, source });
});
window.python = call("0").then(() => call);
</script>"""

WORKER = """
import { start } from "./start.mjs";
const python = start();
addEventListener("message", async ({ data }) => {
  if (data?.call === undefined) return;
  try {
    postMessage({ call: data.call, result: await (await python)(data.source) });
  } catch (error) {
    postMessage({ call: data.call, failed: String(error) });
  }
});
"""


class PyodideSite:
    """The files, on a port of loopback; a context manager.

    Args:
        folder: an empty one, for what is put together here.
        modules: further modules and packages of this environment that Pyodide shall have, for instance `FOR_TESTS`.
        base: the path of the site, for instance ``/some/sub/path/``.
    """

    def __init__(self, folder: Path, modules: Iterable[str] = (), base: str = "/") -> None:
        self.folder = folder
        self._base = base
        site = folder / base.strip("/")
        site.mkdir(parents=True, exist_ok=True)
        (site / "pyodide").symlink_to(PYODIDE)
        for name, text in {
            "start.mjs": START,
            "worker.mjs": WORKER,
            "main.html": MAIN,
            "worker.html": IN_WORKER,
            "blank.html": BLANK,
        }.items():
            (site / name).write_text(text)
        pack((*PACKAGES, *modules, "p2pchat"), site / "packages.zip")
        handler = partial(Files, directory=str(folder))
        self._server = QuietServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def url(self, page: str = "main.html", *, worker: bool = False) -> str:
        """The address of a page: Python on its main thread, in a Worker, or a page of another name (blank.html)."""
        return f"http://127.0.0.1:{self._server.server_port}{self._base}{'worker.html' if worker else page}"

    def __enter__(self) -> "PyodideSite":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class PyodideTab:
    """One page with Python in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []  # exceptions that nobody caught in the page
        self.strange_requests: list[str] = []  # those that would leave this machine
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._look(request.url))
        page.on("websocket", lambda socket: self._look(socket.url))

    @classmethod
    async def open(cls, page: Page, site: PyodideSite, *, worker: bool = False) -> "PyodideTab":
        """Open the site in ``page`` and wait until Python runs."""
        tab = cls(page)
        await page.goto(site.url(worker=worker))
        page.set_default_timeout(READY)
        await page.evaluate("async () => { await window.python; }")
        return tab

    async def run(self, source: str) -> Any:
        """Run Python, ``await`` at top level allowed. Returns: its last value, which JSON must be able to carry.

        Raises: RuntimeError, with the Python traceback.
        """
        try:
            return json.loads(await self.page.evaluate("async source => (await window.python)(source)", source))
        except Error as error:
            raise RuntimeError(error.message.partition("\n    at ")[0]) from None

    async def close(self) -> None:
        """Close the page, as a user closes a tab."""
        await self.page.close()

    def _look(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in ("127.0.0.1", "localhost"):
            self.strange_requests.append(url)


class QuietServer(ThreadingHTTPServer):
    """An HTTP server for tests."""

    def handle_error(self, *_: object) -> None:
        """A page that is closed while it loads is no news."""


class Files(SimpleHTTPRequestHandler):
    """The files below a folder, with the types that a browser asks for."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, *_: object) -> None:
        pass


def pack(modules: Iterable[str], archive: Path) -> None:
    """Put modules and packages of this environment into a zip archive, with whatever lies in them."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for module in modules:
            spec = importlib.util.find_spec(module)
            assert spec is not None, module
            assert spec.origin is not None, module
            origin = Path(spec.origin)
            files = origin.parent.rglob("*") if spec.submodule_search_locations else [origin]
            top = origin.parents[1] if spec.submodule_search_locations else origin.parent
            for file in files:
                if file.is_file() and "__pycache__" not in file.parts:
                    packed.write(file, file.relative_to(top))
        for name in ("pytest", "pluggy"):  # they look up their own version
            if name in modules:
                distribution = importlib.metadata.distribution(name)
                packed.writestr(
                    f"{name}-{distribution.version}.dist-info/METADATA",
                    f"Metadata-Version: 2.1\nName: {name}\nVersion: {distribution.version}\n",
                )
