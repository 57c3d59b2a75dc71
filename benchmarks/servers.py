"""Our servers beside bare ones of `websockets`, each in a process of its own, under the same load from another.

Three kinds in turn: ours, the bare server with compression off (``plain``, the honest reference, for ours has none
either) and the bare server as `websockets` sets it up by default (``bare``, with compression).
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.table import Row

ROOT = Path(__file__).parents[1]
KINDS = ("ours", "plain", "bare")
CALLED = {"plain": "bare websockets, no compression", "bare": "bare websockets, its defaults"}
LIMIT = 60.0  # seconds for any one of the processes

# What ours must reach beside the bare server without compression, as a ratio. Both speak through the same library over
# the same loop, so what is left between them is what stands between the library and the loop.
PAIRS = {"asyncio": 1.4, "uvloop": 1.5}
RELAYED = 1.1
P99 = 1.0
MEMORY = 0.55


def pairs(rounds: int, seconds: float, clients: int, loop: str) -> list[Row]:
    found = _under_load("matchmaking", "pairs", rounds, seconds, clients, loop)
    on = f"{clients} clients{_on(loop)}"
    return [
        *_rows(f"pairs a second, {on}", found, "per_second", True, PAIRS[loop]),
        *_rows(f"  µs of processor for each, {on}", found, "cpu", False),
    ]


def relay(rounds: int, seconds: float, clients: int, loop: str) -> list[Row]:
    found = _under_load("signaling", "relay", rounds, seconds, clients, loop)
    on = f"{clients // 2} rooms{_on(loop)}"
    return [
        *_rows(f"relayed messages a second, {on}", found, "per_second", True, RELAYED),
        *_rows(f"  µs of processor for each, {on}", found, "cpu", False),
        *_rows(f"  p50 of it, ms, {on}", found, "p50", False),
        *_rows(f"  p99 of it, ms, {on}", found, "p99", False, P99),
    ]


def memory(rounds: int, clients: int, loop: str) -> list[Row]:
    found: list[Mapping[str, Mapping[str, float]]] = []
    for _ in range(rounds):
        found.append({kind: {"KiB": _memory(kind, clients, loop)} for kind in KINDS})
    return _rows(f"KiB a waiting stranger, {clients:,} of them{_on(loop)}", found, "KiB", False, MEMORY)


def _under_load(
    job: str, load: str, rounds: int, seconds: float, clients: int, loop: str
) -> list[Mapping[str, Mapping[str, float]]]:
    with (
        _serving(job, "ours", loop) as ours,
        _serving(job, "plain", loop) as plain,
        _serving(job, "bare", loop) as bare,
    ):
        servers = {"ours": ours, "plain": plain, "bare": bare}
        for server in servers.values():  # the first moments of a process are not like the others
            _burden(load, *server, min(seconds, 0.5), clients)
        order = list(servers.items())
        found: list[Mapping[str, Mapping[str, float]]] = []
        for _ in range(rounds):
            found.append({kind: _burden(load, *server, seconds, clients) for kind, server in order})
            order.reverse()  # what slows the machine for longer than one of them slows each as often
        return found


def _burden(load: str, url: str, process: int, seconds: float, clients: int) -> Mapping[str, float]:
    """What the load found, and how much of the processor's time each unit took the server."""
    before = _worked(process)
    found = _load(load, url, seconds, clients)
    return {**found, "cpu": (_worked(process) - before) / (found["per_second"] * seconds) * 1e6}


def _rows(
    what: str,
    found: list[Mapping[str, Mapping[str, float]]],
    key: str,
    more_is_better: bool,
    goal: float | None = None,
) -> list[Row]:
    """One row beside each of the bare servers; the goal is for the one without compression."""
    return [
        Row(
            what,
            called,
            [(at["ours"][key], at[kind][key]) for at in found],
            goal if kind == "plain" else None,
            more_is_better,
        )
        for kind, called in CALLED.items()
    ]


def _on(loop: str) -> str:
    return f", on {loop}" if loop != "asyncio" else ""


@contextmanager
def _serving(job: str, kind: str, loop: str) -> Iterator[tuple[str, int]]:
    """A server, as (its address, its process id)."""
    command = [sys.executable, "-m", "benchmarks.serve", job, kind, loop]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError(f"{command} did not start")
            yield url, process.pid
        finally:
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def _load(job: str, url: str, seconds: float, clients: int) -> Mapping[str, float]:
    command = [sys.executable, "-m", "benchmarks.load", job, url, str(seconds), str(clients)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=LIMIT)
    found: Mapping[str, float] = json.loads(done.stdout)
    return found


def _memory(kind: str, clients: int, loop: str) -> float:
    """KiB of the server's memory for each of so many who wait."""
    with _serving("matchmaking", kind, loop) as (url, process):
        _load("pairs", url, 0.3, 8)  # what is loaded and allocated once is not a stranger's
        before = _resident(process)
        command = [sys.executable, "-m", "benchmarks.load", "idle", url, "0.3", str(clients)]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
            assert load.stdin is not None
            assert load.stdout is not None
            try:
                if not load.stdout.readline():
                    raise RuntimeError(f"{command} failed")
                return (_resident(process) - before) / clients
            finally:
                load.stdin.close()


def _worked(process: int) -> float:
    """Seconds of the processor's time that a process has had."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(process: int) -> float:
    """KiB of memory that a process really holds."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1])
    raise RuntimeError("no VmRSS")
