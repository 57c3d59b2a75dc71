"""Makes the pictures of the README: two strangers in conversation in a real JupyterLab, light and dark.

.venv/bin/python tools/screenshots.py [FOLDER]      (docs/images by default)
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, async_playwright, expect

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from real_jupyterlab import JupyterLab, Notebook, launch, meet  # noqa: E402

SERVERS = """\
from ipywidgets import HBox
from p2pchat import ChatPeer, ChatWidget, start_servers

servers = await start_servers()"""
CHATS = """\
ann, ben = (ChatWidget(ChatPeer(servers.matchmaking_url, servers.signaling_url, name=name)) for name in ("ann", "ben"))
HBox([ann, ben])"""

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SIZE = {"width": 1200, "height": 620}


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


async def main(folder: Path, place: Path) -> None:
    with JupyterLab(place) as lab:
        async with async_playwright() as playwright:
            browser = await launch(playwright)
            await take(browser, lab, folder)
            await browser.close()


if __name__ == "__main__":
    pictures = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(main(pictures, Path(place)))
    for picture in sorted(pictures.glob("chat-*.png")):
        print(f"{picture}: {picture.stat().st_size // 1024} kB")
