"""The site's reference: the same notebooks in JupyterLite as `jupyter lite build` makes it when nobody touches it.

Three things have to be added, or nothing would run: Pyodide as its npm package is, the wheels of the kernel and ours in
``pypi/``, and for each notebook a first cell that installs ours, as in any JupyterLite. Two settings say that packages
come from nowhere else, and that a test may drive the page.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
PYODIDE = ROOT / "node_modules" / "pyodide"
WHEELS = ROOT / "build" / "wheels"
# Wheels that our site has no use for and the untouched kernel asks for, or the packages that it installs.
ALSO = ("jedi", "jupyterlab-widgets", "parso", "prompt-toolkit", "wcwidth", "widgetsnbextension")
INSTALL = "%pip install -q p2pchat"
SETTINGS = {
    "jupyter-lite-schema-version": 0,
    "jupyter-config-data": {
        "exposeAppInBrowser": True,
        "litePluginSettings": {"@jupyterlite/pyodide-kernel-extension:kernel": {"disablePyPIFallback": True}},
    },
}


def build(folder: Path) -> Path:
    """Build it in ``folder``, an empty one. Returns: the folder of the site."""
    lite, site = folder / "lite", folder / "site"
    _copy_notebooks(lite / "files")
    _copy_wheels(lite / "pypi", folder)
    _copy_runtime(lite / "static" / "pyodide")
    (lite / "jupyter-lite.json").write_text(json.dumps(SETTINGS))
    _run("jupyterlite_core", "build", "--lite-dir", lite, "--output-dir", site, "--no-libarchive", folder=lite)
    return site


def _copy_notebooks(target: Path) -> None:
    target.mkdir(parents=True)
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        notebook.cells.insert(0, nbformat.v4.new_code_cell(INSTALL))
        nbformat.write(notebook, target / path.name)


def _copy_wheels(target: Path, folder: Path) -> None:
    shutil.copytree(WHEELS, target, ignore=shutil.ignore_patterns(".*"))
    _run("hatchling", "build", "-t", "wheel", "-d", target, folder=ROOT)
    locked = (ROOT / "requirements.lock").read_text()
    wanted = folder / "also.lock"
    wanted.write_text("".join(f"{_pinned(name, locked)}\n" for name in ALSO))
    any_python = ("--only-binary", ":all:", "--implementation", "py", "--abi", "none", "--platform", "any")
    options = ("--no-input", "--no-deps", "--require-hashes", *any_python, "--dest", target, "-r", wanted)
    _run("pip", "download", *options, folder=folder)


def _pinned(name: str, locked: str) -> str:
    """What the lock file says of a package: its version and its hashes."""
    found = re.search(rf"^{name}==(?:.*\\\n)*.*", locked, re.MULTILINE)
    assert found is not None, f"{name} is not in requirements.lock"
    return found[0]


def _copy_runtime(target: Path) -> None:
    """The npm package, whose lock file lists hundreds of packages that are not in it, with micropip: the kernel's."""
    shutil.copytree(PYODIDE, target, ignore=shutil.ignore_patterns(".*"))
    (micropip,) = WHEELS.glob("micropip-*.whl")
    shutil.copy(micropip, target)
    path = target / "pyodide-lock.json"
    lock = json.loads(path.read_text())
    package = lock["packages"]["micropip"] | {"version": micropip.name.split("-")[1], "file_name": micropip.name}
    package["sha256"] = hashlib.sha256(micropip.read_bytes()).hexdigest()
    path.write_text(json.dumps(lock | {"packages": {"micropip": package}}))


def _run(module: str, *arguments: str | Path, folder: Path) -> None:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout}\n{module} failed.")
