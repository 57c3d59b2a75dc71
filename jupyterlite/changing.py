"""Changes to files of other projects, each of which says so when what it changes is no longer there.

A new version of JupyterLite, Pyodide or their kernel may word a line differently. A replacement that matches nothing
would then go by in silence, and the site would be slower, or call another host, with nobody the wiser.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import AnyStr, TypeVar

Some = TypeVar("Some")


def replaced(text: AnyStr, old: AnyStr, new: AnyStr, *, part: str) -> AnyStr:
    """The text with ``new`` for each ``old``. Raises: SystemExit if there is none; ``part`` names what is changed."""
    if old not in text:
        wanted = old.decode() if isinstance(old, bytes) else old
        raise missing(part, f"{wanted!r}, which the site replaces")
    return text.replace(old, new)


def one(found: Iterable[Some], *, part: str, what: str) -> Some:
    """The only one of what was found. Raises: SystemExit if there is none, or more than one."""
    found = list(found)
    if len(found) != 1:
        raise missing(part, f"{what} just once, but {len(found)} times")
    return found[0]


def remove(folder: Path, pattern: str) -> None:
    """Remove the files that match. Raises: SystemExit if none does."""
    paths = list(folder.glob(pattern))
    if not paths:
        raise missing(folder.name, f"{pattern}, which the site leaves out")
    for path in paths:
        path.unlink()


def missing(part: str, what: str) -> SystemExit:
    return SystemExit(
        f"{part} does not have {what}. A dependency of the site has changed: see what stands there now, and bring"
        " jupyterlite/ up to date with it, or pin the former version."
    )
