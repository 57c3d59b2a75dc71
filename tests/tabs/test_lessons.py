"""The files of the lessons run in a browser as they are: a server that a learner writes is on the tabs there."""

from pathlib import Path
from typing import Any

import nbformat
import pytest

from p2pchat.lab.checks import EXERCISES
from tests.support.python_tabs import OpenTab, Tab

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LESSONS = ("02_matchmaking", "03_signaling")  # those with servers of a learner's own, and without a widget

# A cell is run as the kernel runs it: what is shown comes to "display", and the last value is told.
BEGIN = """
from pyodide.code import eval_code_async
def display(*shown): pass
async def cell(source): return repr(await eval_code_async(source, globals()))
"""


async def run(tab: Tab, notebook: Any) -> dict[str, str]:
    """Run all cells. Returns: what each cell with a check says, by the id of the cell."""
    verdicts = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            shown = await tab.run(f"await cell({cell.source!r})")
            if "await check(" in cell.source:
                verdicts[cell.id] = shown
    return verdicts


@pytest.mark.parametrize("name", LESSONS)
async def test_a_lesson_says_what_it_says_in_a_kernel(open_tab: OpenTab, name: str) -> None:
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", 4)
    committed = {
        cell.id: cell.outputs[0].data["text/plain"] for cell in notebook.cells if "await check(" in cell.source
    }
    assert len(committed) >= 2
    tab = await open_tab(begin=BEGIN)
    assert await run(tab, notebook) == committed


@pytest.mark.parametrize("name", LESSONS)
async def test_the_solutions_of_a_lesson_pass(open_tab: OpenTab, name: str) -> None:
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", 4)
    for cell in notebook.cells:
        if cell.id.startswith("exercise-"):
            cell.source = EXERCISES[cell.id.removeprefix("exercise-").replace("-", ".")].solution
    tab = await open_tab(begin=BEGIN)
    verdicts = await run(tab, notebook)
    assert {text.partition(":")[0] for text in verdicts.values()} == {"Well done"}


@pytest.mark.parametrize("worker", [True, False])
async def test_a_server_of_a_lesson(open_tab: OpenTab, worker: bool) -> None:
    tab = await open_tab(worker=worker)
    told = await tab.run("""
        from p2pchat import Trace, lab
        async def echo(socket, greeting):
            await socket.send(greeting)
            async for text in socket:
                await socket.send(str(1 / int(text)))
        trace = Trace()
        first = await lab.serve_lesson(echo, "hello")
        server = await lab.serve_lesson(echo, "hello")
        socket = await lab.connect(server.url, name="Ada", trace=trace)
        await socket.send("4")
        await socket.send("0")
        frames = [text async for text in socket]
        [server.url, frames, socket.ended.code, server.troubles, [[a.source, a.target] for a in trace],
         await why_not(first.url), repr(server)]""")
    url, frames, code, troubles, arrows, first, shown = told
    assert url.startswith("tabs:")
    assert url.endswith("/echo")
    assert frames == ["hello", "0.25"]
    assert code == 1011
    assert troubles[0].startswith("echo raised ZeroDivisionError")
    assert sorted({tuple(arrow) for arrow in arrows}) == [("Ada", "echo"), ("echo", "Ada")]
    assert first == "no tab of this browser serves it"
    assert shown.startswith("Your server runs. Troubles: 1")
    assert await tab.run("await server.stop(); repr(server)") == shown.replace("runs", "is stopped")
    await tab.until_no_locks()


async def test_another_tab_may_come_to_the_server_of_a_lesson(open_tab: OpenTab) -> None:
    """As another notebook may that knows the port."""
    here, there = await open_tab(worker=True), await open_tab()
    url = await here.run("""
        from p2pchat import lab
        server = await lab.serve_lesson(echo)
        server.url""")
    assert (
        await there.run(f"""
        from p2pchat import lab
        socket = await lab.connect({url!r})
        await socket.send("from another tab")
        await socket.recv()""")
        == "from another tab"
    )
    await here.close()
    assert await there.run("await end_of(socket)") == [1012, "the tab that served was closed"]
