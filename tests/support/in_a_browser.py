"""Pages of Chromium in which Pyodide runs tests: on the main thread, or in a Worker with the bridge to its page.

In a notebook the bridge comes into the page as an anywidget. Here it is the same widget class and the same JavaScript;
what is between them, Jupyter's comms, is as little as can be: the Worker says "make a widget of this" and "close it".
"""

from pathlib import Path

from playwright.async_api import Page

from tests.support.pyodide_page import FOR_TESTS, PyodideSite, PyodideTab

MODULES = (*FOR_TESTS, "traitlets")

# What runs in the browser; it imports nothing that is not there.
TESTS = Path(__file__).parents[1]
SHIPPED = ("support/rtc_ends.py", "support/case_runner.py", "webrtc/test_conformance.py", "webrtc/in_browsers_only.py")
TEXTS = {f"tests/{name}": (TESTS / name).read_text() for name in SHIPPED}
SHIP = f"""
import importlib, os, sys
for name, text in {TEXTS!r}.items():
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open(name, "w") as file:
        file.write(text)
sys.path.append(os.getcwd())
importlib.invalidate_caches()
import p2pchat.webrtc as engine
from tests.support import case_runner
None"""

# Beside the page's own code: what anywidget's front end does with a model that has an initialize.
FRONT_END = """
() => {
  const models = window.models = new Map();
  const comms = window.comms = new BroadcastChannel("comms of a test");
  comms.onmessage = async ({ data: { id, esm, name } }) => {
    if (esm === undefined) {
      models.get(id).controller.abort();
      models.delete(id);
      return;
    }
    const controller = new AbortController();
    const disposed = { slots: [], connect: (slot) => disposed.slots.push(slot) };
    const model = { get: (key) => ({ name })[key], widget_manager: { context: { disposed } } };
    models.set(id, { controller, disposed, model, esm });
    if (window.deaf) return;
    const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
    const { default: widget } = await import(url);
    await widget.initialize({ model, signal: controller.signal });
  };
}
"""

# And what the kernel's side of anywidget does: traits, and a model on the page for each widget.
BACK_END = """
import itertools, sys, types
import js, traitlets
from pyodide.ffi import to_js

class AnyWidget(traitlets.HasTraits):
    ids = itertools.count(1)
    comms = js.BroadcastChannel.new("comms of a test")

    def __init__(self, **traits):
        super().__init__(**traits)
        self.id = next(self.ids)
        assert self.traits(sync=True).keys() == {"name"}
        self.say(esm=str(self._esm), name=self.name)

    def close(self):
        self.say()

    def say(self, **words):
        self.comms.postMessage(to_js({"id": self.id, **words}, dict_converter=js.Object.fromEntries))

sys.modules["anywidget"] = types.SimpleNamespace(AnyWidget=AnyWidget)
"""

# In the page or Worker, before any Python: counts what is alive of the real thing.
COUNT = """
if (globalThis.RTCPeerConnection) {
  const Real = RTCPeerConnection;
  globalThis.connections = [];
  globalThis.RTCPeerConnection = class extends Real {
    constructor(...args) { super(...args); connections.push(this); }
  };
  globalThis.alive = () => connections.filter((it) => it.signalingState !== "closed").length;
}
"""


async def open_tab(page: Page, site: PyodideSite, *, worker: bool) -> PyodideTab:
    """A page with Python in it that has `p2pchat.webrtc`, the conformance tests, and something to run them."""
    await page.add_init_script(COUNT)
    tab = await PyodideTab.open(page, site, worker=worker)
    if worker:
        await page.evaluate(FRONT_END)
        await tab.run(f"{BACK_END}\nNone")
    await tab.run(SHIP)
    return tab


async def run_case(tab: PyodideTab, module: str, case: str) -> None:
    """Run one of `case_runner.cases` in a tab. Raises: RuntimeError with the traceback of a test that fails."""
    await tab.run(f"from tests.webrtc import {module}; await case_runner.run({module}, engine, {case!r})")
