"""What runs a core: with a core that says what the test wants, clients that note what they hear, and no real time."""

import logging
from collections.abc import Callable

import pytest

from p2pchat.core import Action, ClientId, Close, Send
from p2pchat.servers.core_runner import CoreRunner


class FakeClient:
    """It notes what it is told, one thing a line."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def send(self, text: str) -> None:
        self.told.append(text)

    def close(self, code: int, reason: str) -> None:
        self.told.append(f"close {code} {reason}")


class FakeTimer:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class FakeClock:
    """A loop's clock that moves when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[FakeTimer] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> FakeTimer:
        if delay < 0:
            raise ValueError("Can't schedule in the past")  # as the loop of Pyodide does, other than asyncio's
        self.timers.append(FakeTimer(self.now + delay, callback))
        return self.timers[-1]

    @property
    def due(self) -> list[float]:
        """When the timers ring that are set."""
        return [timer.when for timer in self.timers if timer.callback]

    def pass_to(self, when: float) -> None:
        while ringing := [timer for timer in self.timers if timer.callback and timer.when <= when]:
            timer = min(ringing, key=lambda timer: timer.when)
            self.now = max(self.now, timer.when)
            callback, timer.callback = timer.callback, None
            assert callback is not None
            callback()
        self.now = when


class FakeCore:
    """It answers what the test wrote down, and notes what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.answers: list[Action] = []
        self.wake: float | None = None
        self.is_broken = False

    def receive(self, client: ClientId, text: str, now: float) -> list[Action]:
        return self._answer("receive", client, text, now)

    def leave(self, client: ClientId, now: float) -> list[Action]:
        self.is_broken = False
        return self._answer("leave", client, now)

    def tick(self, now: float) -> list[Action]:
        self.wake = None
        return self._answer("tick", now)

    def wake_at(self) -> float | None:
        return self.wake

    def _answer(self, *told: object) -> list[Action]:
        self.told.append(told)
        if self.is_broken:
            raise ZeroDivisionError
        answers, self.answers = self.answers, []
        return answers


@pytest.fixture
def core() -> FakeCore:
    return FakeCore()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def runner(core: FakeCore, clock: FakeClock) -> CoreRunner:
    return CoreRunner("a core", core, clock)


def test_a_text_goes_to_the_core_with_its_client_and_the_time(runner: CoreRunner, core: FakeCore) -> None:
    ann = FakeClient()
    runner.on_text(ann, "hello")
    assert core.told == [("receive", ann, "hello", 100.0)]
    assert ann.told == []


def test_what_the_core_answers_is_done_in_its_order(runner: CoreRunner, core: FakeCore) -> None:
    ann, bob = FakeClient(), FakeClient()
    core.answers = [Send(bob, "one"), Send(ann, "two"), Send(bob, "three"), Close(bob, 1000, "enough")]
    runner.on_text(ann, "hello")
    assert ann.told == ["two"]
    assert bob.told == ["one", "three", "close 1000 enough"]


def test_who_is_gone_is_told_to_the_core_and_its_answer_is_done(runner: CoreRunner, core: FakeCore) -> None:
    ann, bob = FakeClient(), FakeClient()
    core.answers = [Send(bob, "bye")]
    runner.on_close(ann)
    assert core.told == [("leave", ann, 100.0)]
    assert bob.told == ["bye"]


class TestTheAlarm:
    def test_rings_when_something_is_due(self, runner: CoreRunner, core: FakeCore, clock: FakeClock) -> None:
        ann = FakeClient()
        core.wake = 103.0
        runner.on_text(ann, "hello")
        clock.pass_to(102.9)
        assert ann.told == []
        core.answers = [Send(ann, "it is time")]
        clock.pass_to(104.0)
        assert ann.told == ["it is time"]
        assert core.told[-1] == ("tick", 103.0)

    def test_is_one_however_often_the_core_is_asked(self, runner: CoreRunner, core: FakeCore, clock: FakeClock) -> None:
        core.wake = 103.0
        for _ in range(5):
            runner.on_text(FakeClient(), "hello")
        assert clock.due == [103.0]
        assert len(clock.timers) == 1, "and none was set in vain"

    def test_is_set_earlier_when_something_comes_first(
        self, runner: CoreRunner, core: FakeCore, clock: FakeClock
    ) -> None:
        core.wake = 103.0
        runner.on_text(FakeClient(), "hello")
        core.wake = 101.0
        runner.on_close(FakeClient())
        assert clock.due == [101.0]

    def test_may_ring_in_vain_and_is_set_anew(self, runner: CoreRunner, core: FakeCore, clock: FakeClock) -> None:
        core.wake = 101.0
        runner.on_text(FakeClient(), "hello")
        core.wake = 105.0  # what was due then is due no more
        runner.on_close(FakeClient())
        assert clock.due == [101.0]

        def tick(now: float) -> list[Action]:
            core.told.append(("tick", now))
            return []

        core.tick = tick  # type: ignore[method-assign]  # which leaves `wake` as it is
        clock.pass_to(102.0)
        assert clock.due == [105.0]

    def test_rings_at_once_for_what_is_overdue(self, runner: CoreRunner, core: FakeCore, clock: FakeClock) -> None:
        core.wake = 1.0
        runner.on_text(FakeClient(), "hello")
        clock.pass_to(100.0)
        assert core.told[-1] == ("tick", 100.0)

    def test_rings_no_more_after_a_stop(self, runner: CoreRunner, core: FakeCore, clock: FakeClock) -> None:
        core.wake = 103.0
        runner.on_text(FakeClient(), "hello")
        runner.stop()
        runner.stop()
        assert clock.due == []


class TestAMistakeInTheCore:
    def test_costs_one_client_only(self, runner: CoreRunner, core: FakeCore, caplog: pytest.LogCaptureFixture) -> None:
        ann, bob = FakeClient(), FakeClient()
        core.is_broken = True
        core.answers = [Send(bob, "bye")]
        runner.on_text(ann, "hello")
        assert ann.told == ["close 1011 internal server error (see the server's log)"]
        assert bob.told == ["bye"], "and whoever shares its room is told"
        (record,) = caplog.records
        assert (record.levelno, "a core" in record.getMessage()) == (logging.ERROR, True)
        assert "ZeroDivisionError" in caplog.text
        assert "hello" not in caplog.text
        runner.on_text(bob, "hello")
        assert core.told[-1] == ("receive", bob, "hello", 100.0)

    def test_when_something_is_due_costs_nobody(
        self, runner: CoreRunner, core: FakeCore, clock: FakeClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        core.wake = 103.0
        runner.on_text(FakeClient(), "hello")
        core.is_broken = True
        clock.pass_to(103.0)
        assert "ZeroDivisionError" in caplog.text
        core.is_broken = False
        clock.pass_to(103.5)
        assert core.told[-1] == ("tick", 103.0)
        clock.pass_to(104.0)
        assert core.told[-1] == ("tick", 104.0), "what was due is not forgotten"
        core.wake = 106.0
        runner.on_text(FakeClient(), "hello")
        assert clock.due == [106.0]
