"""A part of the tests needs only what it uses: no site is built and no browser installed for the others."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import NEEDS, installed, made

ROOT = Path(__file__).parents[1]


def ask(folder: Path, *arguments: str) -> tuple[int, str, set[str]]:
    """What pytest says, and what it wrote that these tests need."""
    file = folder / "needs"
    command = [sys.executable, "-m", "pytest", *arguments, "-q", "-p", "no:cacheprovider", f"--needs={file}"]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    return asked.returncode, asked.stdout + asked.stderr, set(file.read_text().split()) if file.exists() else set()


@pytest.mark.parametrize(
    ("arguments", "needs"),
    [
        (["tests/test_signaling.py", "tests/test_benchmarks.py", "tests/lab", "-m", "not browser"], set()),
        (["tests/webrtc", "-m", "not browser"], {"aiortc"}),
        (["tests/site/test_build.py"], {"site"}),
        (["tests/tabs", "tests/webrtc", "tests/lab", "-m", "browser"], {"chromium", "npm"}),
        (["tests/browser", "-k", "test_two_chats or firefox_that_dies"], {"chromium", "firefox", "kernels"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_a_part_of_the_tests_needs(tmp_path: Path, arguments: list[str], needs: set[str]) -> None:
    code, said, asked_for = ask(tmp_path, *arguments)
    assert (code, asked_for) == (0, needs), said


def test_that_no_test_was_chosen_is_said(tmp_path: Path) -> None:
    code, said, _ = ask(tmp_path, "tests/test_trace.py", "-k", "nothing_of_this_name")
    assert code == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "No test was chosen by: tests/test_trace.py -k nothing_of_this_name" in said


def test_what_cannot_be_collected_is_said(tmp_path: Path) -> None:
    (tmp_path / "test_wrong.py").write_text("import nothing_of_this_name")
    code, said, needs = ask(tmp_path, str(tmp_path / "test_wrong.py"), f"--confcutdir={ROOT}", "tests/test_trace.py")
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "No module named 'nothing_of_this_name'" in said
    assert needs == set()


def test_each_need_is_a_target_of_make() -> None:
    targets = re.findall(r"^([a-z ]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(NEEDS.values()) <= {target for line in targets for target in line.split()}


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_without_a_browser_a_test_fails_on_ci_and_is_skipped_with_the_reason_at_home(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="run `make chromium`"):
        installed(None, "Chromium")


def test_without_the_site_a_test_fails_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.fail.Exception, match="run `make site`"):
        made(tmp_path, ".built", "site")
