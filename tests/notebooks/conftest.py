"""What the tests of the lessons share: the notebooks."""

from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for a ``lesson`` is run for each of them."""
    if "lesson" in metafunc.fixturenames:
        metafunc.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


@pytest.fixture
def notebook(lesson: Path) -> NotebookNode:
    return nbformat.read(lesson, as_version=4)
