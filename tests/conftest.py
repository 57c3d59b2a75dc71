"""What holds for all tests. What they need beside Python packages is a fixture here, and a target of the Makefile.

`make test` asks first which of it the chosen tests need, and makes that and nothing else::

    pytest --needs=FILE …    runs no test, and writes the names of these targets into FILE
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("tests.support")  # an assertion in a helper tells as much as one in a test

from p2pchat.core import Core  # noqa: E402
from p2pchat.matchmaking import Matchmaking  # noqa: E402
from p2pchat.signaling import Signaling  # noqa: E402
from tests.support.clock import Clock  # noqa: E402

ROOT = Path(__file__).parents[1]
NEEDS = {  # by fixture the target of the Makefile
    "aiortc_suite": "aiortc",
    "built_site": "site",
    "chromium_program": "chromium",
    "firefox_program": "firefox",
    "older_kernels": "kernels",
    "pyodide": "npm",
}
BROWSERS = {"chromium_program", "firefox_program"}


@pytest.fixture(scope="session")
def built_site() -> Path:
    """The folder of the site."""
    return made(ROOT / "build/site", ".built", "site")


@pytest.fixture(scope="session")
def pyodide() -> Path:
    """The folder of Pyodide."""
    from tests.support.pyodide_page import PYODIDE

    return made(PYODIDE, "pyodide.mjs", "npm")


@pytest.fixture(scope="session")
def older_kernels() -> Path:
    """The folder with older versions of ipykernel, one a folder."""
    from tests.support.jupyterlab import OLD_KERNELS

    return made(OLD_KERNELS, "ipykernel-7.3/.ready", "kernels")


@pytest.fixture(scope="session")
def aiortc_suite() -> Path:
    """The folder of aiortc's source distribution, unpacked."""
    return made(ROOT / "build/aiortc", ".ready", "aiortc")


@pytest.fixture(scope="session")
def chromium_program() -> str:
    """The path of Chromium."""
    from tests.support.chromium import find_chromium

    return installed(find_chromium(), "Chromium")


@pytest.fixture(scope="session")
def firefox_program() -> str:
    """The path of Firefox."""
    from tests.support.firefox import find_firefox

    return installed(find_firefox(), "Firefox")


def made(folder: Path, file: str, target: str) -> Path:
    if not (folder / file).is_file():
        pytest.fail(f"This test needs {folder.name}, which is not here: run `make {target}` (`make test` does).")
    return folder


def installed(program: str | None, name: str) -> str:
    """A program that only an administrator can install: without it tests are skipped, but never on CI."""
    if program is None:
        sentence = f"This test needs {name}, which is not here: run `make {name.lower()}` (`make test` does)."
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return program


def fixtures(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


@pytest.hookimpl(tryfirst=True)  # before -m chooses by mark
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if fixtures(item) & BROWSERS:
            item.add_marker(pytest.mark.browser)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--needs", metavar="FILE", type=Path, help="write which targets of make the chosen tests need")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """With ``--needs`` runs nothing."""
    file = session.config.getoption("--needs")
    if file is None:
        return None
    if not session.items and not session.testsfailed:
        arguments = " ".join(str(each) for each in session.config.invocation_params.args if each != f"--needs={file}")
        pytest.exit(f"No test was chosen by: {arguments}", pytest.ExitCode.NO_TESTS_COLLECTED)
    wanted = {name for item in session.items for name in fixtures(item) & NEEDS.keys()}
    file.write_text("".join(f"{NEEDS[name]}\n" for name in sorted(wanted)))
    return True


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of this test's event loop."""
    return Clock(monkeypatch)


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The cores of the servers, by name, to see who waits and which rooms there are."""
    made: dict[str, Any] = {}

    def remembered(name: str, kind: Callable[..., Core], **options: object) -> Core:
        made[name] = kind(**options)
        return made[name]

    for name, kind in (("matchmaking", Matchmaking), ("signaling", Signaling)):
        monkeypatch.setattr(f"p2pchat.servers.on_ports.{kind.__name__}", partial(remembered, name, kind))
    return made
