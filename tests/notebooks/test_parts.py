"""Every lesson has its parts: what LESSONS asks for on top, in the middle and at the end."""

import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
LINK = re.compile(r"\[[^\]]+\]\(([^)]+)\)")


def anchor(heading: str) -> str:
    """The anchor of a heading, as GitHub and JupyterLab make it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


ENTRIES = {anchor(part.splitlines()[0]): part for part in GLOSSARY.split("\n## ")[1:]}


def texts(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def test_it_has_one_first_level_heading_and_it_stands_on_top(notebook: NotebookNode) -> None:
    headings = re.findall(r"^(#+) ", "\n".join(texts(notebook)), re.M)
    assert headings[0] == "#"
    assert headings.count("#") == 1
    assert set(headings) <= {"#", "##"}
    assert notebook.cells[0].source.startswith("# ")


def test_on_top_stand_the_goal_the_minutes_the_needs_and_the_way(notebook: NotebookNode) -> None:
    top = notebook.cells[0].source
    assert re.search(r"^- \*\*Afterwards you can\*\* \w", top, re.M)
    assert 15 <= int(re.search(r"^- \*\*Minutes:\*\* (\d+)$", top, re.M)[1]) <= 40
    assert re.search(r"^- \*\*You need:\*\* \S", top, re.M)
    assert re.search(r"^- \*\*Previous:\*\* .+ \*\*Next:\*\* \S", top, re.M)


def test_its_links_lead_somewhere(notebook: NotebookNode) -> None:
    links = LINK.findall("\n".join(texts(notebook)))
    assert links
    for link in links:
        path, _, place = link.partition("#")
        assert (ROOT / "notebooks" / path).resolve().is_file(), link
        if place:
            assert path == "../docs/glossary.md", link
            assert place in ENTRIES, link


def test_previous_and_next_lead_there_and_back() -> None:
    ways = {}
    for lesson in sorted((ROOT / "notebooks").glob("*.ipynb")):
        top = lesson.read_text("utf-8")
        before, after = re.search(r"\*\*Previous:\*\*(.*?)\*\*Next:\*\*(.*?)\\n", top).groups()
        ways[lesson.name] = (LINK.findall(before)[:1], LINK.findall(after)[-1:])
    names = list(ways)
    for name, following in pairwise(names):
        assert ways[name][1] == [following]
        assert ways[following][0] == [name]


def test_what_is_to_come_has_not_come(notebook: NotebookNode) -> None:
    promised = re.findall(r"(\d\d)[^()\[\]|]*\((?:is |are )?to come\)", "\n".join(texts(notebook)))
    assert not [number for number in promised if list((ROOT / "notebooks").glob(f"{number}_*.ipynb"))]


def test_a_prediction_is_asked_for_before_the_cell_and_answered_after_it(notebook: NotebookNode) -> None:
    asked = answered = 0
    open_question = False
    ran = False
    for cell in notebook.cells:
        if cell.cell_type == "code":
            ran = True
            continue
        if "<summary>Answer</summary>" in cell.source:
            assert open_question, cell.source
            assert ran, cell.source
            answered += 1
            open_question = False
        if "**Predict.**" in cell.source:
            assert not open_question, f"still unanswered: {cell.source}"
            asked += 1
            open_question, ran = True, False
    assert asked == answered >= 3


def test_it_shows_a_picture_of_its_own_run_with_words_before_it(notebook: NotebookNode) -> None:
    pictures = [n for n, cell in enumerate(notebook.cells) if cell.source.splitlines()[-1] == "Ladder(trace)"]
    assert pictures
    for place in pictures:
        assert notebook.cells[place - 1].cell_type == "markdown" or notebook.cells[place + 1].cell_type == "markdown"


def test_it_stops_what_it_started(notebook: NotebookNode) -> None:
    assert any(re.search(r"^## Tidy up$", text, re.M) for text in texts(notebook)[-3:])
    last_code = [cell for cell in notebook.cells if cell.cell_type == "code"][-1].source
    assert "await servers.stop()" in last_code
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    for peer in set(re.findall(r"^(\w+) = (?:ChatPeer|MyPeer)\(", code, re.M)):
        assert f"await {peer}.leave()" in last_code


def test_at_the_end_stand_three_lines_and_the_terms(notebook: NotebookNode) -> None:
    end = notebook.cells[-1].source
    assert end.startswith("## What you learnt\n")
    assert re.findall(r"^(\d)\. \S", end, re.M) == ["1", "2", "3"]
    terms = re.findall(r"\[([^\]]+)\]\(\.\./docs/glossary\.md#([\w-]+)\)", end)
    assert len(terms) >= 5
    for term, place in terms:
        assert anchor(term) == place


@pytest.mark.parametrize("entry", ENTRIES)
class TestAGlossaryEntry:
    def test_says_where_it_is_explained_and_defined(self, entry: str) -> None:
        assert re.search(r"^Lessons? \[\d\d\]", ENTRIES[entry], re.M)
        source = ENTRIES[entry].replace("\n", " ").rpartition(" · ")[2]
        assert re.search(r"RFC \d{4}|W3C WebRTC|the Ayame|`p2pchat\.[\w.]+`|https://", source)

    def test_leads_to_lessons_that_name_it(self, entry: str) -> None:
        named = re.findall(r"\.\./(notebooks/\w+\.ipynb)\)", ENTRIES[entry])
        assert named
        for lesson in named:
            assert f"../docs/glossary.md#{entry})" in (ROOT / lesson).read_text("utf-8"), lesson

    def test_refers_to_entries_that_exist(self, entry: str) -> None:
        assert set(re.findall(r"\]\(#([\w-]+)\)", ENTRIES[entry])) <= set(ENTRIES)


def test_the_glossary_is_in_the_order_of_the_alphabet() -> None:
    assert list(ENTRIES) == sorted(ENTRIES)


def words_before_hello() -> int:
    notebook = nbformat.read(ROOT / "notebooks" / "00_start_here.ipynb", as_version=4)
    words = 0
    for cell in notebook.cells:
        words += len(cell.source.split())
        if "hello" in cell.metadata.get("tags", []):
            return words
    raise AssertionError("lesson 00 has no cell that says hello")


def test_hello_is_reached_in_under_two_minutes_of_reading() -> None:
    assert words_before_hello() <= 300  # at 200 words a minute, half a minute is left for pressing START
