"""What becomes of a chat when a kernel, a page or a server does not stay as it was."""

import pytest
from playwright.async_api import expect

from p2pchat import Servers
from tests.support.notebook import ONE_CHAT, Chat, Notebook, OpenNotebook, meet

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def two_notebooks(open_notebook: OpenNotebook, servers: Servers) -> tuple[Notebook, Chat, Notebook, Chat]:
    """Ann and Ben in conversation, each in a notebook with a kernel of its own."""
    notebooks = [await open_notebook(ONE_CHAT.format(name=name, servers=servers)) for name in ("ann", "ben")]
    for notebook in notebooks:
        await notebook.run()
    ann, ben = notebooks[0].chat("ann"), notebooks[1].chat("ben")
    await meet(ann, ben)
    return notebooks[0], ann, notebooks[1], ben


async def test_two_notebooks_with_a_kernel_each_and_a_restart(open_notebook: OpenNotebook, servers: Servers) -> None:
    of_ann, ann, _, ben = await two_notebooks(open_notebook, servers)
    await ann.say("from kernel to kernel")
    await ben.shows("Stranger", "from kernel to kernel")
    await ben.say("and back")
    await ann.shows("Stranger", "and back")

    await ann.box.fill("not said yet")
    await expect(ann.send).to_be_enabled()
    await of_ann.restart_kernel()
    await ben.is_in_state("closed")
    await expect(ben.lines("Sys").last).to_contain_text("The stranger")
    await ann.is_in_state("disconnected")
    await expect(ann.send).to_be_disabled()
    await ann.box.press("Enter")
    await expect(ann.box).to_have_value("not said yet")
    await of_ann.ready()
    await of_ann.run()
    await ann.is_in_state("idle")
    await meet(ann, ben)


async def test_a_reloaded_page_shows_the_record_again(open_notebook: OpenNotebook, servers: Servers) -> None:
    of_ann, ann, _, ben = await two_notebooks(open_notebook, servers)
    await ann.say("before")
    await ben.say("the reload")
    await expect(ann.log.get_by_label("delivered")).to_have_count(1)
    await ann.shows("Stranger", "the reload")
    record = await ann.log.inner_text()
    await of_ann.command("docmanager:save")

    await of_ann.page.reload()
    await of_ann.ready()
    await ann.is_in_state("open", timeout=60_000)
    await expect(ann.lines("Stranger")).to_have_count(1)
    assert await ann.log.inner_text() == record
    await expect(ann.log.get_by_label("delivered")).to_have_count(1)
    await ben.say("after")
    await ann.shows("Stranger", "after")
    await ann.say("it all goes on")
    await ben.shows("Stranger", "it all goes on")


async def test_an_interrupted_cell_does_not_end_the_chat(
    open_notebook: OpenNotebook, two_chats: tuple[str, ...]
) -> None:
    waits = "import asyncio\nprint('waits')\nawait asyncio.sleep(600)"
    loops = "print('loops')\nwhile True: pass"
    notebook = await open_notebook(*two_chats, waits, loops)
    for cell in range(3):
        await notebook.run_cell(cell)
    ann, ben = notebook.chat("ann"), notebook.chat("ben")
    await meet(ann, ben)

    for cell, word, error in ((3, "waits", "CancelledError"), (4, "loops", "KeyboardInterrupt")):
        await notebook.run_cell(cell)
        await expect(notebook.page.locator(".jp-OutputArea-output", has_text=word)).to_be_visible()
        if word == "waits":
            await ann.say("said while a cell waits")
            await ben.shows("Stranger", "said while a cell waits")
        await notebook.interrupt()
        await expect(notebook.page.locator(".jp-OutputArea-output", has_text=error).first).to_be_visible()
        await notebook.ready()
        await ann.say(f"after the cell that {word}")
        await ben.shows("Stranger", f"after the cell that {word}")
        await ben.say("I hear")
        await ann.shows("Stranger", "I hear")
        await expect(ann.lines("Stranger")).to_have_count(cell - 2)


async def test_who_waits_is_told_when_the_servers_stop(open_notebook: OpenNotebook, servers: Servers) -> None:
    notebook = await open_notebook(ONE_CHAT.format(name="ann", servers=servers))
    await notebook.run()
    ann = notebook.chat("ann")
    await ann.start.click()
    await ann.is_in_state("waiting")
    await servers.stop()
    await expect(ann.lines("Sys").last).to_contain_text("Is it running?")
    await expect(ann.lines("Sys").last).to_contain_text("going away")
    await ann.is_in_state("closed")
    lines = await ann.lines("Sys").count()
    await ann.start.click()
    await expect(ann.lines("Sys").last).to_contain_text("cannot be reached")
    await ann.is_in_state("closed")
    await expect(ann.lines("Sys")).to_have_count(lines + 2)  # it asks, and fails: said once


async def test_a_closed_widget_leaves_the_chat(open_notebook: OpenNotebook, two_chats: tuple[str, ...]) -> None:
    notebook = await open_notebook(*two_chats, "ann.close()")
    for cell in range(3):
        await notebook.run_cell(cell)
    ann, ben = notebook.chat("ann"), notebook.chat("ben")
    await meet(ann, ben)
    await notebook.run_cell(3)
    await ben.shows("Sys", "The stranger left.")
    await expect(ann.widget).to_have_count(0)
