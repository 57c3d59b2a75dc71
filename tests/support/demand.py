"""What a test needs of the machine, and does not bring: without it the test is skipped, but never on CI."""

import os

import pytest


def demand(program: str | None, name: str) -> None:
    """Skip the test, or on CI fail it, where a program was not found."""
    if program is None:
        sentence = f"No {name} here; `tools/system_packages.sh {name.lower()}` installs one."
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
