"""The files around the package agree: lock, conda environment, Makefile, and what the documents say."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = [ROOT / "requirements.lock", *sorted((ROOT / "requirements").glob("*.lock"))]


def requirements(lock: Path) -> list[str]:
    """The entries of a lock file, each with its hashes, without comments."""
    lines = [line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#")]
    return [entry for entry in "\n".join(lines).replace("\\\n", " ").splitlines() if entry.strip()]


def pins(entries: list[str]) -> dict[str, set[str]]:
    """Each package's versions; several where they differ from one Python to another."""
    versions: dict[str, set[str]] = {}
    for entry in entries:
        name, version = re.match(r"\s*([\w.-]+)==([\w.]+)", entry).groups()
        versions.setdefault(canonicalize_name(name), set()).add(version)
    return versions


def direct(*extras: str) -> list[Requirement]:
    groups = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] for extra in extras)]
    return [Requirement(line) for group in groups for line in group]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
class TestALock:
    def test_holds_names_versions_and_hashes_only(self, lock: Path) -> None:
        entry = re.compile(r"[\w.-]+==[\w.]+( ; [^\\]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
        assert requirements(lock)
        assert [line for line in requirements(lock) if not entry.fullmatch(line)] == []

    def test_names_no_place_to_download_from(self, lock: Path) -> None:
        assert not re.search(r"://|index|find-links|file:|/", lock.read_text())


def test_what_the_package_asks_for_is_pinned_to_a_version_it_accepts() -> None:
    pinned = pins(requirements(ROOT / "requirements.lock"))
    for requirement in direct("lab", "fast", "site", "test"):
        versions = pinned[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(version) for version in versions), requirement


def test_conda_gets_the_same_versions() -> None:
    text = (ROOT / "environment.yml").read_text()
    pinned = pins(requirements(ROOT / "requirements.lock"))
    conda = pins(re.findall(r"^ +- ([\w.-]+==.+)$", text, re.MULTILINE))
    wanted = [it for it in direct("lab") if it.marker is None or it.marker.evaluate({"sys_platform": "linux"})]
    assert conda == {requirement.name: pinned[requirement.name] for requirement in wanted}
    assert re.search(r"^ +- -e \.$", text, re.MULTILINE), "the package itself"


@pytest.mark.parametrize("document", sorted(ROOT.glob("*.md")), ids=lambda document: document.name)
def test_a_document_names_only_make_targets_that_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = re.findall(r"(?:^\s*\$? ?|`)make ([a-z]+)", document.read_text(), re.MULTILINE)
    assert set(commands) <= targets


def test_the_wheel_holds_the_whole_package(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (wheel,) = tmp_path.glob("p2pchat-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("p2pchat/")}
    sources = (path for path in (ROOT / "p2pchat").rglob("*") if path.is_file())
    assert packed == {str(p.relative_to(ROOT)) for p in sources if "__pycache__" not in p.parts}


PYTHON = [path for top in ("benchmarks", "tests", "tools") for path in (ROOT / top).rglob("*.py")]


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in PYTHON}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_nobody_edits_the_search_path_of_this_python() -> None:
    """What tests, benchmarks and tools share is imported by its full name, from the root of the repository."""
    shipped = {ROOT / "tests/support/in_a_browser.py", Path(__file__)}  # the first for a Python in a page
    assert [path for path in PYTHON if path not in shipped and "sys.path" in path.read_text()] == []


def test_what_helps_the_tests_is_in_support_and_holds_no_test() -> None:
    tests = {path for path in (ROOT / "tests").rglob("*.py") if path.name not in ("__init__.py", "conftest.py")}
    support = {path for path in tests if path.parent.name == "support"}
    assert [path for path in support if path.name.startswith("test_")] == []
    elsewhere = {path for path in tests - support if not path.name.startswith("test_")}
    assert elsewhere == {ROOT / "tests/webrtc/in_browsers_only.py"}, (
        "tests too: `test_in_chromium.py` makes items of them"
    )
