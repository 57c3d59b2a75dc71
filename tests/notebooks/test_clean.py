"""The notebooks in the repository are clean: what is stored in them is the same in every run, on every machine."""

import ast
import json
import re
from pathlib import Path

import nbformat
from nbconvert.exporters import ScriptExporter
from nbformat import NotebookNode

from tools import notebooks as tool


def test_running_it_again_changes_no_byte(lesson: Path, notebook: NotebookNode) -> None:
    again = nbformat.writes(tool.cleaned(tool.run(notebook)), indent=1) + "\n"
    assert again == lesson.read_text("utf-8"), "store it with: make notebooks"


def test_the_metadata_tell_nothing_of_a_machine(notebook: NotebookNode) -> None:
    assert notebook.metadata == {"kernelspec": tool.KERNEL, "language_info": tool.LANGUAGE}
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)


def test_it_becomes_a_python_script(notebook: NotebookNode) -> None:
    script, resources = ScriptExporter().from_notebook_node(notebook)
    assert resources["output_extension"] == ".py"
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert [source for source in code if source not in script] == []
    compile(script, "lesson", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_no_path_port_id_or_time_is_stored(notebook: NotebookNode) -> None:
    outputs = json.dumps([cell.outputs for cell in notebook.cells if cell.cell_type == "code"])
    assert not re.search(r"/home/|/tmp/|/work/|/root/|site-packages|ipykernel_", outputs)
    assert not re.search(r"127\.0\.0\.1:\d|[0-9a-f]{8}-[0-9a-f]{4}-|20\d\d-\d\d-\d\dT", outputs)
    assert "widget-view" not in outputs


def test_no_output_is_an_error(notebook: NotebookNode) -> None:
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs
    assert {output.output_type for output in outputs} <= {"stream", "execute_result"}
    assert {output.name for output in outputs if output.output_type == "stream"} <= {"stdout"}


def test_only_a_widget_and_a_picture_go_without_a_stored_output(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if tool.UNSTABLE in tool.tags(cell):
            assert re.fullmatch(r"(ChatWidget|Ladder)\(\w+\)", cell.source.splitlines()[-1])
            assert cell.outputs == []


def test_no_tag_switches_a_check_off(notebook: NotebookNode) -> None:
    used = {tag for cell in notebook.cells for tag in tool.tags(cell)}
    assert used <= {tool.UNSTABLE, "exercise", "hello"}
    assert not re.search(r"#\s*(nbval|NBVAL)", json.dumps(notebook))
