"""The page /chat/: its files, the views that it shares with the notebooks, and the little Python that it needs."""

import hashlib
import shutil
import zipfile
from pathlib import Path

from jupyterlite.changing import replaced

HERE = Path(__file__).parent
CHAT = HERE / "chat"
PACKAGES = ("p2pchat", "pyee", "typing_extensions")


def write(site: Path, root: Path, runtime: Path) -> None:
    """Write the page; ``static/pyodide/`` and ``python.zip`` in its files become the names that they have here."""
    chat = site / "chat"
    shutil.copytree(CHAT, chat)
    (chat / "widgets").mkdir()
    for view in (root / "p2pchat/views/widgets").glob("*.*s"):
        if view.suffix in (".js", ".css"):
            shutil.copy(view, chat / "widgets")
    packed = pack(site / "static/packages", chat)
    for name in ("index.html", "chat.js"):
        text = replaced((chat / name).read_text(), "static/pyodide/", f"static/{runtime.name}/", part=f"chat/{name}")
        (chat / name).write_text(replaced(text, "python.zip", packed.name, part=f"chat/{name}"))


def pack(packages: Path, out: Path) -> Path:
    """All modules in one archive, named by its content."""
    archive = out / "python.zip"
    with zipfile.ZipFile(archive, "w") as joined:
        for package in PACKAGES:
            (wheel,) = packages.glob(f"{package}-*.whl")
            with zipfile.ZipFile(wheel) as source:
                for entry in source.infolist():
                    if not entry.filename.startswith("p2pchat/lab/"):
                        joined.writestr(entry, source.read(entry), zipfile.ZIP_DEFLATED, compresslevel=9)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    return archive.rename(out / f"python-{digest[:8]}.zip")
