"""The record of a long chat: quick, bounded, and kind to who reads what was said before."""

import pytest
from playwright.async_api import expect

from tests.support.notebook import FIRST_WIDGET, OpenNotebook, meet

pytestmark = pytest.mark.asyncio(loop_scope="session")

COUNT_THE_WORK = """
log => {
    log.added = log.removed = 0;
    new MutationObserver(changes => changes.forEach(change => {
        log.added += change.addedNodes.length;
        log.removed += change.removedNodes.length;
    })).observe(log, {childList: true});
}
"""


async def test_the_thousandth_message_costs_no_more_than_the_first(
    open_notebook: OpenNotebook, two_chats: tuple[str, ...]
) -> None:
    say_100 = "for _ in range(100):\n    said += 1\n    await ann.peer.send(f'message {said}')"
    notebook = await open_notebook(*two_chats, "said = 0", say_100)
    for cell in range(4):
        await notebook.run_cell(cell)
    ann, ben = notebook.chat("ann"), notebook.chat("ben")
    await meet(ann, ben)
    await ann.log.evaluate(COUNT_THE_WORK)
    await ben.log.evaluate(COUNT_THE_WORK)
    for hundred in range(1, 11):
        await notebook.run_cell(4)
        await ben.shows("Stranger", f"message {hundred}00")
        await expect(ann.log.get_by_label("delivered")).to_have_count(hundred * 100)
    assert await ann.lines("You").count() == await ben.lines("Stranger").count() == 1_000
    for chat in (ann, ben):
        assert await chat.log.evaluate("log => [log.added, log.removed]") == [1_000, 0], "each line is drawn once"


RECORD = """
from p2pchat.views.widgets import Record
record = Record("Notes", max_lines=100)
said = 0
def say(lines):
    global said
    for _ in range(lines):
        said += 1
        record.write("Sys", f"line {said}")
display(record)
"""


async def test_old_lines_are_forgotten_and_the_reader_is_left_where_he_reads(open_notebook: OpenNotebook) -> None:
    notebook = await open_notebook(RECORD, "say(60)", "say(30)", "say(70)", "display(record)")
    log = notebook.page.get_by_role("log").first
    last = log.locator(".p2pchat-line").last

    async def run_and_wait_for(cell: int, text: str) -> None:
        await notebook.run_cell(cell)
        await expect(last).to_contain_text(text, timeout=FIRST_WIDGET)

    await notebook.run_cell(0)
    await run_and_wait_for(1, "line 60")
    bottom = "log => log.scrollTop > 0 && log.scrollHeight - log.scrollTop - log.clientHeight < 2"
    assert await log.evaluate(bottom), "who is at the bottom stays there"
    for width in (500, 1000):
        await notebook.page.set_viewport_size({"width": width, "height": 900})
        await notebook.page.wait_for_function(f"log => ({bottom})(log)", arg=await log.element_handle())

    await log.evaluate("log => { log.ended = new Promise(done => { log.onscrollend = done; }); }")
    await log.press("ArrowUp")
    await log.evaluate("log => log.ended")
    reading = await log.evaluate("log => log.scrollTop")
    await run_and_wait_for(2, "line 90")
    assert await log.evaluate("log => log.scrollTop") == reading, "who reads further up is not moved"
    assert not await log.evaluate(bottom)

    await run_and_wait_for(3, "line 160")
    await expect(log.locator(".p2pchat-line")).to_have_count(100)
    await expect(log.locator(".p2pchat-line").first).to_contain_text("line 61")

    await notebook.run_cell(4)
    second = notebook.page.get_by_role("log").nth(1)
    await expect(second.locator(".p2pchat-line")).to_have_count(100)
    assert await second.inner_text() == await log.inner_text(), "a second view shows the same"


LOSSY = """
import asyncio
from p2pchat.views.widgets import Record
class LossyRecord(Record):
    lossy = False
    def send(self, content, buffers=None):
        if not self.lossy:
            super().send(content, buffers)
record = LossyRecord("Notes")
record.write("Sys", "line 1")
record
"""
LOSE = """
record.lossy = True
record.write("Sys", "line 2")
while record._unsent:
    await asyncio.sleep(0)
record.lossy = False
"""


async def test_lines_that_were_lost_on_the_way_are_asked_for(open_notebook: OpenNotebook) -> None:
    notebook = await open_notebook(LOSSY, LOSE, "record.write('Sys', 'line 3')")
    texts = notebook.page.locator(".p2pchat-text")
    await notebook.run_cell(0)
    await expect(texts).to_have_text(["line 1"], timeout=FIRST_WIDGET)
    await notebook.run_cell(1)
    await notebook.run_cell(2)
    await expect(texts).to_have_text(["line 1", "line 2", "line 3"])
