"""Two chat widgets in one notebook, clicked and typed in, in a real JupyterLab."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from p2pchat.peer.conversation import MAX_MESSAGE
from tests.support.notebook import OpenNotebook, meet

pytestmark = pytest.mark.asyncio(loop_scope="session")

Cells = tuple[str, ...]


@pytest.mark.parametrize("kernel", ["python3", "ipykernel-7.3", "ipykernel-6.31"])
async def test_start_start_hello(
    older_kernels: Path, open_notebook: OpenNotebook, two_chats: Cells, kernel: str
) -> None:
    assert kernel == "python3" or (older_kernels / kernel).is_dir()
    notebook = await open_notebook(*two_chats, "import ipykernel; ipykernel.__version__", kernel=kernel)
    await notebook.run()
    assert f"'{kernel.removeprefix('ipykernel-').replace('python3', '7.4')}." in await notebook.outputs()
    ann, ben = notebook.chat("ann"), notebook.chat("ben")
    await meet(ann, ben)

    await ann.say("hello, stranger")
    await ben.shows("Stranger", "hello, stranger")
    await ann.shows("You", "hello, stranger")
    await expect(ann.log.get_by_label("delivered")).to_have_count(1)
    await ben.box.fill("hello back")
    await ben.send.click()
    await ann.shows("Stranger", "hello back")
    await expect(ben.box).to_have_value("")

    await ann.next.click()
    await ben.shows("Sys", "The stranger left.")
    await ben.is_in_state("closed")
    await ann.is_in_state("waiting")
    await ben.start.click()
    await ann.is_in_state("open")
    await ben.is_in_state("open")
    await ben.leave.click()
    await ann.shows("Sys", "The stranger left.")
    await ben.shows("Sys", "You left.")


async def test_what_can_be_pressed_is_what_makes_sense(open_notebook: OpenNotebook, two_chats: Cells) -> None:
    notebook = await open_notebook(*two_chats)
    await notebook.run()
    ann, ben = notebook.chat("ann"), notebook.chat("ben")

    async def can_press(start: bool, next: bool, leave: bool, send: bool) -> None:
        for button, enabled in ((ann.start, start), (ann.next, next), (ann.leave, leave), (ann.send, send)):
            await expect(button).to_be_enabled(enabled=enabled)

    await ann.is_in_state("idle")
    await ann.box.fill("first of all,")
    await can_press(start=True, next=False, leave=False, send=False)
    await ann.start.dblclick()
    await ann.is_in_state("waiting")
    await can_press(start=False, next=False, leave=True, send=False)
    await ben.start.dblclick()
    await ann.is_in_state("open")
    await can_press(start=False, next=True, leave=True, send=True)
    await expect(ann.lines("Sys").filter(has_text="Asking the matchmaking server")).to_have_count(1)
    await ben.leave.click()
    await ann.is_in_state("closed")
    await can_press(start=True, next=False, leave=False, send=False)
    await expect(ann.box).to_have_value("first of all,")
    await ann.box.press("Enter")
    await expect(ann.lines("Sys").last).to_contain_text("Nobody is there to hear it")
    await expect(ann.box).to_have_value("first of all,")


async def test_a_message_is_shown_as_it_was_written(open_notebook: OpenNotebook, two_chats: Cells) -> None:
    notebook = await open_notebook(*two_chats)
    await notebook.run()
    ann, ben = notebook.chat("ann"), notebook.chat("ben")
    await meet(ann, ben)

    html = "<b onclick='alert(1)'>bold</b> & <img src=x onerror='throw 1'> &lt;"
    await ann.say(html)
    await ben.shows("Stranger", html)
    await expect(ben.log.locator("b, img")).to_have_count(0)

    await ann.say("   ")
    await ann.box.fill("two\n")
    await ann.box.press("Shift+Enter")
    await ann.box.press_sequentially("lines")
    await ann.box.press("Enter")
    await ben.shows("Stranger", "two\n\nlines")
    assert await ben.lines("Stranger").last.evaluate("text => text.getClientRects().length") >= 3
    await expect(ben.lines("Stranger")).to_have_count(2)

    await ann.say("w" * 2_000)
    await ben.shows("Stranger", "w" * 2_000)
    for width in (1000, 400):
        await notebook.page.set_viewport_size({"width": width, "height": 900})
        for part in (ann.widget, ben.widget, ann.log, ben.log, ann.box):
            assert await part.evaluate("part => part.scrollWidth <= part.clientWidth"), f"too wide at {width} pixels"


async def test_a_message_that_is_refused_is_not_lost(open_notebook: OpenNotebook, two_chats: Cells) -> None:
    notebook = await open_notebook(*two_chats)
    await notebook.run()
    ann, ben = notebook.chat("ann"), notebook.chat("ben")
    await meet(ann, ben)
    novel = "é" * (MAX_MESSAGE // 2 + 1)
    await ann.say(novel)
    await expect(ann.lines("Sys").last).to_contain_text("The message is too long: 65,538 bytes")
    await expect(ann.box).to_have_value(novel)
    await ann.say(novel[:-1])
    await ben.shows("Stranger", novel[:-1])


async def test_who_types_is_seen_typing(open_notebook: OpenNotebook, two_chats: Cells) -> None:
    notebook = await open_notebook(*two_chats)
    await notebook.run()
    ann, ben = notebook.chat("ann"), notebook.chat("ben")
    await meet(ann, ben)
    typing = ben.widget.get_by_text("The stranger is typing …")
    await ann.box.press_sequentially("hel")
    await expect(typing).to_be_visible()
    await ann.box.press("Enter")
    await ben.shows("Stranger", "hel")
    await expect(typing).to_have_count(0)


async def test_the_keyboard_is_enough(open_notebook: OpenNotebook, two_chats: Cells) -> None:
    notebook = await open_notebook(*two_chats)
    await notebook.run()
    ann, ben = notebook.chat("ann"), notebook.chat("ben")
    keyboard = notebook.page.keyboard
    await expect(ann.widget).to_be_visible()
    await ann.start.focus()
    await keyboard.press("Enter")
    await ann.is_in_state("waiting")
    await ben.start.focus()
    await keyboard.press("Space")
    await ann.is_in_state("open")
    await ann.next.focus()
    await keyboard.press("Tab")
    await expect(ann.leave).to_be_focused()
    await keyboard.press("Tab")
    await expect(ann.log).to_be_focused()
    await keyboard.press("Tab")
    await expect(ann.box).to_be_focused()
    await keyboard.type("dd said by keys")
    await keyboard.press("Tab")
    await expect(ann.send).to_be_focused()
    await keyboard.press("Space")
    await ben.shows("Stranger", "dd said by keys")
    await expect(ann.box).to_be_focused()
    cells = "() => jupyterapp.shell.currentWidget.content.widgets.length"
    assert await notebook.page.evaluate(cells) == 3, "a key went to the notebook"
