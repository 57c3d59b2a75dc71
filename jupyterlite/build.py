"""Build the site: the lessons in JupyterLite, with everything they need, as files that any static host can hand out.

`make site` runs this; it wants Pyodide in node_modules, and the kernel's wheels in build/wheels.
"""

import argparse
import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from jupyterlite import chat_page, kernel_packages
from jupyterlite.changing import missing, one, remove, replaced
from jupyterlite.compress import compress
from jupyterlite.pages import Pages

HERE = Path(__file__).parent
ROOT = HERE.parent
BUILD = ROOT / "build"
WORK = BUILD / "site.work"
PYODIDE = ROOT / "node_modules" / "pyodide"

KERNEL_EXTENSION = Path(sysconfig.get_path("data"), "share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension")
KERNEL_SETTINGS = ("jupyter-config-data", "litePluginSettings", "@jupyterlite/pyodide-kernel-extension:kernel")
OF_THE_KERNEL = ("ipykernel", "piplite", "pyodide_kernel")  # wheels that come with its extension
LEFT_OVER = ("rspack.config*.js", "service-worker.js", "extensions/*/*/static/schema/*.json")
# Where Pyodide would look for what is not here. This name leads nowhere (RFC 2606): a mistake shall fail, not call out.
ELSEWHERE = "https://cdn.jsdelivr.net"
NOWHERE = "https://self-hosted.invalid"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=BUILD / "site", help="default: build/site")
    out = parser.parse_args().out
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    site = WORK / "site"
    tell("JupyterLite and the lessons")
    build_jupyterlite(WORK / "lite", site)
    tell("Python for the browser")
    runtime, lock = kernel_packages.write(PYODIDE, wheels(WORK / "p2pchat"), WORK / "archives", site / "static")
    tell("The pages")
    configure(site, runtime, lock)
    cut_off(site, runtime)
    chat_page.write(site, ROOT, runtime)
    loaded = (*kernel_packages.RUNTIME, kernel_packages.STANDARD_LIBRARY)
    early = [*(runtime / name for name in loaded), lock, *sorted(lock.parent.glob("*.whl"))]
    (site / "servers.json").write_text("{}\n")  # no real servers; whoever has some names them here
    Pages(site, ROOT, early).write()
    tell("Compressing")
    compress(site)
    shutil.rmtree(out, ignore_errors=True)
    site.rename(out)
    shutil.rmtree(WORK)


def tell(what: str) -> None:
    print(f"  {what} …", flush=True)


def build_jupyterlite(lite: Path, site: Path) -> None:
    shutil.copytree(ROOT / "notebooks", lite / "files", ignore=shutil.ignore_patterns(".*", "__pycache__"))
    for name in ("jupyter-lite.json", "overrides.json"):
        shutil.copy(HERE / name, lite)
    run(
        "jupyterlite_core",
        "build",
        "--lite-dir",
        lite,
        "--output-dir",
        site,
        "--apps",
        "notebooks",
        "--no-sourcemaps",
        "--no-unused-shared-packages",
        "--no-libarchive",
        folder=lite,
    )
    for pattern in LEFT_OVER:
        remove(site, pattern)


def wheels(folder: Path) -> list[Path]:
    """What the kernel shall find installed; ours is built of this tree."""
    run("hatchling", "build", "-t", "wheel", "-d", folder, folder=ROOT)
    kernel = KERNEL_EXTENSION / "static/pypi"
    return [
        *(one(kernel.glob(f"{name}-*.whl"), part="its kernel", what=f"a wheel {name}") for name in OF_THE_KERNEL),
        *(BUILD / "wheels").glob("*.whl"),
        *folder.glob("*.whl"),
    ]


def configure(site: Path, runtime: Path, lock: Path) -> None:
    """Tell the kernel where its runtime is, and what to load at its start."""
    path = site / "jupyter-lite.json"
    config = json.loads(path.read_text())
    settings = config
    for key in KERNEL_SETTINGS:
        if key not in settings:
            raise missing(path.name, f"the key {key!r}, below which the settings of the kernel are")
        settings = settings[key]
    settings["pyodideUrl"] = f"./{(runtime / 'pyodide.mjs').relative_to(site).as_posix()}"
    settings["loadPyodideOptions"] = {
        "lockFileURL": f"./{lock.relative_to(site).as_posix()}",
        "packages": [*kernel_packages.KERNEL, *kernel_packages.LESSONS],
    }
    path.write_text(json.dumps(config, indent=1, sort_keys=True))


def cut_off(site: Path, runtime: Path) -> None:
    """No file of the site shall name the host where Pyodide would look for what is not here."""
    naming = [path for path in site.rglob("*") if path.suffix in (".js", ".json", ".mjs") and names_elsewhere(path)]
    for path in {*naming, runtime / "pyodide.mjs"}:
        path.write_text(replaced(path.read_text(), ELSEWHERE, NOWHERE, part=path.name))


def names_elsewhere(path: Path) -> bool:
    return ELSEWHERE in path.read_text()


def run(module: str, *arguments: str | Path, folder: Path) -> None:
    """Run a Python program; what it says is shown only if it fails."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout}\n{module} could not build the site.")


if __name__ == "__main__":
    main()
