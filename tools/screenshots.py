"""Makes the pictures of the README: two strangers in conversation, in a real JupyterLab (light and dark), and in two
tabs of the site.

make site && .venv/bin/python -m tools.screenshots [FOLDER]      (docs/images by default)
"""

import asyncio
import base64
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, ViewportSize, async_playwright, expect

from p2pchat.servers import Servers, built_site
from tests.support.chromium import launch
from tests.support.jupyterlab import JupyterLab
from tests.support.notebook import Chat, Notebook, meet

ROOT = Path(__file__).parents[1]

SERVERS = """\
from ipywidgets import HBox
from p2pchat import ChatPeer, ChatWidget, start_servers

servers = await start_servers()"""
CHATS = """\
ann, ben = (ChatWidget(ChatPeer(servers.matchmaking_url, servers.signaling_url, name=name)) for name in ("ann", "ben"))
HBox([ann, ben])"""

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SIZE: ViewportSize = {"width": 1200, "height": 620}


async def converse(notebook: Notebook) -> None:
    """A conversation that ends with Ben writing his next line."""
    ann, ben = notebook.chat("ann"), notebook.chat("ben")
    await meet(ann, ben)
    await ann.say("hello, stranger")
    await ben.shows("Stranger", "hello, stranger")
    await ben.say("hello! Which of the three servers carries this?")
    await ann.shows("Stranger", "hello! Which of the three servers carries this?")
    await ann.say("None of them. They only made us meet: what we say goes straight from you to me.")
    await ben.shows("Stranger", "None of them. They only made us meet: what we say goes straight from you to me.")
    await expect(ann.log.get_by_label("delivered")).to_have_count(2)
    await ben.box.press_sequentially("so if I stop them now")
    await expect(ann.widget.get_by_text("The stranger is typing …")).to_be_visible()


async def take(browser: Browser, lab: JupyterLab, folder: Path) -> None:
    cells = SERVERS, CHATS
    page = await browser.new_page(viewport=SIZE)
    notebook = Notebook(page)
    await notebook.open(lab, lab.write_notebook("chat", *cells))
    await notebook.run()
    await converse(notebook)
    for name, theme in THEMES.items():
        await page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        await expect(page.locator("body")).to_have_attribute("data-jp-theme-light", str(name == "light").lower())
        await notebook.chat("ben").box.press_sequentially(" ")
        await page.locator(".jp-WindowedPanel-outer").evaluate("cells => cells.scrollTop = 0")
        await expect(notebook.chat("ann").widget.get_by_text("The stranger is typing …")).to_be_visible()
        await page.screenshot(path=folder / f"chat-{name}.png", animations="disabled")


async def take_two_tabs(browser: Browser, folder: Path) -> None:
    """Lesson 00 in one tab and /chat/ in the other, with no server but the one that hands out the site."""
    async with Servers(site=built_site(), matchmaking_port=None, signaling_port=None) as servers:
        context = await browser.new_context(viewport={"width": 700, "height": 640})
        notebook = Notebook(await context.new_page())
        await notebook.page.goto(f"{servers.static_url}notebooks/index.html?path=00_start_here.ipynb")
        await notebook.ready()
        for number in range(2):
            await notebook.run_code_cell(number)
        page = await context.new_page()
        await page.goto(f"{servers.static_url}chat/")
        ada, stranger = notebook.chat("Ada"), Chat(page.get_by_role("group", name="Chat", exact=True))
        await meet(ada, stranger)
        await stranger.say("hello! Which server carries this?")
        await ada.shows("Stranger", "hello! Which server carries this?")
        await ada.say("None. There is not even one: your tab and mine made us meet.")
        await stranger.shows("Stranger", "None. There is not even one: your tab and mine made us meet.")
        await expect(ada.log.get_by_label("delivered")).to_have_count(1)
        await ada.widget.scroll_into_view_if_needed()
        pictures = [base64.b64encode(await tab.screenshot(animations="disabled")) for tab in (notebook.page, page)]
        both = await context.new_page()
        await both.set_viewport_size({"width": 1412, "height": 640})
        await both.set_content(
            '<body style="margin:0; display:flex; gap:12px; background:#888">'
            + "".join(f'<img src="data:image/png;base64,{picture.decode()}">' for picture in pictures)
        )
        await both.screenshot(path=folder / "two-tabs.png")
        await context.close()


async def main(folder: Path, place: Path) -> None:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        await take_two_tabs(browser, folder)
        with JupyterLab(place) as lab:
            await take(browser, lab, folder)
        await browser.close()


if __name__ == "__main__":
    pictures = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(main(pictures, Path(place)))
    for picture in sorted(pictures.glob("*.png")):
        print(f"{picture}: {picture.stat().st_size // 1024} kB")
