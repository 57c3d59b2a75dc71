"""Each change to a file of another project fails where it finds nothing to change, and says what is to be done."""

import json
import zipfile
from pathlib import Path

import pytest

from jupyterlite import build, changing, chat_page, kernel_packages
from jupyterlite.pages import Pages

REMEDY = "bring jupyterlite/ up to date with it, or pin the former version"


def a_wheel(folder: Path, **files: bytes) -> Path:
    wheel = folder / "pyodide_kernel-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"pyodide_kernel/{name}.py", content)
    return wheel


def a_runtime(site: Path, script: str) -> Path:
    runtime = site / "static" / "pyodide-1"
    runtime.mkdir(parents=True)
    (runtime / "pyodide.mjs").write_text(script)
    return runtime


class TestReplacing:
    def test_replaces_each(self) -> None:
        assert changing.replaced("a b a", "a", "c", part="x") == "c b c"
        assert changing.replaced(b"a b a", b"a", b"c", part="x") == b"c b c"

    @pytest.mark.parametrize(("text", "old"), [("b", "a"), (b"b", b"a"), ("", "a")])
    def test_names_the_part_and_what_it_lacks_and_the_remedy(self, text: str, old: str) -> None:
        with pytest.raises(SystemExit, match=f"^some.js does not have 'a', which the site replaces.*{REMEDY}"):
            changing.replaced(text, old, old, part="some.js")


@pytest.mark.parametrize("found", [[], ["a", "b"]])
def test_one_is_neither_none_nor_two(found: list[str]) -> None:
    assert changing.one(iter(["a"]), part="x", what="a wheel") == "a"
    with pytest.raises(SystemExit, match=f"^x does not have a wheel just once, but {len(found)} times.*{REMEDY}"):
        changing.one(found, part="x", what="a wheel")


def test_what_is_left_out_was_there(tmp_path: Path) -> None:
    (tmp_path / "a.js").touch()
    changing.remove(tmp_path, "*.js")
    assert not (tmp_path / "a.js").exists()
    with pytest.raises(SystemExit, match=rf"does not have \*\.js, which the site leaves out.*{REMEDY}"):
        changing.remove(tmp_path, "*.js")


class TestJedi:
    def test_is_switched_off_in_the_kernel_and_nothing_else_is_changed(self, tmp_path: Path) -> None:
        wheel = a_wheel(tmp_path, interpreter=b"x\nself.Completer.use_jedi = True\ny", kernel=b"use_jedi = True")
        kernel_packages.switch_jedi_off(wheel)
        with zipfile.ZipFile(wheel) as archive:
            assert archive.read("pyodide_kernel/interpreter.py") == b"x\nself.Completer.use_jedi = False\ny"
            assert archive.read("pyodide_kernel/kernel.py") == b"use_jedi = True"

    def test_cannot_be_switched_off_in_a_kernel_that_words_it_differently(self, tmp_path: Path) -> None:
        wheel = a_wheel(tmp_path, interpreter=b"self.Completer.use_jedi=True")
        with pytest.raises(SystemExit, match=r"^pyodide_kernel/interpreter\.py does not have 'self\.Completer"):
            kernel_packages.switch_jedi_off(wheel)

    def test_cannot_be_switched_off_in_a_kernel_that_has_it_elsewhere(self, tmp_path: Path) -> None:
        wheel = a_wheel(tmp_path, kernel=b"self.Completer.use_jedi = True")
        with pytest.raises(SystemExit, match=r"does not have pyodide_kernel/interpreter\.py"):
            kernel_packages.switch_jedi_off(wheel)


class TestTheOtherHost:
    def test_is_named_nowhere_any_more(self, tmp_path: Path) -> None:
        runtime = a_runtime(tmp_path, f"fetch('{build.ELSEWHERE}/x')")
        (tmp_path / "a.json").write_text(json.dumps([build.ELSEWHERE]))
        build.cut_off(tmp_path, runtime)
        assert (runtime / "pyodide.mjs").read_text() == f"fetch('{build.NOWHERE}/x')"
        assert json.loads((tmp_path / "a.json").read_text()) == [build.NOWHERE]

    def test_was_named_by_the_runtime(self, tmp_path: Path) -> None:
        runtime = a_runtime(tmp_path, "fetch('https://another-host.example/x')")
        with pytest.raises(SystemExit, match=r"^pyodide\.mjs does not have 'https://"):
            build.cut_off(tmp_path, runtime)


def test_the_settings_of_the_kernel_are_where_they_are_sought(tmp_path: Path) -> None:
    (tmp_path / "jupyter-lite.json").write_text('{"jupyter-config-data": {}}')
    with pytest.raises(SystemExit, match=r"^jupyter-lite\.json does not have the key 'litePluginSettings'"):
        build.configure(tmp_path, tmp_path / "static", tmp_path / "lock.json")


def test_a_page_of_jupyterlite_has_a_head(tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/index.html").write_text("<body></body>")
    with pytest.raises(SystemExit, match=r"^notebooks/index\.html does not have '</head>'"):
        Pages(tmp_path, build.ROOT, []).write()


@pytest.mark.parametrize("lacking", ["index.html", "chat.js"])
@pytest.mark.parametrize("name", ["static/pyodide/", "python.zip"])
def test_the_page_of_the_chat_names_what_gets_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str, name: str
) -> None:
    page = tmp_path / "page"
    page.mkdir()
    for file in ("index.html", "chat.js"):
        (page / file).write_text("static/pyodide/ python.zip".replace(name if file == lacking else "nothing", ""))
    packages = tmp_path / "site/static/packages"
    packages.mkdir(parents=True)
    for package in chat_page.PACKAGES:
        zipfile.ZipFile(packages / f"{package}-1.whl", "w").close()
    monkeypatch.setattr(chat_page, "CHAT", page)
    with pytest.raises(SystemExit, match=f"^chat/{lacking} does not have '{name}'"):
        chat_page.write(tmp_path / "site", build.ROOT, tmp_path / "pyodide-1")
