"""Lesson 08 in Chromium: the same cells in a Worker and on a main thread, and what the lesson says that one sees there.

That it runs in a kernel, and prints there what is stored in it, is tested with the other lessons: tests/notebooks.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import nbformat
import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from p2pchat.lab.checks import EXERCISES
from tests.support.chromium import launch
from tests.support.in_a_browser import MODULES, open_tab
from tests.support.pyodide_page import PyodideSite, PyodideTab

pytestmark = pytest.mark.asyncio(loop_scope="module")

LESSON = nbformat.read(Path(__file__).parents[2] / "notebooks" / "08_into_the_browser.ipynb", as_version=4)
CODE = [cell for cell in LESSON.cells if cell.cell_type == "code"]
WORDS = "\n".join(cell.source for cell in LESSON.cells if cell.cell_type == "markdown")

RUN = """
import contextlib, io
from pyodide.code import eval_code_async

async def run_cell(source):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        value = await eval_code_async(source, lesson)
    return printed.getvalue() + ("" if value is None else repr(value))
None
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["main thread", "Worker"])
async def tab(
    request: pytest.FixtureRequest, chromium_program: str, pyodide: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PyodideTab]:
    async with async_playwright() as playwright:
        chromium = await launch(playwright)
        page = await (await chromium.new_context()).new_page()
        with PyodideSite(tmp_path_factory.mktemp("site"), MODULES) as site:
            tab = await open_tab(page, site, worker=request.param == "Worker")
            await tab.run(RUN)
            yield tab
            assert tab.errors == []
            assert tab.strange_requests == []
        await chromium.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shown(tab: PyodideTab) -> dict[str, str]:
    """What the lesson shows there as it is handed out."""
    return await run(tab)


@pytest.fixture
def place(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["tab"])


async def run(tab: PyodideTab, replaced: dict[str, str] | None = None) -> dict[str, str]:
    """What each cell shows, by its source. There are no widgets here: the chat window is left out."""
    shown = {}
    await tab.run('lesson = {"__name__": "__main__"}; None')
    for cell in CODE:
        if "ChatWidget" not in cell.source:
            source = (replaced or {}).get(cell.id, cell.source)
            shown[cell.source] = await tab.run(f"await run_cell({source!r})")
    return shown


def stored(source: str) -> str:
    """What stands below the cell in the notebook."""
    (cell,) = (cell for cell in CODE if cell.source == source)
    return "".join(output.get("text") or output.data["text/plain"] for output in cell.outputs)


def of(shown: dict[str, str], part: str) -> str:
    """What the one cell shows that has this in it."""
    (text,) = (text for source, text in shown.items() if part in source)
    return text


async def test_one_sees_what_the_lesson_says(shown: dict[str, str], place: str) -> None:
    assert of(shown, "sys.implementation") == (
        "the interpreter:       cpython\nbits of an address:    32\ncompiled for browsers: True\n"
    )
    assert of(shown, "def port()") in WORDS
    in_a_worker = stored(next(source for source in shown if "import js\n" in source)).splitlines()[1]
    names = "WebSocket, BroadcastChannel, navigator.locks"
    assert in_a_worker == f"JavaScript is here, and has: {names}"
    everything = f"JavaScript is here, and has: document, RTCPeerConnection, {names}"
    assert of(shown, "import js\n") == f"{in_a_worker if place == 'Worker' else everything}\n"
    *others, engine = of(shown, "__module__").splitlines()
    assert others == stored(next(source for source in shown if "__module__" in source)).splitlines()[:-1]
    assert engine == "the engine: p2pchat.webrtc.browser_engine"
    assert "in a tab the engine is `p2pchat.webrtc.browser_engine`" in WORDS
    addresses = of(shown, "servers.urls").split()
    assert addresses[2:] == ["matchmaking", "tabs:matchmaking", "signaling", "tabs:signaling"]
    assert "they are `tabs:matchmaking` and `tabs:signaling`" in WORDS

    known = ("sys.implementation", "def port()", "import js\n", "__module__", "servers.urls", "static_url", "Ladder(")
    for source, text in shown.items():
        if not any(part in source for part in known):
            assert text == stored(source), source


async def test_five_messages_cross_the_bridge_as_in_a_kernel(shown: dict[str, str]) -> None:
    drawn = next(text for source, text in shown.items() if source.endswith("Ladder(trace)"))
    assert [line.split("  ")[-1].strip() for line in drawn.splitlines()] == [
        "1: createOffer",
        "answer to 1",
        "2: setLocalDescription",
        "event have-local-offer",
        "answer to 2",
    ]


async def test_every_solution_is_right_there_too_and_nothing_is_left_behind(tab: PyodideTab) -> None:
    solutions = {
        f"exercise-{number.replace('.', '-')}": exercise.solution
        for number, exercise in EXERCISES.items()
        if number.startswith("08.")
    }
    shown = await run(tab, solutions)
    verdicts = [text for source, text in shown.items() if "await check(" in source]
    assert len(verdicts) == len(solutions) == 3
    assert all(text.startswith("Well done: ") for text in verdicts), verdicts
    await tab.page.wait_for_function("() => connections.length >= 5 && alive() === 0")
