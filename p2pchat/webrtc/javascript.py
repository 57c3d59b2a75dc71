"""The JavaScript files of this package, as text."""

from pathlib import Path


def script(name: str) -> str:
    """The text of the file ``name`` beside this module."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
