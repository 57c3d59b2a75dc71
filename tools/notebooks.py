"""Runs the lessons and stores what is the same in every run; says which files changed.

Stored are the outputs without times and details of the kernel and the machine, and with ports, ids and times replaced
as `tests/notebooks/sanitize.cfg` says. A cell tagged ``nbval-ignore-output`` shows a widget or a picture of this very
run: of it nothing is stored.

    python tools/notebooks.py [notebook ...]
"""

import configparser
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
UNSTABLE = "nbval-ignore-output"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
# What a kernel says of its language, without what differs from one to the next; converters to other formats read it.
LANGUAGE = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}


def _sanitizer() -> Callable[[str], str]:
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "tests" / "notebooks" / "sanitize.cfg")
    rules = [
        (re.compile(section["regex"]), section["replace"]) for section in map(config.__getitem__, config.sections())
    ]

    def sanitize(text: str) -> str:
        for pattern, replacement in rules:
            text = pattern.sub(replacement, text)
        return text

    return sanitize


def tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def run(notebook: NotebookNode) -> NotebookNode:
    """A copy of the notebook, run from top to bottom. Raises: nbclient's CellExecutionError."""
    copy: NotebookNode = nbformat.reads(nbformat.writes(notebook), as_version=4)
    NotebookClient(copy, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    return copy


def cleaned(notebook: NotebookNode) -> NotebookNode:
    """The notebook with nothing in it that differs from run to run, or from machine to machine."""
    sanitize = _sanitizer()
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": LANGUAGE})
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in ("tags",) if cell.metadata.get(key)}
        cell.metadata = nbformat.from_dict(kept)
        if cell.cell_type == "code":
            outputs = [] if UNSTABLE in tags(cell) else _joined(cell.outputs)
            cell.outputs = [_stable(output, sanitize) for output in outputs]
    return notebook


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """The outputs, with what was printed in several pieces in one; where it is cut is a matter of time."""
    joined: list[NotebookNode] = []
    for output in outputs:
        if joined and output.output_type == "stream" and output.name == joined[-1].get("name"):
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _stable(output: NotebookNode, sanitize: Callable[[str], str]) -> NotebookNode:
    if "text" in output:
        output.text = sanitize(output.text)
    for kind, text in output.get("data", {}).items():
        output.data[kind] = sanitize(text)
    return output


def main(paths: Iterable[Path]) -> None:
    for path in paths:
        before = path.read_text("utf-8")
        after = nbformat.writes(cleaned(run(nbformat.reads(before, as_version=4))), indent=1) + "\n"
        path.write_text(after, "utf-8")
        print(f"{path.name}: {'the same as before' if after == before else 'stored anew'}")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or LESSONS)
