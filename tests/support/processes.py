"""Run `p2pchat` as a user does: a process of its own, read line by line, with a limit on every wait."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

LIMIT = 60.0  # seconds, for whatever a process has to do, however busy the machine


class Process:
    """One running `p2pchat`, with what it has printed so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def line(self, wanted: Callable[[str], bool] = lambda _: True) -> str:
        """The next line of standard output that is wanted."""
        assert self.process.stdout is not None
        async with asyncio.timeout(LIMIT):
            while True:
                line = (await self.process.stdout.readline()).decode()
                assert line, f"it ended without the line that was waited for; it had printed {self.lines}"
                self.lines.append(line.rstrip("\n"))
                if wanted(self.lines[-1]):
                    return self.lines[-1]

    async def event(self, **wanted: object) -> dict[str, Any]:
        """The next event of `p2pchat chat --json` that has these fields."""
        event: dict[str, Any] = json.loads(await self.line(lambda line: wanted.items() <= json.loads(line).items()))
        return event

    async def say(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n".encode())
        await self.process.stdin.drain()

    def end_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(number)

    async def end(self) -> tuple[int, str, str]:
        """Wait for its end. Returns: exit status, the rest of standard output, standard error."""
        async with asyncio.timeout(LIMIT):
            assert self.process.stdout is not None
            assert self.process.stderr is not None
            out, err = await asyncio.gather(self.process.stdout.read(), self.process.stderr.read())
            return await self.process.wait(), out.decode(), err.decode()


@asynccontextmanager
async def p2pchat(*arguments: str) -> AsyncIterator[Process]:
    """A running `p2pchat` that does not outlive the test."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "p2pchat",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Process(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


ANY_PORTS = ("--static-port", "0", "--matchmaking-port", "0", "--signaling-port", "0")


@asynccontextmanager
async def serving(*arguments: str) -> AsyncIterator[tuple[Process, dict[str, str]]]:
    """`p2pchat serve` on free ports, and the URL of each server by its name."""
    async with p2pchat("serve", *ANY_PORTS, *arguments) as process:
        yield process, dict([(await process.line()).split(" ") for _ in range(3)])
