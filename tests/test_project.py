"""The files around the package agree: lock, conda environment, Makefile, and what the documents say."""

import ast
import configparser
import json
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from jupyterlite_pyodide_kernel.constants import PYODIDE_VERSION
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
NPM = json.loads((ROOT / "package.json").read_text())
NPM_LOCK = json.loads((ROOT / "package-lock.json").read_text())
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


# Folder, and the extras of pyproject.toml whose packages its modules may import beside the package's own.
IMPORTED_FROM = {
    "p2pchat": ("fast",),
    "jupyterlite": ("site",),
    "benchmarks": ("fast", "test"),
    "tools": ("test",),
    "tests": ("fast", "site", "test"),
}
IN_THE_BROWSER = {"js", "pyodide", "pyodide_js"}  # Pyodide's own


def imported(folder: Path) -> set[str]:
    """The top-level modules that the Python files in a folder import, without those that lie in this repository."""
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    return {name.partition(".")[0] for name in names} - IMPORTED_FROM.keys() - IN_THE_BROWSER - sys.stdlib_module_names


@pytest.mark.parametrize("folder", IMPORTED_FROM)
def test_what_is_imported_is_declared(folder: str) -> None:
    declared = {canonicalize_name(requirement.name) for requirement in direct(*IMPORTED_FROM[folder])}
    distributions = packages_distributions()
    for module in imported(ROOT / folder):
        packages = {canonicalize_name(name) for name in distributions.get(module, [module])}
        assert packages & declared, f"{folder}/ imports {module} ({', '.join(packages)}), which pyproject.toml omits"


class TestTheLockOfNpm:
    def test_names_versions_and_digests_and_no_place_to_download_from(self) -> None:
        for path, package in NPM_LOCK["packages"].items():
            if path:
                assert re.fullmatch(r"sha512-[\w+/]{86}==", package["integrity"]), path
            assert package.keys().isdisjoint({"resolved", "link"}), path
        without_funding = re.sub(r'"funding": \{[^}]*\}', "", (ROOT / "package-lock.json").read_text())
        assert "://" not in without_funding
        assert "omit-lockfile-registry-resolved=true" in (ROOT / ".npmrc").read_text().splitlines()

    def test_is_of_just_what_is_asked_for(self) -> None:
        wanted = NPM["dependencies"] | NPM["devDependencies"]
        assert {name: NPM_LOCK["packages"][f"node_modules/{name}"]["version"] for name in wanted} == wanted

    def test_lists_the_packages_of_all_platforms(self) -> None:
        """npm, run where node_modules is there already, has been known to leave the others' out."""
        for package in NPM_LOCK["packages"].values():
            assert {f"node_modules/{name}" for name in package.get("optionalDependencies", {})} <= set(
                NPM_LOCK["packages"]
            )


def test_the_site_has_the_pyodide_that_its_kernel_is_made_for() -> None:
    assert NPM["dependencies"]["pyodide"] == PYODIDE_VERSION


def test_a_line_is_as_long_in_each_language() -> None:
    editorconfig = configparser.ConfigParser()
    editorconfig.read_string("[top]\n" + (ROOT / ".editorconfig").read_text())
    lengths = {
        "ruff": PYPROJECT["tool"]["ruff"]["line-length"],
        "biome": json.loads((ROOT / "biome.json").read_text())["formatter"]["lineWidth"],
        "editors": int(editorconfig["*"]["max_line_length"]),
    }
    assert set(lengths.values()) == {120}, lengths


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


def test_the_source_distribution_can_be_built_and_tested(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (sdist,) = tmp_path.glob("p2pchat-*.tar.gz")
    with tarfile.open(sdist) as archive:
        packed = {Path(*Path(name).parts[1:]).as_posix() for name in archive.getnames()}
    files = ("Makefile", "pyproject.toml", ".npmrc", "biome.json", "package.json", "package-lock.json", ".editorconfig")
    folders = ("p2pchat", "notebooks", "tests", "docs", "jupyterlite", "tools", "benchmarks", "requirements")
    inside = (path.relative_to(ROOT) for name in folders for path in (ROOT / name).rglob("*") if path.is_file())
    left_out = {"__pycache__", ".ipynb_checkpoints"}
    wanted = {*files, *(path.as_posix() for path in inside if left_out.isdisjoint(path.parts))}
    assert wanted - packed == set()
    assert not [name for name in packed if name.startswith(("node_modules/", "build/", ".venv/"))]


PYTHON = [path for top in ("benchmarks", "jupyterlite", "tests", "tools") for path in (ROOT / top).rglob("*.py")]


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
