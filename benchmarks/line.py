"""What one match costs the matchmaking core, without any socket, while many others wait.

Everybody in the line has an interest that nobody shares yet. Into it come two strangers who share one: the first
joins the line, the second is matched with the first, both leave. The line is as long afterwards as before.
"""

import random
import time

from benchmarks.table import Row
from p2pchat.matchmaking import Matchmaking
from p2pchat.messages import Join

AT = "2026-01-31T12:00:00Z"


def measure(rounds: int, sizes: tuple[int, ...], matches: int) -> list[Row]:
    """Returns: one row for each length of the line, whose reference is the first."""
    lines = {size: _line(size) for size in sizes}
    found: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(rounds):
        for size, line in lines.items():
            found[size].append(_cost(line, size, matches))
    return [
        Row(
            f"a match with {size:,} waiting, µs",
            f"with {sizes[0]:,} waiting",
            list(zip(found[size], found[sizes[0]], strict=True)),
            goal=None if size == sizes[0] else 1.5,
        )
        for size in sizes
    ]


def _line(size: int) -> Matchmaking:
    line = Matchmaking(chance=random.Random(1))
    for number in range(size):
        assert not line.receive(number, Join(f"user {number}", AT, (f"interest {number}",)).to_json(), 0.0)
    return line


def _cost(line: Matchmaking, size: int, matches: int) -> float:
    """Microseconds for each match."""
    shared = ("chess", "tea")
    one, other = Join("one", AT, shared).to_json(), Join("other", AT, shared).to_json()
    began = time.perf_counter()
    for _ in range(matches):
        line.receive("one", one, 1.0)
        sent = line.receive("other", other, 1.0)
        assert len(sent) == 2
        line.wake_at()
        line.leave("one", 1.0)
        line.leave("other", 1.0)
    took = time.perf_counter() - began
    assert line.waiting == size
    return took / matches * 1e6
