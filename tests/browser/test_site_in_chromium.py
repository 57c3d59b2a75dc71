"""The built site as a learner meets it: on a host with no servers, and beside real ones."""

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import nbformat
import pytest
from playwright.async_api import Locator, Page, Route, expect

from p2pchat import Servers
from tests.support.events import until
from tests.support.jupyterlab import ROOT
from tests.support.notebook import FIRST_WIDGET, PATIENCE, Chat, Notebook, meet
from tests.support.static_host import CONNECTIONS, NO_CONNECTION, SUB_PATH, StaticHost, Tabs, run_windows, talk

pytestmark = pytest.mark.asyncio(loop_scope="session")

LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
PICTURE = "Who sent what to whom"
SAYINGS = (
    "héllo, 世界 👋🏽 👩‍👩‍👧‍👦",
    "שלום, \u202eabc",  # right to left, and an override of the direction
    "Z̵̡a̸͢l̷͝g̶͠o e\u0301 \U00010348",
    "<b>bold?</b> & &amp; 'quotes' \\n",
)
# The tab that serves: who holds the lock of the matchmaking server.
HOST = """(name) => navigator.locks.query().then(({ held }) => held.find((lock) => lock.name === name)?.clientId)"""
LOCK = f"p2pchat {SUB_PATH} matchmaking"
ANOTHER_HOST = f"([name, before]) => ({HOST})(name).then((now) => now !== undefined && now !== before)"
EXECUTE = """async (code) => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  return (await kernel.requestExecute({ code }).done).content;
}"""
SCROLL_TO = """(number) => {
  const notebook = jupyterapp.shell.currentWidget.content;
  return notebook.scrollToItem((number + notebook.widgets.length) % notebook.widgets.length, "center");
}"""
# How far a text stands out from what is behind it (WCAG 2.2, "contrast ratio").
CONTRAST = """(node) => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => numbers(colour).slice(0, 3)
    .map((value) => value / 255)
    .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const canvas = matchMedia("(prefers-color-scheme: dark)").matches ? "rgb(18, 18, 18)" : "rgb(255, 255, 255)";
  let behind = canvas;
  for (let one = node; one; one = one.parentElement) {
    const colour = getComputedStyle(one).backgroundColor;
    if (numbers(colour)[3] !== 0) { behind = colour; break; }
  }
  const [a, b] = [light(getComputedStyle(node).color), light(behind)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""

OpenTabs = Callable[[str], Tabs]


async def type_to(speaker: Chat, listener: Chat) -> None:
    """Type without sending: the other one sees it."""
    await speaker.box.press_sequentially("abc")
    await expect(listener.widget.get_by_text("The stranger is typing …")).to_be_visible(timeout=PATIENCE)
    await speaker.box.fill("")


async def press_tab_until(page: Page, wanted: Locator, most: int = 80) -> int:
    """Go there by the keyboard. Returns: after how many presses."""
    for presses in range(most):
        if await wanted.evaluate("node => node === document.activeElement"):
            return presses
        await page.keyboard.press("Tab")
    raise AssertionError(f"not reached by pressing Tab {most} times: {wanted}")


def nothing_but_files(tabs: Tabs, host: StaticHost) -> None:
    """The tabs asked the host for files, Workers as well as pages, and had no WebSocket."""
    urls = {url.split("?")[0] for url in tabs.requests if not url.startswith(("blob:", "data:"))}
    assert [url for url in urls if not url.startswith(host.url)] == []
    seen_there = {path for path in host.asked if not path.endswith("/favicon.ico")}  # of which Playwright does not tell
    assert seen_there <= {url.removeprefix(host.origin) for url in urls}, "somebody asks whom we do not watch"
    assert f"{SUB_PATH}servers.json" in seen_there  # the Worker of a notebook asked for it, or Python in a page


# --- no servers ------------------------------------------------------------------------------------------------------


@pytest.mark.timeout(240)
async def test_strangers_meet_where_there_are_no_servers(tabs: Tabs, static_host: StaticHost) -> None:
    static_host.asked.clear()
    host = await tabs.open_windows()
    other = await tabs.open_windows()
    ada, bob = host.chat("Ada"), other.chat("Ada")
    await expect(ada.widget.get_by_text("strangers in this browser")).to_be_visible()

    await meet(ada, bob)
    await talk(ada, bob, *SAYINGS)
    await type_to(ada, bob)
    await type_to(bob, ada)

    await bob.leave.click()
    await ada.shows("Sys", "The stranger left.")
    await ada.is_in_state("closed")
    await meet(ada, bob)
    await ada.next.click()
    await bob.is_in_state("closed")
    await ada.is_in_state("waiting")
    await bob.start.click()
    await bob.is_in_state("open")
    await ada.is_in_state("open")
    await talk(ada, bob, "again")

    await other.page.reload()
    await ada.is_in_state("closed")
    await other.ready()
    await run_windows(other)
    await meet(ada, bob)
    await talk(ada, bob, "back again")
    nothing_but_files(tabs, static_host)


@pytest.mark.timeout(240)
async def test_the_tab_that_serves_may_be_closed_at_any_time(tabs: Tabs) -> None:
    host = await tabs.open_windows()
    ada = await tabs.open_windows()
    first = await ada.page.evaluate(HOST, LOCK)
    ben, cleo = await tabs.open_chat(), await tabs.open_chat()
    assert first is not None
    assert await cleo.page.evaluate(HOST, LOCK) == first

    # While one waits, and nobody comes: she waits on, and the next who comes meets her.
    await ada.chat("Ada").start.click()
    await ada.chat("Ada").is_in_state("waiting")
    await host.page.close()
    await ada.page.wait_for_function(ANOTHER_HOST, arg=[LOCK, first])
    await ben.chat.start.click()
    for chat in (ada.chat("Ada"), ben.chat):
        await chat.is_in_state("open")
    await expect(ada.chat("Ada").lines("Sys")).to_have_count(4)  # asked, matched, connecting, open: none said twice
    await talk(ada.chat("Ada"), ben.chat, "nobody was lost")

    # While two talk: they talk on, and find others afterwards.
    await ada.chat("Ada").leave.click()
    await ben.chat.is_in_state("closed")
    await meet(ben.chat, cleo.chat)
    second = await ben.page.evaluate(HOST, LOCK)
    await ada.page.close()
    await ben.page.wait_for_function(ANOTHER_HOST, arg=[LOCK, second])
    await talk(ben.chat, cleo.chat, "who needs a server?")
    await ben.chat.next.click()
    await cleo.chat.is_in_state("closed")
    await cleo.chat.start.click()
    for chat in (ben.chat, cleo.chat):
        await chat.is_in_state("open")
    await talk(ben.chat, cleo.chat, "a third one serves")


async def test_the_keyboard_is_enough_in_a_notebook(tabs: Tabs) -> None:
    notebook = await tabs.open_windows()
    page, ada, bob = notebook.page, notebook.chat("Ada"), notebook.chat("Bob")
    cells = "() => jupyterapp.shell.currentWidget.content.widgets.length"
    before = await page.evaluate(cells)
    for chat in (ada, bob):
        await press_tab_until(page, chat.start)
        await page.keyboard.press("Enter")
    for chat in (ada, bob):
        await chat.is_in_state("open")
    await press_tab_until(page, bob.box)
    await page.keyboard.type("dd said by keys")
    await page.keyboard.press("Enter")
    await ada.shows("Stranger", "dd said by keys")
    assert await page.evaluate(cells) == before, "a key went to the notebook"


@pytest.mark.parametrize("end", ["widget closed", "kernel restarted", "notebook closed", "kernel shut down"])
async def test_no_connection_outlives_its(tabs: Tabs, end: str) -> None:
    notebook, stranger = await tabs.open_windows(), await tabs.open_chat()
    await meet(notebook.chat("Ada"), stranger.chat)
    await talk(notebook.chat("Ada"), stranger.chat, "hello")
    assert await notebook.page.evaluate(CONNECTIONS, False) == 1
    match end:
        case "widget closed":  # the second cell's
            done = await notebook.page.evaluate(EXECUTE, "_2.close()")
            assert done["status"] == "ok", done
        case "kernel restarted":
            await notebook.restart_kernel()
        case "notebook closed":
            await notebook.page.evaluate("() => jupyterapp.shell.currentWidget.dispose()")
        case "kernel shut down":
            await notebook.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    await notebook.page.wait_for_function(NO_CONNECTION, timeout=PATIENCE)
    assert await notebook.page.evaluate(CONNECTIONS, True) >= 1
    await stranger.chat.is_in_state("closed")
    await stranger.page.wait_for_function(NO_CONNECTION, timeout=PATIENCE)


# --- the lessons -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LESSONS)
async def test_a_lesson_runs_from_its_link_to_its_last_cell(tabs: Tabs, static_host: StaticHost, name: str) -> None:
    static_host.asked.clear()
    page = await tabs.blank()
    await page.goto(tabs.url)
    notebook = Notebook(page)
    await page.locator(f'.lessons a[href$="{name}"]').click()
    progress = page.locator(".p2pchat-loading")
    await expect(progress.get_by_role("status")).to_have_text(re.compile("Loading|Opening|Starting"), timeout=PATIENCE)
    await notebook.ready()
    await expect(progress.get_by_role("status")).to_have_text("Python is ready.")
    await expect(progress).to_have_count(0)

    await notebook.run()
    cells = nbformat.read(ROOT / "notebooks" / name, as_version=4).cells
    ran = [json.loads(outputs or "[]") for outputs in (await notebook.outputs()).split("\n")]
    assert len(ran) == len(cells)
    for cell, outputs in zip(cells, ran, strict=True):
        assert [output for output in outputs if output["output_type"] == "error"] == []
        if cell.cell_type == "code" and "await check(" in cell.source:
            assert "Not yet" in json.dumps(outputs), "the check of an exercise that nobody has done"
    pictures = [number for number, cell in enumerate(cells) if re.search(r"^Ladder\(", cell.source, re.MULTILINE)]
    assert pictures
    for number in pictures:
        await page.evaluate(SCROLL_TO, number)
        picture = page.locator(f'.jp-Cell[data-windowed-list-index="{number}"]').get_by_role("img", name=PICTURE)
        await expect(picture).to_be_visible()
        assert await picture.locator("line").count() > 3
        box = await picture.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) > 100
    nothing_but_files(tabs, static_host)


async def test_a_term_opens_the_glossary_beside_the_lesson(tabs: Tabs) -> None:
    notebook = await tabs.open_lesson()
    last = (
        "() => { const cells = jupyterapp.shell.currentWidget.content; cells.scrollToItem(cells.widgets.length - 1); }"
    )
    await notebook.page.evaluate(last)
    async with notebook.page.context.expect_page() as opening:
        await notebook.page.get_by_role("link", name="signaling", exact=True).last.click()
    glossary = await opening.value
    tabs.pages.append(glossary)
    await expect(glossary).to_have_url(f"{tabs.url}docs/glossary.html#signaling")
    await expect(glossary.locator("#signaling")).to_be_in_viewport()
    assert not notebook.page.is_closed()
    assert LESSONS[0] in notebook.page.url


async def test_links_of_the_first_page_and_of_the_glossary_lead_somewhere(tabs: Tabs) -> None:
    page = await tabs.blank()
    await page.goto(tabs.url)
    links = await page.locator("a").evaluate_all("nodes => nodes.map((node) => node.getAttribute('href'))")
    lessons = [link.rpartition("=")[2] for link in links if "path=" in link]
    assert lessons == LESSONS
    for link in links:
        answer = await page.request.get(urljoin(tabs.url, link))
        assert answer.ok, link
    for name in lessons:
        assert (await page.request.get(f"{tabs.url}files/{name}")).ok

    await page.get_by_role("link", name="The glossary").click()
    await expect(page).to_have_url(f"{tabs.url}docs/glossary.html")
    hrefs = await page.locator("a").evaluate_all("nodes => nodes.map((node) => node.getAttribute('href'))")
    terms = {href for href in hrefs if href.startswith("#")}
    assert terms
    for term in terms:
        await expect(page.locator(term)).to_have_count(1)
    for href in {href.split("#")[0] for href in hrefs if "path=" in href}:
        assert href.rpartition("=")[2] in LESSONS
        assert (await page.request.get(urljoin(page.url, href))).ok, href


# --- the page /chat/ -------------------------------------------------------------------------------------------------


async def test_the_chat_page_on_a_phone(tabs: Tabs, static_host: StaticHost) -> None:
    static_host.asked.clear()
    page = await tabs.blank(width=390)
    await page.goto(f"{tabs.url}chat/", wait_until="commit")
    await expect(page.get_by_role("progressbar", name="Loading Python")).to_be_visible()
    await expect(page.get_by_role("button", name="START")).to_be_disabled()
    ada, ben = await tabs.open_chat(width=390), await tabs.open_chat()
    await expect(page.get_by_role("progressbar")).to_have_count(0, timeout=FIRST_WIDGET)

    for one in (ada, ben):
        await expect(
            one.page.get_by_role("status").filter(has_text="You meet strangers in this browser.")
        ).to_be_visible()
    lines = await ada.page.locator("#lines").text_content()
    found = re.fullmatch(r"This page is ([\d,]+) lines of Python, run by Pyodide in WebAssembly\.", lines or "")
    assert found is not None, lines
    assert int(found[1].replace(",", "")) > 1000
    lesson = ada.page.get_by_role("link", name="Lesson 00 shows how it works.")
    href = await lesson.get_attribute("href")
    assert urljoin(ada.page.url, href) == f"{tabs.url}notebooks/index.html?path={LESSONS[0]}"

    # The keyboard is enough, and what can be pressed comes in the order in which it stands there.
    await ada.page.keyboard.press("Tab")
    await expect(ada.chat.start).to_be_focused()
    await ada.page.keyboard.press("Enter")
    await ada.chat.is_in_state("waiting")
    await expect(ada.chat.leave).to_be_focused()  # START can be pressed no more: the place is not lost
    await ben.chat.start.click()
    for one in (ada, ben):
        await one.chat.is_in_state("open")
    for wanted in (ada.chat.log, ada.chat.box):
        await ada.page.keyboard.press("Tab")
        await expect(wanted).to_be_focused()
    await ada.page.keyboard.type("said by keys")
    await ada.page.keyboard.press("Enter")
    await ben.chat.shows("Stranger", "said by keys")
    await expect(ada.chat.box).to_be_focused()

    # The same that the notebooks have.
    await talk(ada.chat, ben.chat, *SAYINGS, "x" * 500)
    await type_to(ada.chat, ben.chat)
    await type_to(ben.chat, ada.chat)
    for chat in (ada.chat, ben.chat):
        await expect(chat.widget.get_by_role("status").filter(has_text="open")).to_have_count(1)
        await expect(chat.log).to_have_attribute("aria-label", "Chat")
    for part in (ada.page.locator("html"), ada.chat.widget, ada.chat.log, ada.chat.box):
        assert await part.evaluate("part => part.scrollWidth <= part.clientWidth"), "wider than the phone"
    await expect(ada.chat.box).to_be_in_viewport()
    await expect(ada.chat.next).to_be_in_viewport()
    for scheme in ("light", "dark"):
        await ada.page.emulate_media(color_scheme=scheme)
        for text in (ada.chat.lines("You"), ada.chat.lines("Stranger"), ada.chat.lines("Sys"), ada.page.locator("h1")):
            assert await text.last.evaluate(CONTRAST) >= 4.5, f"cannot be read when it is {scheme}: {text}"

    await ada.chat.next.click()
    await ben.chat.is_in_state("closed")
    await ben.chat.start.click()
    for one in (ada, ben):
        await one.chat.is_in_state("open")
    await ben.chat.leave.click()
    await ada.chat.shows("Sys", "The stranger left.")
    for one in (ada, ben):
        await one.page.wait_for_function(NO_CONNECTION, timeout=PATIENCE)
        assert await one.page.evaluate(CONNECTIONS, True) == 2
    nothing_but_files(tabs, static_host)


# --- beside real servers ---------------------------------------------------------------------------------------------


async def test_real_servers_that_stop_and_come_back(open_tabs: OpenTabs, site: Path, cores: dict[str, Any]) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(Servers(site=site))
        ports = {f"{name}_port": int(url.split(":")[2].split("/")[0]) for name, url in first.urls.items()}
        tabs = open_tabs(first.static_url)
        notebook, page = await tabs.open_windows(), await tabs.open_chat()
        ada, ben = notebook.chat("Ada"), page.chat
        where = f"strangers at 127.0.0.1:{ports['matchmaking_port']}"
        await expect(ada.widget.get_by_text(where)).to_be_visible()
        await expect(page.page.locator("#where")).to_have_text(f"You meet {where}.")
        await meet(ada, ben)
        await talk(ada, ben, "over real servers")
        await ada.leave.click()
        await ben.is_in_state("closed")
        assert [url for url in tabs.requests if url.startswith("ws:")] != []

        for waiting in (ada, ben):
            await waiting.start.click()
            await until(lambda: cores["matchmaking"].waiting == 1, "it is in the queue", timeout=60)
            await first.stop()
            await waiting.is_in_state("closed")
            for words in ("going away", "Is it running?"):
                await expect(waiting.lines("Sys").last).to_contain_text(words)
            await waiting.start.click()
            await expect(waiting.lines("Sys").last).to_contain_text("cannot be reached")
            await waiting.is_in_state("closed")
            first = await stack.enter_async_context(Servers(site=site, **ports))
        await meet(ada, ben)
        await talk(ada, ben, "they are back")

        await first.stop()
        await talk(ada, ben, "and they may go: who talks needs them no more")


async def test_what_is_written_before_python_runs_is_not_lost(tabs: Tabs) -> None:
    page = await tabs.blank()
    may_come = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_come.wait()
        await route.continue_()

    await page.route("**/python-*.zip", hold)
    await page.goto(f"{tabs.url}chat/", wait_until="commit")
    box = page.get_by_role("textbox")
    await box.press_sequentially("too early")
    await box.press("Enter")
    await expect(box).to_have_value("too early")
    may_come.set()
    await expect(page.get_by_role("button", name="START")).to_be_enabled(timeout=FIRST_WIDGET)
    await expect(box).to_have_value("too early")
