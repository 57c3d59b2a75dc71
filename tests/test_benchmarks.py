"""`make bench` runs, and its table holds what it promises. No time is asserted: a busy machine is no fault."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import visits
from benchmarks.table import Row, layout

ROOT = Path(__file__).parents[1]

IN_TABS = ("START → both open, ms", "round trip of 64 bytes, ms", "16 KiB messages, MB/s")


def bench(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.run", "--quick", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("start", ["START → both open"]),
        ("roundtrip", ["round trip of 64 bytes", "round trip of 16,384 bytes"]),
        ("line", ["with 10 waiting", "with 100 waiting", "with 1,000 waiting"]),
        ("pairs", ["pairs a second", "µs of processor for each"]),
        ("relay", ["relayed messages a second", "p50", "p99"]),
        ("memory", ["KiB a waiting stranger"]),
    ],
)
def test_each_benchmark_gives_ours_and_its_reference_from_the_same_rounds(name: str, told: list[str], tmp_path: Path):
    check_rounds(name, told, tmp_path)


@pytest.mark.usefixtures("chromium_program", "pyodide")
def test_so_does_the_one_in_tabs(tmp_path: Path):
    where = ("Python, main thread", "Python, Worker")
    check_rounds("tabs", [f"{what} ({which})" for what in IN_TABS for which in where], tmp_path)


def check_rounds(name: str, told: list[str], tmp_path: Path) -> None:
    file = tmp_path / "made" / "found.json"
    table = bench("--only", name, "--json", str(file))
    found = json.loads(file.read_text())
    assert list(found) == [name]
    for words in told:
        assert words in table
        assert any(words in row["what"] for row in found[name])
    for row in found[name]:
        assert len(row["ours"]) == len(row["reference_values"]) == 2
        assert min(*row["ours"], *row["reference_values"], row["ratio"]) > 0
        assert (row["met"] is None) == (row["goal"] is None)


@pytest.mark.usefixtures("built_site", "chromium_program")
async def test_a_second_visit_to_the_site_takes_almost_nothing_over_the_wire():
    async with visits.ours() as proxy:
        first, second = await visits.twice(proxy, visits.CHAT)
    assert first.kilobytes > 1_000
    assert 0 < second.kilobytes < first.kilobytes / 50
    assert min(first.seconds, second.seconds) > 0


def test_a_row_shows_medians_the_spread_and_whether_the_goal_is_met():
    quick = Row("time, ms", "the other", [(1.0, 2.0), (2.0, 2.0), (3.0, 2.0)], goal=1.1)
    slow = Row("rate", "the other", [(900.0, 1000.0)], goal=1.0, more_is_better=True)
    table = layout([quick, slow])
    assert "2 (1–3)" in table
    assert "≤ 1.1  met" in table
    assert "≥ 1    MISSED" in table
    assert quick.ratio == 1.0
    assert slow.met is False
