"""What the tests of the lessons share: the notebooks, and the tool that runs and cleans them."""

import importlib.util
from pathlib import Path
from types import ModuleType

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


@pytest.fixture(scope="session")
def tool() -> ModuleType:
    """tools/notebooks.py"""
    spec = importlib.util.spec_from_file_location("notebooks_tool", ROOT / "tools" / "notebooks.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
