"""The site as `make site` left it."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def site(built_site: Path) -> Path:
    return built_site
