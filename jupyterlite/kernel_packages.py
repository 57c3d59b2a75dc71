"""What the kernel finds installed: Pyodide, its standard library and wheels, trimmed and compiled, and their lock file.

Pyodide loads a wheel when its lock file (pyodide-lock.json) says where it is, and fetches those it is told at the start
all at once, while it starts itself. Nothing is resolved in the browser, and no index is asked.
"""

import hashlib
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterable
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from jupyterlite.changing import missing, one, replaced

HERE = Path(__file__).parent
RUNTIME = ("pyodide.asm.mjs", "pyodide.asm.wasm", "pyodide.mjs")  # what a browser loads of the npm package
STANDARD_LIBRARY = "python_stdlib.zip"

# The kernel wants these before it is ready, and asks an index for those that are missing.
KERNEL = ("comm", "ipykernel", "ipython", "jedi", "micropip", "piplite", "pyodide-kernel")
# The lessons' first cell wants these: fetched with the others, they are there when it runs.
LESSONS = ("anywidget", "ipywidgets", "p2pchat", "pyee")

# The languages that IPython and the lessons colour. Pygments knows 500 more, which are most of its size.
LEXERS = "css|data|html|javascript|jvm|lilypond|lisp|markup|perl|python|ruby|shell|special"
LEXERS += "|__init__|_mapping|_(css|lilypond|scheme)_builtins"

# ipython completes names itself where there is no jedi, which is as large as all other packages together; but the
# kernel switches jedi on unasked.
SWITCHES_JEDI_ON = "pyodide_kernel/interpreter.py"
JEDI_ON = b"self.Completer.use_jedi = True"
JEDI_OFF = JEDI_ON.replace(b"True", b"False")


def write(runtime: Path, wheels: Iterable[Path], work: Path, out: Path) -> tuple[Path, Path]:
    """Write all that Pyodide needs below ``out``.

    Args:
        runtime: the npm package pyodide, unpacked.
        wheels: the kernel's packages and ours.
        work: a folder to work in; what is in it is removed.
    Returns: the folder of the runtime and the lock file.
    """
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    shutil.copy(runtime / STANDARD_LIBRARY, work)
    for wheel in wheels:
        trim(wheel, work / wheel.name)
    switch_jedi_off(one(work.glob("pyodide_kernel-*.whl"), part="its kernel", what="a wheel pyodide_kernel"))
    write_empty_wheel(work, "jedi")
    subprocess.run(["node", HERE / "compile_archives.mjs", runtime, work], check=True)
    folder = write_runtime(runtime, work / STANDARD_LIBRARY, out)
    return folder, write_lock(runtime, sorted(work.glob("*.whl")), out / "packages")


def trim(wheel: Path, target: Path) -> None:
    """Copy a wheel without what no kernel reads: tests, types, front ends (they are extensions of the site)."""
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            if is_of_use(name):
                copy.writestr(name, source.read(name))


def switch_jedi_off(kernel: Path) -> None:
    """Change the one line of the kernel that asks for jedi."""
    with zipfile.ZipFile(kernel) as wheel:
        files = {name: wheel.read(name) for name in wheel.namelist()}
    if SWITCHES_JEDI_ON not in files:
        raise missing(kernel.name, SWITCHES_JEDI_ON)
    files[SWITCHES_JEDI_ON] = replaced(files[SWITCHES_JEDI_ON], JEDI_ON, JEDI_OFF, part=SWITCHES_JEDI_ON)
    with zipfile.ZipFile(kernel, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)


def is_of_use(name: str) -> bool:
    folders = name.split("/")[:-1]
    if any(folder == "tests" or folder.endswith(".data") for folder in folders):
        return False
    if lexer := re.fullmatch(r"pygments/lexers/(\w+)\.py", name):
        return re.fullmatch(LEXERS, lexer[1]) is not None
    if any(folder.endswith(".dist-info") for folder in folders):
        return name.endswith(("/METADATA", "/entry_points.txt"))
    return not name.endswith(("/", ".pyi", "/RECORD"))


def write_empty_wheel(folder: Path, name: str) -> None:
    """A package of nothing, for one that is asked for by its name and not used."""
    with zipfile.ZipFile(folder / f"{name}-0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}-0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 0\n")


def write_runtime(runtime: Path, standard_library: Path, out: Path) -> Path:
    """Copy the runtime to a folder named by its version and content, so that browsers may keep it for good."""
    version = json.loads((runtime / "package.json").read_text())["version"]
    files = [*(runtime / name for name in RUNTIME), standard_library]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    folder = out / f"pyodide-{version}-{digest[:8]}"
    folder.mkdir(parents=True)
    for file in files:
        shutil.copyfile(file, folder / file.name)
    (folder / "pyodide-lock.json").write_text(lock_of(runtime, {}))  # for a page that loads no packages
    return folder


def write_lock(runtime: Path, wheels: list[Path], out: Path) -> Path:
    """Copy the wheels, each named by its content too, and write the lock file that lists them."""
    out.mkdir(parents=True)
    described = {}
    for wheel in wheels:
        package = describe(wheel)
        shutil.copyfile(wheel, out / package["file_name"])
        described[package["name"]] = package
    for package in described.values():
        package["depends"] = [name for name in package["depends"] if name in described]
    text = lock_of(runtime, described)
    path = out / f"pyodide-lock-{hashlib.sha256(text.encode()).hexdigest()[:8]}.json"
    path.write_text(text)
    return path


def lock_of(runtime: Path, packages: dict[str, dict[str, Any]]) -> str:
    """A lock file for this runtime with these packages, in place of the hundreds that Pyodide's own one lists."""
    lock = json.loads((runtime / "pyodide-lock.json").read_text())
    return json.dumps({**lock, "packages": packages}, indent=1, sort_keys=True)


def describe(wheel: Path) -> dict[str, Any]:
    """A wheel as a lock file of Pyodide lists it."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = HeaderParser().parsestr(
            archive.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()
        )
    content = hashlib.sha256(wheel.read_bytes()).hexdigest()
    name, version, rest = wheel.name.split("-", 2)
    wanted = (Requirement(line) for line in metadata.get_all("Requires-Dist", []))
    modules = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    return {
        "name": canonicalize_name(metadata["Name"]),
        "version": metadata["Version"],
        "file_name": f"{name}-{version}-0{content[:8]}-{rest}",  # a build tag (PEP 427) begins with a digit
        "sha256": content,
        "install_dir": "site",
        "package_type": "package",
        "imports": sorted(module.removesuffix(".py").removesuffix(".pyc") for module in modules),
        "depends": sorted({canonicalize_name(each.name) for each in wanted if is_wanted(each)}),
        "unvendored_tests": False,
    }


def is_wanted(requirement: Requirement) -> bool:
    environment = {"sys_platform": "emscripten", "python_version": "3.14", "python_full_version": "3.14.2", "extra": ""}
    return requirement.marker is None or requirement.marker.evaluate(environment)
