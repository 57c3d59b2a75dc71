"""Many timers of one length: who is not discarded in time is acted upon, in the order of coming."""

import asyncio

from p2pchat.servers.deadlines import Deadlines


async def test_who_is_not_discarded_is_due_in_the_order_of_coming() -> None:
    due: asyncio.Queue[str] = asyncio.Queue()
    deadlines = Deadlines(0.05, due.put_nowait)
    began = asyncio.get_running_loop().time()
    for name in ("one", "two", "three"):
        deadlines.add(name)
    deadlines.discard("two")
    deadlines.discard("nobody")
    async with asyncio.timeout(60):
        assert [await due.get(), await due.get()] == ["one", "three"]
    assert asyncio.get_running_loop().time() - began >= 0.049
    assert due.empty()


async def test_to_come_again_gives_no_more_time() -> None:
    due: asyncio.Queue[str] = asyncio.Queue()
    deadlines = Deadlines(0.05, due.put_nowait)
    deadlines.add("one")
    deadlines.add("one")
    async with asyncio.timeout(60):
        await due.get()
    deadlines.add("one")  # but after its time it begins anew
    async with asyncio.timeout(60):
        assert await due.get() == "one"


async def test_what_is_done_may_add_and_discard_others() -> None:
    done: list[str] = []
    end = asyncio.Event()

    def act(name: str) -> None:
        done.append(name)
        deadlines.discard("two")
        if name == "one":
            deadlines.add("three")
        else:
            end.set()

    deadlines = Deadlines(0.02, act)
    deadlines.add("one")
    deadlines.add("two")
    async with asyncio.timeout(60):
        await end.wait()
    assert done == ["one", "three"]


async def test_nothing_is_left_when_it_is_cleared() -> None:
    due: list[str] = []
    deadlines = Deadlines(0.01, due.append)
    deadlines.add("one")
    deadlines.clear()
    later: asyncio.Queue[str] = asyncio.Queue()
    other = Deadlines(0.05, later.put_nowait)
    other.add("later")
    async with asyncio.timeout(60):
        await later.get()
    assert due == []


async def test_no_delay_is_for_ever() -> None:
    due: list[str] = []
    deadlines = Deadlines(0.0, due.append)
    deadlines.add("one")
    await asyncio.sleep(0)
    assert due == []
