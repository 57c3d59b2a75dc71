"""What is in the built site, and what is not."""

import gzip
import hashlib
import json
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import brotli
import pytest

ROOT = Path(__file__).parents[2]
OURS = ("index.html", "docs/glossary.html", "lab/index.html", "tree/index.html", "chat/index.html")
TEXTS = {".css", ".html", ".js", ".json", ".mjs"}
CDN = re.compile(
    r"jsdelivr\.net|unpkg\.com|cdnjs\.|esm\.sh|skypack|googleapis\.com|gstatic\.com|bootstrapcdn|pypi\.org/"
)


class Links(HTMLParser):
    """The addresses that a page names, and the names that can be linked to in it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.named: list[str] = []
        self.anchors: set[str] = set()
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.named.append(value)
            if name == "id" and value:
                self.anchors.add(value)
            if name == "http-equiv" and value == "refresh":
                self.named.append(dict(attributes)["content"].partition("url=")[2])


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def addresses(page: Path) -> list[str]:
    """What a page or style sheet names, without what is in the address itself."""
    in_style = re.compile(r"""url\(\s*["']?([^"')]+)""")
    named = Links(page).named if page.suffix == ".html" else in_style.findall(page.read_text())
    return [address for address in named if not address.startswith(("data:", "#"))]


def config(site: Path) -> dict:
    return json.loads((site / "jupyter-lite.json").read_text())["jupyter-config-data"]


def kernel(site: Path) -> dict:
    return config(site)["litePluginSettings"]["@jupyterlite/pyodide-kernel-extension:kernel"]


def lock_file(site: Path) -> Path:
    return site / kernel(site)["loadPyodideOptions"]["lockFileURL"]


def packages(site: Path) -> dict:
    return json.loads(lock_file(site).read_text())["packages"]


def modules(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture
def wheel(site: Path) -> Path:
    return lock_file(site).parent / packages(site)["p2pchat"]["file_name"]


# --- nothing from elsewhere, from any path ------------------------------------------------------------------------


def test_no_file_names_a_cdn(site: Path) -> None:
    naming = [path for path in site.rglob("*") if path.suffix in TEXTS and CDN.search(path.read_text())]
    assert [str(path.relative_to(site)) for path in naming] == []


def test_pages_load_nothing_from_another_host_and_nothing_from_the_root_of_this_one(site: Path) -> None:
    elsewhere = []
    for page in (*pages(site), *site.rglob("*.css")):
        elsewhere += [
            (page, address)
            for address in addresses(page)
            if address.startswith("/") or (urlsplit(address).scheme and page.suffix == ".css")
        ]
    for page in pages(site):
        loaded = re.findall(
            r"""<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=["'](https?:[^"']+)""", page.read_text()
        )
        elsewhere += [(page, address) for address in loaded]
    assert elsewhere == []


def test_the_configuration_names_no_root_and_no_host(site: Path) -> None:
    def strings(value: object) -> list[str]:
        if isinstance(value, dict):
            return [text for each in value.values() for text in strings(each)]
        if isinstance(value, list):
            return [text for each in value for text in strings(each)]
        return [value] if isinstance(value, str) else []

    mime = re.compile(r"[\w.+-]+/[\w.+-]+")
    wrong = [text for text in strings(config(site)) if text.startswith("/") or "://" in text]
    assert [text for text in wrong if not mime.fullmatch(text)] == []


def test_there_are_no_source_maps(site: Path) -> None:
    assert list(site.rglob("*.map")) == []


def test_no_app_is_there_but_the_notebook(site: Path) -> None:
    for app in ("consoles", "edit", "repl"):
        assert not (site / app).exists()
    for app in ("lab", "tree"):  # JupyterLite's menus lead there
        assert "refresh" in (site / app / "index.html").read_text()


# --- everything is there ------------------------------------------------------------------------------------------


def test_each_page_and_style_sheet_finds_what_it_names(site: Path) -> None:
    missing = []
    for page in (*pages(site), *site.rglob("*.css")):
        for address in addresses(page):
            parts = urlsplit(address)
            if parts.scheme or not parts.path:
                continue
            target = (page.parent / unquote(parts.path)).resolve()
            if not target.is_relative_to(site.resolve()) or not target.is_file():
                missing.append((str(page.relative_to(site)), address))
    assert missing == []


@pytest.mark.parametrize("name", OURS)
def test_links_to_lessons_and_terms_lead_somewhere(site: Path, name: str) -> None:
    page = site / name
    for address in addresses(page):
        parts = urlsplit(address)
        if path := parse_qs(parts.query).get("path"):
            assert (site / "files" / path[0]).is_file(), address
        if parts.fragment:
            target = (page.parent / parts.path).resolve() if parts.path else page
            assert parts.fragment in Links(target).anchors, address


def test_the_glossary_has_each_term_that_a_lesson_links_to(site: Path) -> None:
    anchors = Links(site / "docs/glossary.html").anchors
    lessons = "".join(path.read_text() for path in (ROOT / "notebooks").glob("*.ipynb"))
    wanted = set(re.findall(r"docs/glossary\.md#([\w-]+)", lessons))
    assert wanted
    assert wanted <= anchors


def test_the_first_page_lists_each_lesson(site: Path) -> None:
    links = Links(site / "index.html").named
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"notebooks/index.html?path={notebook.name}" in links


def test_the_lessons_are_the_files_of_the_repository_unchanged(site: Path) -> None:
    shipped = {path.name: path.read_bytes() for path in (site / "files").glob("*.ipynb")}
    assert shipped == {path.name: path.read_bytes() for path in (ROOT / "notebooks").glob("*.ipynb")}
    listed = json.loads((site / "api/contents/all.json").read_text())["content"]
    assert {entry["name"] for entry in listed} >= set(shipped)


def test_front_ends_of_widgets_are_there(site: Path) -> None:
    extensions = {extension["name"]: extension["load"] for extension in config(site)["federated_extensions"]}
    assert {"@jupyter-widgets/jupyterlab-manager", "anywidget", "@jupyterlite/pyodide-kernel-extension"} <= set(
        extensions
    )
    for name, load in extensions.items():
        assert (site / "extensions" / name / load).is_file()


# --- the kernel ---------------------------------------------------------------------------------------------------


def test_the_kernel_has_its_runtime_here(site: Path) -> None:
    runtime = (site / kernel(site)["pyodideUrl"]).parent
    for name in ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"):
        assert (runtime / name).stat().st_size > 10_000
    assert (runtime / "pyodide.asm.wasm").read_bytes() == (ROOT / "node_modules/pyodide/pyodide.asm.wasm").read_bytes()


def test_each_package_is_here_whole_with_all_that_it_depends_on(site: Path) -> None:
    described = packages(site)
    assert set(kernel(site)["loadPyodideOptions"]["packages"]) <= set(described)
    for package in described.values():
        content = (lock_file(site).parent / package["file_name"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == package["sha256"]
        assert package["sha256"][:8] in package["file_name"]
        assert set(package["depends"]) <= set(described)
    assert len(list(lock_file(site).parent.glob("*.whl"))) == len(described)


def test_no_package_is_here_that_is_neither_pinned_nor_of_this_tree(site: Path) -> None:
    pinned = re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements/pyodide.lock").read_text(), re.MULTILINE)
    of_the_kernel = {"ipykernel", "jedi", "piplite", "pyodide-kernel"}
    found = {(name, package["version"]) for name, package in packages(site).items() if name not in of_the_kernel}
    assert {entry for entry in found if entry[0] != "p2pchat"} == set(pinned)


def test_the_notebook_page_fetches_early_just_what_the_kernel_will_want(site: Path) -> None:
    page = (site / "notebooks/index.html").read_text()
    listed = json.loads(re.search(r'id="p2pchat-site-files"[^>]*>(.*?)</script>', page)[1])["files"]
    assert dict(listed) == {path: (site / path).stat().st_size for path, _ in listed}
    runtime = (site / kernel(site)["pyodideUrl"]).parent
    there = (*runtime.iterdir(), *lock_file(site).parent.iterdir())
    wanted = {path for path in there if path.suffix not in (".br", ".gz") and path.name != "pyodide-lock.json"}
    assert {site / path for path, _ in listed} == wanted


def test_our_wheel_holds_this_tree_with_its_scripts_and_styles_and_bytecode(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    sources = [path for path in (ROOT / "p2pchat").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {path.suffix for path in sources} >= {".py", ".js", ".css"}
    for path in sources:
        name = path.relative_to(ROOT).as_posix()
        assert packed[name] == path.read_bytes(), f"{name} is not as it is in this tree: run `make site`"
    assert "p2pchat/__pycache__/core.cpython-314.pyc" in packed


def test_other_packages_have_no_tests_and_no_front_ends(site: Path) -> None:
    for package in packages(site).values():
        names = modules(lock_file(site).parent / package["file_name"])
        assert [name for name in names if "/tests/" in name or ".data/" in name] == []


def test_what_each_start_loads_is_bytecode_and_the_rest_is_source(site: Path) -> None:
    runtime = (site / kernel(site)["pyodideUrl"]).parent
    ipython = lock_file(site).parent / packages(site)["ipython"]["file_name"]
    for archive, module, seldom in (
        (ipython, "IPython/core/interactiveshell.py", "IPython/terminal/embed.py"),
        (runtime / "python_stdlib.zip", "asyncio/base_events.py", "wsgiref/simple_server.py"),
    ):
        names = modules(archive)
        assert {f"{module}c", seldom} <= names
        assert not {module, f"{seldom}c"} & names


# --- compressed ---------------------------------------------------------------------------------------------------


def test_what_profits_is_there_compressed_too_and_says_the_same(site: Path) -> None:
    for path in site.rglob("*"):
        if path.suffix == ".br":
            assert brotli.decompress(path.read_bytes()) == path.with_suffix("").read_bytes()
        elif path.suffix == ".gz":
            assert gzip.decompress(path.read_bytes()) == path.with_suffix("").read_bytes()
        elif path.suffix in {*TEXTS, ".wasm", ".ipynb"} and path.stat().st_size > 2000:
            assert path.with_name(f"{path.name}.br").is_file(), path
            assert path.with_name(f"{path.name}.gz").is_file(), path
