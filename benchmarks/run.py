"""``make bench``: every number beside its reference, measured in turn in the same run. How to read it: README.md.

make bench                              # all, about ten minutes
make bench ARGS="--quick"               # all, small, to see that it works; the numbers mean little
make bench ARGS="--only relay"          # one of them; may stand several times
make bench ARGS="--json .bench/a.json"  # every value of every round, for who wants to compare
"""

import argparse
import asyncio
import importlib.util
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import line, peers, servers, tabs, visits
from benchmarks.table import Row, layout


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    rounds: int = 5
    meetings: int = 8  # in a round
    messages: int = 300  # in a round
    lines: tuple[int, ...] = (100, 10_000, 100_000)
    matches: int = 3_000  # in a round
    load: float = 1.2  # seconds of it in a round
    strangers: int = 2_000  # who wait
    pair_clients: int = 64
    relay_clients: int = 200
    megabytes: int = 30  # from tab to tab, in a round
    visits: int = 3  # of a site, each with a second one


QUICK = Sizes(
    rounds=2,
    meetings=2,
    messages=20,
    lines=(10, 100, 1_000),
    matches=100,
    load=0.3,
    strangers=200,
    relay_clients=20,
    megabytes=1,
    visits=1,
)


def benchmarks(sizes: Sizes) -> dict[str, Callable[[], list[Row]]]:
    """What can be measured, by name."""
    loops = ["asyncio", *(["uvloop"] if importlib.util.find_spec("uvloop") else [])]

    def on_each(measure: Callable[[str], list[Row]]) -> Callable[[], list[Row]]:
        return lambda: [row for loop in loops for row in measure(loop)]

    few = min(sizes.rounds, 3)
    return {
        "start": lambda: asyncio.run(peers.start_to_open(sizes.rounds, sizes.meetings)),
        "roundtrip": lambda: asyncio.run(peers.round_trip(sizes.rounds, sizes.messages)),
        "line": lambda: line.measure(sizes.rounds, sizes.lines, sizes.matches),
        "pairs": on_each(lambda loop: servers.pairs(sizes.rounds, sizes.load, sizes.pair_clients, loop)),
        "relay": on_each(lambda loop: servers.relay(sizes.rounds, sizes.load, sizes.relay_clients, loop)),
        "memory": on_each(lambda loop: servers.memory(few, sizes.strangers, loop)),
        "tabs": lambda: asyncio.run(tabs.measure(sizes.rounds, sizes.meetings, sizes.messages, sizes.megabytes)),
        "site": lambda: asyncio.run(visits.measure(sizes.visits)),
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure p2pchat, each number beside its reference.")
    parser.add_argument("--quick", action="store_true", help="small sizes and two rounds: a check, not a measurement")
    parser.add_argument(
        "--only", action="append", metavar="NAME", choices=list(benchmarks(QUICK)), help="one benchmark"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value here, for instance .bench/a.json")
    options = parser.parse_args(arguments)
    began = time.perf_counter()
    rows: dict[str, list[Row]] = {}
    for name, measure in benchmarks(QUICK if options.quick else Sizes()).items():
        if options.only is None or name in options.only:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows[name] = measure()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {time.perf_counter() - began:.0f} s\n")
    print(layout([row for some in rows.values() for row in some]))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        found = {name: [row.to_json() for row in some] for name, some in rows.items()}
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
