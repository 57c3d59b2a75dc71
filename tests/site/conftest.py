"""The site as `make site` left it in build/site."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def site() -> Path:
    built = ROOT / "build/site"
    assert (built / ".built").is_file(), "These tests look at the built site: run `make site` first (`make test` does)."
    return built
