"""The browser's engine in real Chromium: the conformance tests again, on both of its transports, and the bridge itself.

Each test of the browser is an item here, by its own name. Python runs in Pyodide there, on the main thread of a page or
in a Worker; see `in_a_browser` for what stands in for a notebook.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import ModuleType

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.support import case_runner
from tests.support.chromium import launch
from tests.support.in_a_browser import MODULES, open_tab, run_case
from tests.support.pyodide_page import PyodideSite, PyodideTab
from tests.webrtc import in_browsers_only, test_conformance

pytestmark = pytest.mark.asyncio(loop_scope="session")

TRANSPORTS = ["main thread", "worker"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def chromium(chromium_program: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        yield browser
        await browser.close()


OpenTab = Callable[..., Awaitable[PyodideTab]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def open_page(
    chromium: Browser, pyodide: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OpenTab]:
    """Opens a page of a browser that has seen nothing yet, with Python on one of the transports."""
    with PyodideSite(tmp_path_factory.mktemp("site"), MODULES) as site:

        async def open_page(transport: str) -> PyodideTab:
            return await open_tab(await chromium.new_page(), site, worker=transport == "worker")

        yield open_page


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=TRANSPORTS)
async def tab(request: pytest.FixtureRequest, open_page: OpenTab) -> AsyncIterator[PyodideTab]:
    """One tab for all tests on a transport: they leave nothing behind, which is tested after each."""
    tab = await open_page(request.param)
    yield tab
    await tab.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(open_page: OpenTab) -> AsyncIterator[PyodideTab]:
    """A tab of its own for the tests that break the bridge, and leave another tab's alone."""
    tab = await open_page("worker")
    yield tab
    assert (tab.errors, tab.strange_requests) == ([], [])
    await tab.close()


def each(module: ModuleType) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("module", "case"), [(name_of(module), name) for name in case_runner.cases(module)])


def name_of(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


async def passes(tab: PyodideTab, module: str, case: str) -> None:
    await run_case(tab, module, case)
    assert (tab.errors, tab.strange_requests) == ([], [])
    await tab.page.wait_for_function("alive() === 0", timeout=60_000)


@each(test_conformance)
async def test_conforms(tab: PyodideTab, module: str, case: str) -> None:
    await passes(tab, module, case)


@each(in_browsers_only)
async def test_has_what_browsers_have(tab: PyodideTab, module: str, case: str) -> None:
    await passes(tab, module, case)


TALK = """
from tests.support.rtc_ends import End, negotiate, opened
ends = End(engine), End(engine)
ours, theirs = await opened(*ends)
closed = []
for end in ends:
    await end.until(lambda: end.connection.connectionState == "connected")
    end.connection.on("connectionstatechange", lambda end=end: closed.append(end.connection.connectionState))
ours.send("hello")
await ends[1].until(lambda: ends[1].messages == ["hello"])
transport = ends[0].connection._transport
None
"""
CLOSE = "for end in ends: await end.connection.close()"
ALL_CLOSED = """
await ends[0].until(lambda: ours.readyState == "closed")
assert [end.connection.connectionState for end in ends] == ["closed", "closed"]
assert theirs.readyState == "closed"
assert closed == ["closed", "closed"]
None
"""


class TestTheBridge:
    """Whatever of its two ends goes away, nothing is left behind, and nobody waits without end."""

    async def test_is_only_where_it_is_needed(self, open_page: OpenTab) -> None:
        tab = await open_page("main thread")
        await tab.run(TALK)
        assert await tab.page.evaluate("alive()") == 2
        assert await tab.run("import sys; [name for name in sys.modules if 'widget' in name or 'bridge' in name]") == []
        await tab.close()

    @pytest.mark.parametrize(
        "how",
        [
            "[...models.values()].at(-1).controller.abort()",  # the widget is closed
            "for (const slot of [...models.values()].at(-1).disposed.slots) slot()",  # the notebook is closed
        ],
        ids=["widget", "notebook"],
    )
    async def test_closed_on_the_page_closes_all_and_a_new_one_is_built(self, worker: PyodideTab, how: str) -> None:
        await worker.run(TALK)
        assert await worker.page.evaluate("alive()") == 2
        await worker.page.evaluate(f"() => {{ {how} }}")
        await worker.page.wait_for_function("alive() === 0")
        await worker.run(ALL_CLOSED)
        with pytest.raises(RuntimeError, match="PageMissing: The page has closed"):
            await worker.run("await ends[0].connection.createOffer()")
        await worker.run(TALK)
        assert await worker.page.evaluate("[alive(), models.size]") == [2, 1]  # the old widget was closed as well
        await worker.run(CLOSE)

    async def test_has_one_owner_whatever_shows_the_same_widget(self, worker: PyodideTab) -> None:
        await worker.run(TALK)
        await worker.page.evaluate(
            """async () => {
                const { esm, model } = [...models.values()].at(-1);
                const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
                window.second = new AbortController();
                await (await import(url)).default.initialize({ model, signal: second.signal });
            }"""
        )
        before = await worker.page.evaluate("connections.length")
        await worker.run(f"first, first_ends = transport, ends\n{TALK}\nassert transport is first; None")
        assert await worker.page.evaluate("[alive(), connections.length]") == [4, before + 2]
        await worker.page.evaluate("() => second.abort()")
        await worker.run("ours.send('here'); await ends[1].until(lambda: ends[1].messages == ['hello', 'here'])")
        await worker.run(f"{CLOSE}\nends = first_ends\n{CLOSE}")

    async def test_that_no_page_answers_is_told_to_people(self, worker: PyodideTab) -> None:
        await worker.run("from p2pchat.webrtc import browser_transports; browser_transports._transport = None")
        await worker.page.evaluate("() => { window.deaf = true; }")
        await worker.run("browser_transports.ANSWER_TIMEOUT, patience = 0.2, browser_transports.ANSWER_TIMEOUT")
        with pytest.raises(RuntimeError, match=r"PageMissing: No page answered within 0\.2 seconds"):
            await worker.run(
                "connection = engine.RTCPeerConnection(); channel = connection.createDataChannel('chat');"
                "await connection.createOffer()"
            )
        assert await worker.run("connection.connectionState, channel.readyState") == ["closed", "closed"]
        await worker.page.evaluate("() => { window.deaf = false; }")
        await worker.run(f"browser_transports.ANSWER_TIMEOUT = patience\n{TALK}")
        await worker.run(CLOSE)

    async def test_without_widgets_is_told_to_people(self, worker: PyodideTab) -> None:
        await worker.run(
            """
import sys
from p2pchat.webrtc import browser_transports
browser_transports._transport = None
anywidget, sys.modules["anywidget"] = sys.modules["anywidget"], None
del sys.modules["p2pchat.webrtc.browser_bridge"]
None"""
        )
        with pytest.raises(RuntimeError, match=r"PageMissing: In a Worker .*install anywidget"):
            await worker.run("engine.RTCPeerConnection()")
        await worker.run(f"sys.modules['anywidget'] = anywidget\n{TALK}")
        await worker.run(CLOSE)

    async def test_is_closed_with_the_kernel_however_that_ends(self, worker: PyodideTab) -> None:
        await worker.run(TALK)
        assert await worker.page.evaluate("alive()") == 2
        await worker.page.evaluate("worker.terminate()")  # the last test that has this tab
        await worker.page.wait_for_function("alive() === 0")
        held = "async () => { const { held, pending } = await navigator.locks.query(); return [held, pending]; }"
        await worker.page.wait_for_function(f"({held})().then(locks => locks.flat().length === 0)")
