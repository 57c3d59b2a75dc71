"""Compile modules in the archives of /archives, in place; runs in Pyodide, see compile_archives.mjs.

A kernel that starts finds no bytecode of an earlier start, and would compile each module anew, each time. So those that
every start or a lesson's first error loads are left here as bytecode, without their source. All others stay source,
which is smaller. Ours are both, to be read.
"""

import importlib
import os
import shutil
import sys
import zipfile
from importlib.util import MAGIC_NUMBER, cache_from_source
from marshal import dumps
from pathlib import Path

ARCHIVES = sorted(Path("/archives").iterdir())
STARTED = ("pyodide_kernel", "piplite.piplite", "ipywidgets", "anywidget", "pyee.asyncio")
IN_AN_ERROR = ("IPython.core.ultratb", "pygments.lexers.python", "pygments.formatters.terminal256")

SITE_PACKAGES = "/lib/python3.14/site-packages"
STANDARD_LIBRARY = "/lib/python314.zip"  # it stays an archive there, and its modules are read out of it
UNCHECKED_HASH = (0b01).to_bytes(4, "little") + bytes(8)  # PEP 552: believed without a look at the source
EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's; the same files give the same archive, whenever it is built


def loaded_at_start() -> set[str]:
    """The files of the modules that a kernel loads, as they are named in their archives."""
    for path in ARCHIVES:
        if path.suffix == ".whl":
            shutil.unpack_archive(path, SITE_PACKAGES, "zip")
    for name in (*STARTED, *IN_AN_ERROR):
        importlib.import_module(name)
    places = [name.replace(".", "/") for name in sys.modules]
    return {f"{place}{ending}" for place in places for ending in (".py", "/__init__.py")}


def bytecode(path: str, source: bytes) -> bytes:
    code = compile(source, path, "exec", dont_inherit=True)
    return MAGIC_NUMBER + UNCHECKED_HASH + dumps(code)


def compiled(place: str, name: str, content: bytes, loaded: set[str]) -> dict[str, bytes]:
    """The files that stand for one file of an archive."""
    if name.startswith("p2pchat/") and name.endswith(".py"):
        return {name: content, cache_from_source(name): bytecode(f"{place}/{name}", content)}
    if name in loaded:
        return {f"{name}c": bytecode(f"{place}/{name}", content)}
    return {name: content}


def compile_archive(path: Path, loaded: set[str]) -> None:
    place = SITE_PACKAGES if path.suffix == ".whl" else STANDARD_LIBRARY
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    packed = path.with_suffix(".new")
    with zipfile.ZipFile(packed, "w") as archive:
        for name in sorted(files):
            for new_name, content in compiled(place, name, files[name], loaded).items():
                archive.writestr(zipfile.ZipInfo(new_name, EPOCH), content, zipfile.ZIP_DEFLATED, compresslevel=9)
    os.replace(packed, path)


loaded = loaded_at_start()
for path in ARCHIVES:
    compile_archive(path, loaded)
