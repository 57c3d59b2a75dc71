"""Each lesson runs from top to bottom, and prints what is stored in it: nbval, strictly."""

import subprocess
import sys
from pathlib import Path

from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]


def nbval(notebook: Path) -> subprocess.CompletedProcess[str]:
    options = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=60", "-p", "no:cacheprovider", "-q"]
    sanitize = ROOT / "tests" / "notebooks" / "sanitize.cfg"
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--nbval-sanitize-with", str(sanitize), str(notebook)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_a_lesson_does_what_it_says(lesson: Path, notebook: NotebookNode) -> None:
    run = nbval(lesson)
    assert run.returncode == 0, run.stdout + run.stderr
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    assert f"{cells} passed" in run.stdout


def test_an_output_that_is_not_the_stored_one_is_found(tmp_path: Path) -> None:
    lesson = ROOT / "notebooks" / "00_start_here.ipynb"
    changed = tmp_path / "changed.ipynb"
    changed.write_text(lesson.read_text("utf-8").replace("Bob hears: hello", "Bob hears: goodbye"), "utf-8")
    run = nbval(changed)
    assert run.returncode == 1
    assert "1 failed" in run.stdout
