"""Every exercise as handed out fails its check, and every solution passes it, both in the notebook itself."""

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from p2pchat.lab.checks import EXERCISES
from tools import notebooks as tool

ID = "exercise-{}"
STILL_RUNNING = """
import asyncio, p2pchat.lab.serving, p2pchat.servers

(
    list(p2pchat.lab.serving._running),
    p2pchat.servers._of_this_process.urls,
    [task.get_name() for task in asyncio.all_tasks() if "p2pchat" in f"{task.get_name()} {task.get_coro()}"],
)
"""


def numbers_of(lesson: Path) -> list[str]:
    return [number for number in EXERCISES if number.startswith(lesson.name[:2])]


def verdicts(notebook: NotebookNode) -> dict[str, str]:
    """What each cell with a check shows."""
    found = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and (asked := re.search(r'^await check\("([\d.]+)", \w+\)$', cell.source, re.M)):
            (output,) = cell.outputs
            found[asked[1]] = output.data["text/plain"]
    return found


def test_every_lesson_has_at_least_two(lesson: Path) -> None:
    assert len(numbers_of(lesson)) >= 2


def test_every_exercise_is_in_the_notebook_and_fails_as_handed_out(lesson: Path, notebook: NotebookNode) -> None:
    shown = verdicts(notebook)  # test_clean.py sees to it that this is what a run shows
    assert list(shown) == numbers_of(lesson)
    assert {number: text for number, text in shown.items() if not text.startswith("Not yet: ")} == {}


def test_every_solution_passes(lesson: Path, notebook: NotebookNode) -> None:
    cells = {cell.id: cell for cell in notebook.cells}
    for number in numbers_of(lesson):
        cell = cells[ID.format(number.replace(".", "-"))]
        assert cell.source != EXERCISES[number].solution.rstrip()
        cell.source = EXERCISES[number].solution
    shown = verdicts(tool.run(notebook))
    assert {number: text for number, text in shown.items() if not text.startswith("Well done: ")} == {}
    assert list(shown) == numbers_of(lesson)


def test_it_leaves_nothing_running(notebook: NotebookNode) -> None:
    notebook.cells = [cell for cell in notebook.cells if not cell.source.startswith("await check(")]
    notebook.cells.append(nbformat.v4.new_code_cell(STILL_RUNNING))
    assert tool.run(notebook).cells[-1].outputs[0].data["text/plain"] == "([], {}, [])"


def test_no_solution_stands_in_the_notebook(lesson: Path, notebook: NotebookNode) -> None:
    sources = "\n".join(cell.source for cell in notebook.cells)
    assert not [number for number in numbers_of(lesson) if EXERCISES[number].solution.rstrip() in sources]


def test_there_is_a_bug_hunt_and_something_to_break(notebook: NotebookNode) -> None:
    headings = [line for cell in notebook.cells for line in cell.source.splitlines() if line.startswith("## ")]
    assert [line for line in headings if re.fullmatch(r"## Exercise \d\d\.\d: bug hunt", line)]
    assert "## Break it on purpose" in headings
