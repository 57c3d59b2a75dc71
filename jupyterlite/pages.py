"""The pages around the lessons: their list, the glossary, and what is added to JupyterLite's page."""

import json
import re
import shutil
from html import escape
from pathlib import Path
from urllib.parse import quote

import mistune

from jupyterlite.changing import replaced

HERE = Path(__file__).parent
PAGES = HERE / "pages"
SHARED = ("fetch_early.js", "loading.js", "loading.css", "style.css")


class Pages:
    """Writes the pages into a site.

    Args:
        site: its folder, with JupyterLite in it.
        root: this repository.
        early: what a page fetches before the kernel asks for it.
    """

    def __init__(self, site: Path, root: Path, early: list[Path]) -> None:
        self._site = site
        self._root = root
        self._early = [[file.relative_to(site).as_posix(), file.stat().st_size] for file in early]

    def write(self) -> None:
        for name in SHARED:
            shutil.copy(PAGES / name, self._site)
        self._fill("index.html", "index.html", lessons=self._lessons(), files=self._files("."))
        self._fill("glossary.html", "docs/glossary.html", glossary=self._glossary())
        for app in ("lab", "tree"):  # JupyterLite's menus lead there; the list of lessons stands for both
            self._fill("lessons.html", f"{app}/index.html")
        self._add_to_notebook_page()

    def _fill(self, page: str, target: str, **parts: str) -> None:
        """Write a page, with a part in place of each comment that names one."""
        text = (PAGES / page).read_text()
        for name, part in parts.items():
            text = replaced(text, f"<!-- {name} -->", part, part=page)
        path = self._site / target
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def _files(self, root: str) -> str:
        """The list that fetch_early.js reads."""
        files = json.dumps({"files": self._early})
        return f'<script id="p2pchat-site-files" type="application/json" data-root="{root}/">{files}</script>'

    def _lessons(self) -> str:
        notebooks = sorted((self._root / "notebooks").glob("*.ipynb"))
        return "\n      ".join(lesson(notebook) for notebook in notebooks)

    def _glossary(self) -> str:
        html = str(mistune.html((self._root / "docs/glossary.md").read_text()))
        html = re.sub(r"<(h\d)>(.*?)</\1>", with_anchor, html)
        return re.sub(r'href="\.\./notebooks/([^"]+)"', lambda link: f'href="../{notebook_url(link[1])}"', html)

    def _add_to_notebook_page(self) -> None:
        path = self._site / "notebooks/index.html"
        added = (
            '<link rel="icon" href="data:,">',
            '<link rel="stylesheet" href="../loading.css">',
            self._files(".."),
            '<script type="module" src="../loading.js"></script>',
        )
        head = "\n".join((*added, "</head>"))
        path.write_text(replaced(path.read_text(), "</head>", head, part="notebooks/index.html"))


def lesson(notebook: Path) -> str:
    """An entry of the list of lessons, of what the first cell says."""
    first = "".join(json.loads(notebook.read_text())["cells"][0]["source"])
    title, goal, minutes = (
        found_in(first, pattern)
        for pattern in (r"^# (.+)$", r"\*\*Afterwards you can\*\* (.+)$", r"\*\*Minutes:\*\* (\d+)")
    )
    link = f'<a href="{notebook_url(notebook.name)}">{escape(title)}</a>'
    goal = str(mistune.html(f"Afterwards you can {goal}")).strip()
    return f'<li>{link} <span class="minutes">{minutes} minutes</span>{goal}</li>'


def found_in(first_cell: str, pattern: str) -> str:
    found = re.search(pattern, first_cell, re.MULTILINE)
    if found is None:
        raise SystemExit(f"A lesson begins without {pattern!r}:\n{first_cell[:200]}")
    return found[1]


def notebook_url(name: str) -> str:
    return f"notebooks/index.html?path={quote(name)}"


def with_anchor(heading: re.Match[str]) -> str:
    """A heading that can be linked to, as GitHub and JupyterLab name them."""
    tag, words = heading.groups()
    anchor = re.sub(r"[^\w -]", "", re.sub(r"<.*?>", "", words)).lower().replace(" ", "-")
    return f'<{tag} id="{anchor}">{words}</{tag}>'
