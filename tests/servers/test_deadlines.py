"""Many timers of one length: who is not discarded in time is acted upon, in the order of coming."""

import asyncio
from asyncio import TimerHandle
from collections.abc import Callable
from typing import Any

from p2pchat.servers.deadlines import Deadlines
from tests.support.fake_time import FakeTimeLoop


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


class CountingLoop(FakeTimeLoop):
    """It counts the timers that are set and have neither rung nor been cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.timers: list[asyncio.TimerHandle] = []

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, context: Any = None) -> TimerHandle:
        self.timers.append(super().call_at(when, callback, *args, context=context))
        return self.timers[-1]

    @property
    def pending(self) -> int:
        return sum(not timer.cancelled() and timer.when() > self.now for timer in self.timers)


def test_there_is_one_timer_however_often_items_are_added_anew() -> None:
    """As the pings of connections are: each that is due is added again while those that are due are acted upon."""
    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, CountingLoop)
        rounds = {"one": 0, "two": 0}

        def act(name: str) -> None:
            rounds[name] += 1
            deadlines.add(name)

        deadlines = Deadlines(20.0, act)

        async def add_both_and_wait() -> None:
            deadlines.add("one")
            await asyncio.sleep(7)
            deadlines.add("two")
            await asyncio.sleep(1000)
            assert rounds == {"one": 50, "two": 50}
            assert loop.pending == 1
            assert len(loop.timers) < 2 * 50 + 10, "and none was set in vain"
            deadlines.clear()
            assert loop.pending == 0

        runner.run(add_both_and_wait())


def test_what_raises_keeps_nobody_else_waiting() -> None:
    with asyncio.Runner(loop_factory=FakeTimeLoop) as runner:
        told: list[str] = []
        runner.get_loop().set_exception_handler(lambda _, context: told.append(repr(context["exception"])))
        done: list[str] = []

        def act(name: str) -> None:
            if name == "one":
                raise ZeroDivisionError
            done.append(name)

        async def add_all_and_wait() -> None:
            deadlines = Deadlines(20.0, act)
            deadlines.add("one")
            deadlines.add("two")
            await asyncio.sleep(30)

        runner.run(add_all_and_wait())
        assert done == ["two"]
        assert told == ["ZeroDivisionError()"]


async def test_no_delay_is_for_ever() -> None:
    due: list[str] = []
    deadlines = Deadlines(0.0, due.append)
    deadlines.add("one")
    await asyncio.sleep(0)
    assert due == []
