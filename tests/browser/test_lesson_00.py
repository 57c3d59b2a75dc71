"""Lesson 00 as a learner meets it: in a real JupyterLab, cell by cell, with START pressed in both windows."""

import re
from pathlib import Path

import nbformat
import pytest
from playwright.async_api import expect

from tests.support.notebook import Notebook, OpenNotebook, meet

pytestmark = pytest.mark.asyncio(loop_scope="session")

LESSON = nbformat.read(Path(__file__).parents[2] / "notebooks" / "00_start_here.ipynb", as_version=4)
CELLS = [cell.source for cell in LESSON.cells if cell.cell_type == "code"]
WINDOWS = 3  # the cells up to the two windows
EVERY_COLOUR = """
() => {
    const colour = (query, what) => getComputedStyle(document.querySelector(query))[what];
    return {
        direct: colour(".p2pchat-ladder .direct line", "stroke"),
        other: colour(".p2pchat-ladder g.step:not(.direct) line", "stroke"),
        text: colour(".p2pchat-ladder text", "fill"),
    };
}
"""


async def in_theme(notebook: Notebook, theme: str, light: bool) -> dict[str, str]:
    await notebook.page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    await expect(notebook.page.locator("body")).to_have_attribute("data-jp-theme-light", str(light).lower())
    return await notebook.page.evaluate(EVERY_COLOUR)


def brightness(colour: str) -> int:
    """The sum of red, green and blue, from 0 to 765."""
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3])


async def test_start_start_hello_and_then_every_cell(open_notebook: OpenNotebook) -> None:
    notebook = await open_notebook(*CELLS)
    for number in range(WINDOWS):
        await notebook.run_cell(number)
    ada, bob = notebook.chat("Ada"), notebook.chat("Bob")
    await meet(ada, bob)
    await ada.say("hello")
    await bob.shows("Stranger", "hello")

    for number in range(WINDOWS, len(CELLS)):
        await notebook.run_cell(number)
    await bob.shows("Stranger", "are you still there?")
    await expect(notebook.page.get_by_text("Not yet: Ada and Bob did not meet.")).to_be_visible()
    await ada.is_in_state("closed")
    outputs = await notebook.outputs()
    assert "Bob hears: are you still there?" in outputs
    assert '"output_type":"error"' not in outputs


async def test_run_all_cells_twice_over(open_notebook: OpenNotebook) -> None:
    notebook = await open_notebook(*CELLS)
    await notebook.run()
    await notebook.run()


async def test_the_picture_can_be_read_in_light_and_dark_and_aloud(open_notebook: OpenNotebook) -> None:
    notebook = await open_notebook(*CELLS)
    await notebook.run()
    picture = notebook.page.get_by_role("img", name="Who sent what to whom")
    await expect(picture).to_be_visible()

    light = await in_theme(notebook, "JupyterLab Light", light=True)
    dark = await in_theme(notebook, "JupyterLab Dark", light=False)
    for colours in (light, dark):
        assert colours["direct"] != colours["other"]
    assert brightness(light["text"]) < 200
    assert brightness(dark["text"]) > 565
    assert brightness(light["direct"]) < brightness(dark["direct"])

    text = notebook.page.get_by_text("The same as text")
    await text.click()
    as_text = notebook.page.locator("details pre", has_text="Ada --> matchmaking")
    await expect(as_text).to_contain_text(re.compile(r"Ada ==> Bob +message"))
    await expect(as_text).to_be_visible()
