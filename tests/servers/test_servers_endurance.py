"""5,000 pairs through matchmaking and signaling: open files and memory stay flat."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from tests.support.raw_clients import candidate, join, register
from tests.support.raw_websocket import LIMIT, RawWebSocket, close, open_raw

ROOT = Path(__file__).parents[2]
PAIRS = 5000
WARM_UP = 1000  # pairs, after which pools and caches have their size
AT_ONCE = 8
MORE = 3 * 2**20  # bytes; 4,000 pairs that kept one of their four connections each would be 60 MB


async def told(server: Process) -> dict[str, int]:
    """What the server process says of itself."""
    assert server.stdin is not None
    server.stdin.write(b"\n")
    return await answer(server)


async def answer(server: Process) -> dict:
    assert server.stdout is not None
    return json.loads(await asyncio.wait_for(server.stdout.readline(), LIMIT))


async def leaves(client: RawWebSocket) -> None:
    client.send(close())
    assert (await client.closed())[0] == 1000
    await client.leave()


async def one_pair(urls: dict[str, str], number: int) -> None:
    """Two strangers meet, exchange what they need and leave, one of them without a word now and then."""
    line = [await open_raw(urls["matchmaking"]) for _ in range(2)]
    for side, client in enumerate(line):
        client.send(join(f"{number}.{side}"))
    rooms = [json.loads(await client.text())["room_id"] for client in line]
    for client in line:
        await leaves(client)
    pair = [await open_raw(urls["signaling"]) for _ in range(2)]
    for client, room in zip(pair, rooms, strict=True):
        client.send(register(f"{room} {number}"))  # two who ran at once may have met the others' strangers
        assert json.loads(await client.text())["type"] == "accept"
    one, other = pair
    for said in ('{"type": "offer", "sdp": "v=0"}', candidate()):
        other.send(said)
        if rooms[0] == rooms[1]:
            assert await one.text() == said
    if number % 5:
        await leaves(other)
    else:
        other.kill()
    if rooms[0] == rooms[1]:
        assert json.loads(await one.text()) == {"type": "bye"}
        assert (await one.closed())[0] == 1000
    await one.leave()


async def pairs(urls: dict[str, str], numbers: range) -> None:
    left = iter(numbers)

    async def worker() -> None:
        for number in left:
            await one_pair(urls, number)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(worker())


@pytest.mark.timeout(110)
async def test_five_thousand_pairs_leave_no_trace() -> None:
    command = (sys.executable, "-m", "tests.support.server_process")
    server = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE)
    try:
        urls = await answer(server)
        at_first = await told(server)
        await pairs(urls, range(WARM_UP))
        warm = await told(server)
        await pairs(urls, range(WARM_UP, PAIRS))
        async with asyncio.timeout(LIMIT):
            while (at_last := await told(server))["files"] > at_first["files"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)  # the last ones are still closing
        assert at_last["bytes"] - warm["bytes"] < MORE, (at_first, warm, at_last)
        print(f"at first {at_first}, after {WARM_UP} pairs {warm}, after {PAIRS} {at_last}")
    finally:
        assert server.stdin is not None
        server.stdin.close()
        assert await asyncio.wait_for(server.wait(), LIMIT) == 0
