"""The waiting line: who is paired with whom, by example, by properties, and what a match costs."""

import json
import random
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import combinations, count
from types import FrameType

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from p2pchat.core import Action, ClientId, Close, Send
from p2pchat.matchmaking import GRACE, Matchmaking
from p2pchat.messages import Join, Match, parse_match

PATIENCE = 3.0
NOON = "2026-01-31T12:00:00Z"


def join(user: str, *interests: str, after: str | None = None) -> str:
    return Join(user, NOON, interests, after).to_json()


class Line:
    """A waiting line in which every client is its own user, unless said otherwise, with a clock."""

    def __init__(self, seed: int = 0) -> None:
        rooms = count(1)
        self.core = Matchmaking(
            patience=PATIENCE,
            chance=random.Random(seed),
            new_room=lambda: f"room-{next(rooms)}",
            timestamp=lambda: NOON,
        )
        self.now = 1000.0
        self.matches: dict[ClientId, Match] = {}
        self.closed: dict[ClientId, tuple[int, str]] = {}

    def enter(self, who: ClientId, *interests: str, user: str | None = None, after: str | None = None) -> list[Action]:
        return self.say(who, join(user or f"user {who}", *interests, after=after))

    def say(self, who: ClientId, text: str) -> list[Action]:
        return self._note(self.core.receive(who, text, self.now))

    def leave(self, *clients: ClientId) -> None:
        for who in clients:
            assert self.core.leave(who, self.now) == []

    def wait(self, seconds: float) -> list[Action]:
        """Let time pass, with a tick whenever the core asks for one."""
        end, actions = self.now + seconds, []
        while (due := self.core.wake_at()) is not None and due <= end:
            self.now = max(self.now, due)
            actions += self._note(self.core.tick(self.now))
        self.now = end
        return actions

    def room(self, who: ClientId) -> str | None:
        return self.matches[who].room_id if who in self.matches else None

    def together(self, one: ClientId, other: ClientId) -> bool:
        return self.room(one) is not None and self.room(one) == self.room(other)

    def _note(self, actions: list[Action]) -> list[Action]:
        for action in actions:
            match action:
                case Send(who, text):
                    assert who not in self.matches, "one MATCH is all that a client gets"
                    self.matches[who] = parse_match(text)
                case Close(who, code, reason):
                    self.closed[who] = code, reason
        return actions


def bookkeeping(core: object) -> dict[str, int]:
    """The sizes of all collections that a core still holds something in."""
    return {
        name: len(value) for name, value in vars(core).items() if isinstance(value, dict | list | set | deque) and value
    }


@pytest.fixture
def line() -> Line:
    return Line()


class TestAPair:
    def test_is_made_of_one_who_waits_and_a_newcomer(self, line: Line) -> None:
        assert line.enter("ann") == []
        assert line.core.waiting == 1
        actions = line.enter("bob")
        assert line.core.waiting == 0
        assert [json.loads(action.text) for action in actions if isinstance(action, Send)] == [
            {"type": "MATCH", "room_id": "room-1", "user_id": "peer", "created_at": NOON},
            {"type": "MATCH", "room_id": "room-1", "user_id": "user bob", "created_at": NOON},
        ]
        assert [action.client for action in actions] == ["ann", "bob"]

    def test_has_a_room_of_its_own_that_nobody_can_guess(self) -> None:
        core = Matchmaking()
        rooms = [
            parse_match(action.text).room_id
            for number in range(200)
            for action in core.receive(number, join(f"user {number}"), 0.0)
            if isinstance(action, Send)
        ]
        assert sorted(Counter(rooms).values()) == [2] * 100
        assert min(len(room) for room in rooms) >= 32

    def test_that_closes_after_its_match_leaves_nothing_behind(self, line: Line) -> None:
        line.enter("ann"), line.enter("bob")
        line.leave("ann", "bob")
        assert bookkeeping(line.core) == {}
        assert line.core.wake_at() is None

    def test_that_does_not_close_is_closed_by_the_server(self, line: Line) -> None:
        line.enter("ann"), line.enter("bob")
        line.leave("ann")
        assert line.core.wake_at() == line.now + GRACE
        line.wait(GRACE)
        assert set(line.closed) == {"bob"}
        assert line.closed["bob"][0] == 1000
        assert bookkeeping(line.core) == {}

    def test_is_left_alone_before_its_time_to_close_has_come(self, line: Line) -> None:
        line.enter("ann"), line.enter("bob")
        assert line.wait(GRACE - 0.1) == []
        assert line.core.tick(line.now) == []


class TestOneWhoLeft:
    def test_is_not_matched(self, line: Line) -> None:
        line.enter("ghost")
        line.leave("ghost")
        assert line.enter("ann") == []
        line.enter("bob")
        assert line.together("ann", "bob")

    def test_is_not_matched_when_patience_would_have_ended(self, line: Line) -> None:
        line.enter("ghost", "chess", after="room")
        line.enter("ann", "go")
        line.leave("ghost")
        assert line.wait(10) == []
        assert line.core.waiting == 1

    def test_leaves_no_trace_once_its_time_would_have_come(self, line: Line) -> None:
        line.enter("ghost", "chess", "go", after="room")
        line.leave("ghost")
        line.wait(2 * PATIENCE)
        assert bookkeeping(line.core) == {}

    def test_may_leave_again_and_one_never_seen_may_too(self, line: Line) -> None:
        line.enter("ann")
        line.leave("ann", "ann", "nobody")

    def test_may_come_back(self, line: Line) -> None:
        line.enter("ann")
        line.leave("ann")
        line.enter("ann")
        line.enter("bob")
        assert line.together("ann", "bob")


class TestAUser:
    def test_is_never_matched_with_itself(self, line: Line) -> None:
        line.enter("tab 1", user="ann"), line.enter("tab 2", user="ann")
        assert line.wait(60) == []
        assert line.core.waiting == 2

    def test_is_never_matched_with_itself_over_an_interest(self, line: Line) -> None:
        line.enter("tab 1", "chess", user="ann", after="r"), line.enter("tab 2", "chess", user="ann", after="r")
        assert line.wait(60) == []

    def test_in_two_tabs_meets_two_strangers(self, line: Line) -> None:
        line.enter("tab 1", user="ann"), line.enter("tab 2", user="ann")
        line.enter("bob"), line.enter("cleo")
        assert {line.room("tab 1"), line.room("tab 2")} == {line.room("bob"), line.room("cleo")}
        assert not line.together("tab 1", "tab 2")

    def test_in_two_tabs_is_met_in_either_by_chance(self) -> None:
        met = Counter()
        for seed in range(100):
            line = Line(seed)
            line.enter("tab 1", user="ann"), line.enter("tab 2", user="ann")
            line.enter("bob")
            met[line.together("tab 1", "bob")] += 1
        assert min(met[True], met[False]) > 25

    def test_in_a_hundred_tabs_hides_nobody(self, line: Line) -> None:
        for tab in range(100):
            line.enter(f"tab {tab}", user="ann", after="room")
        line.enter("friend", after="room")
        assert line.enter("another tab", user="ann") != []
        assert line.together("friend", "another tab")


class TestInterests:
    def test_shared_pair_at_once_past_others_who_wait(self, line: Line) -> None:
        line.enter("ann", "chess"), line.enter("bob", "go"), line.enter("cleo", "music")
        line.enter("dan", "films", "go")
        assert line.together("dan", "bob")
        assert line.core.waiting == 2

    def test_shared_are_named_in_both_matches(self, line: Line) -> None:
        line.enter("ann", "chess", "go", "music"), line.enter("bob", "music", "films", "chess")
        assert line.matches["ann"].interests == line.matches["bob"].interests == ("music", "chess")

    def test_are_compared_without_case_and_outer_spaces(self, line: Line) -> None:
        line.enter("ann", " Straße "), line.enter("bob", "STRASSE")
        assert line.together("ann", "bob")

    def test_not_shared_keep_two_apart_until_patience_ends(self, line: Line) -> None:
        line.enter("ann", "chess"), line.enter("bob", "go")
        assert line.wait(PATIENCE - 0.1) == []
        line.wait(0.1)
        assert line.together("ann", "bob")
        assert line.matches["ann"].interests == ()

    def test_are_waited_for_by_each_for_its_own_time(self, line: Line) -> None:
        line.enter("ann", "chess")
        line.wait(2)
        line.enter("bob", "go")
        line.wait(1)
        assert line.matches == {}, "ann will take anyone now, bob not yet"
        line.wait(2)
        assert line.together("ann", "bob")

    def test_of_one_who_will_take_anyone_now_still_count(self, line: Line) -> None:
        line.enter("ann", "chess")
        line.wait(PATIENCE)
        line.enter("bob", "chess")
        assert line.together("ann", "bob")

    def test_shared_are_preferred_among_those_who_may_meet_again(self) -> None:
        for seed in range(20):
            line = Line(seed)
            line.enter("ann", "chess", after="room"), line.enter("bob", "go", after="room")
            line.enter("cleo", "chess", after="room")
            line.wait(2 * PATIENCE)
            assert line.together("ann", "cleo")

    def test_meet_nobody_without_any_before_patience_ends(self, line: Line) -> None:
        line.enter("ann"), line.enter("bob", "chess")
        assert line.matches == {}
        line.wait(PATIENCE)
        assert line.together("ann", "bob")

    def test_and_a_newcomer_without_any_meet_once_patience_has_ended(self, line: Line) -> None:
        line.enter("ann", "chess")
        line.wait(PATIENCE)
        line.enter("bob")
        assert line.together("ann", "bob")

    def test_shared_by_several_leave_the_choice_to_chance(self) -> None:
        met = Counter()
        for seed in range(100):
            line = Line(seed)
            line.enter("ann", "chess"), line.enter("bob", "go")
            line.enter("cleo", "go", "chess")
            met["ann" if line.together("ann", "cleo") else "bob"] += 1
        assert min(met["ann"], met["bob"]) > 25


class TestNext:
    def test_does_not_give_the_same_stranger_while_others_wait(self) -> None:
        for seed in range(20):
            line = Line(seed)
            line.enter("ann", after="room"), line.enter("bob", after="room")
            assert line.matches == {}
            line.enter("cleo")
            assert line.room("cleo") is not None
            assert not line.together("ann", "bob")

    def test_gives_the_same_stranger_over_no_shared_interest_either(self, line: Line) -> None:
        line.enter("ann", "chess", after="room"), line.enter("bob", "chess", after="room")
        assert line.wait(2 * PATIENCE - 0.1) == []

    def test_gives_the_same_stranger_when_nobody_else_came(self, line: Line) -> None:
        line.enter("ann", after="room")
        line.wait(1)
        line.enter("bob", after="room")
        assert line.wait(2 * PATIENCE - 0.1) == []
        line.wait(0.1)
        assert line.together("ann", "bob")

    def test_passes_over_one_of_the_same_room_who_has_left(self, line: Line) -> None:
        line.enter("ann", after="room"), line.enter("bob", after="room")
        line.leave("ann")
        assert line.wait(10 * PATIENCE) == []
        assert line.core.waiting == 1

    def test_does_not_separate_two_who_come_from_different_rooms(self, line: Line) -> None:
        line.enter("ann", after="room 1"), line.enter("bob", after="room 2")
        assert line.together("ann", "bob")

    def test_makes_a_whole_room_meet_again_in_pairs(self, line: Line) -> None:
        """Whoever lies about the room it comes from gains and loses nothing."""
        for number in range(20):
            line.enter(number, *(["go"] if number == 0 else []), after="room")
        line.wait(2 * PATIENCE)
        assert line.core.waiting == 0
        assert set(Counter(match.room_id for match in line.matches.values()).values()) == {2}


class TestFrames:
    def test_beyond_the_first_end_the_wait(self, line: Line) -> None:
        line.enter("ann")
        line.say("ann", join("ann"))
        assert line.closed["ann"][0] == 1008
        assert line.enter("bob") == [], "ann is out of the line"

    def test_after_the_match_end_it_for_the_sender_alone(self, line: Line) -> None:
        line.enter("ann"), line.enter("bob")
        assert line.say("ann", "thanks") == [Close("ann", *line.closed["ann"])]
        assert "bob" not in line.closed

    @pytest.mark.parametrize("text", ["", "hello", "[]", "{}", '{"user_id":1,"created_at":"now"}', "[" * 100_000])
    def test_that_are_no_join_are_refused_in_words(self, line: Line, text: str) -> None:
        (refusal,) = line.say("ann", text)
        assert isinstance(refusal, Close)
        assert refusal.code in (1007, 1008)
        assert 10 < len(refusal.reason.encode()) <= 123
        assert bookkeeping(line.core) == {}


# --- properties --------------------------------------------------------------------------------------------------


@dataclass
class Waiting:
    """What the model knows of one who waits; nothing of how the line is kept."""

    user: str
    interests: frozenset[str]
    after: str | None
    since: float

    def takes_anyone(self, now: float) -> bool:
        return not self.interests or now >= self.since + PATIENCE

    def could_meet(self, other: "Waiting", now: float) -> bool:
        if self.user == other.user:
            return False
        met_before = self.after is not None and self.after == other.after
        if met_before and now < max(self.since, other.since) + 2 * PATIENCE:
            return False
        return bool(self.interests & other.interests) or (self.takes_anyone(now) and other.takes_anyone(now))


USERS = st.sampled_from(["ann", "bob", "cleo"]) | st.uuids().map(str)
INTERESTS = st.lists(st.sampled_from(["chess", "go", "music"]), max_size=2, unique=True)
ROOMS = st.none() | st.sampled_from(["room-1", "room-2", "old"])
RUBBISH = st.text() | st.sampled_from(["{}", "[]", "null", '{"user_id":"","created_at":""}', "[" * 5000])


class AnyInterleaving(RuleBasedStateMachine):
    """Joins, leaves, frames, rubbish and time in any order, held against a model that compares all with all."""

    def __init__(self) -> None:
        super().__init__()
        rooms = count(1)
        self.core = Matchmaking(patience=PATIENCE, chance=random.Random(1), new_room=lambda: f"room-{next(rooms)}")
        self.now = 0.0
        self.ticked = 0.0
        self.names = count(1)
        self.waiting: dict[int, Waiting] = {}
        self.matched: set[int] = set()
        self.rooms: set[str] = set()

    @rule(user=USERS, interests=INTERESTS, after=ROOMS)
    def a_newcomer(self, user: str, interests: list[str], after: str | None) -> None:
        who = next(self.names)
        self.waiting[who] = Waiting(user, frozenset(interests), after, self.now)
        self.check(self.core.receive(who, join(user, *interests, after=after), self.now))

    @rule(user=USERS, interests=INTERESTS, after=ROOMS, tabs=st.integers(9, 12))
    def one_comes_in_many_tabs(self, user: str, interests: list[str], after: str | None, tabs: int) -> None:
        for _ in range(tabs):
            self.a_newcomer(user, interests, after)

    @rule(after=ROOMS, interests=INTERESTS, strangers=st.integers(9, 12))
    def many_come(self, after: str | None, interests: list[str], strangers: int) -> None:
        for number in range(strangers):
            self.a_newcomer(f"stranger {number}", interests, after)

    @rule(text=RUBBISH)
    def rubbish_from_a_newcomer(self, text: str) -> None:
        who = next(self.names)
        (refusal,) = self.core.receive(who, text, self.now)
        assert isinstance(refusal, Close)
        assert refusal.client == who

    @precondition(lambda self: self.waiting or self.matched)
    @rule(data=st.data(), text=RUBBISH | st.just(join("ann")))
    def a_second_frame(self, data: st.DataObject, text: str) -> None:
        who = data.draw(st.sampled_from(sorted([*self.waiting, *self.matched])))
        (refusal,) = self.core.receive(who, text, self.now)
        assert isinstance(refusal, Close)
        assert refusal.client == who
        self.forget(who)

    @precondition(lambda self: self.waiting or self.matched)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(sorted([*self.waiting, *self.matched])))
        self.forget(who)
        assert self.core.leave(who, self.now) == []

    @rule(who=st.integers(-3, -1))
    def an_unknown_leaves(self, who: int) -> None:
        assert self.core.leave(who, self.now) == []

    @rule(halves=st.integers(1, 14))
    def time_passes_with_a_tick_when_due(self, halves: int) -> None:
        end = self.now + halves / 2
        while (due := self.core.wake_at()) is not None and due <= end:
            self.now = max(self.now, due)
            self.tick()
        self.now = end

    @rule(halves=st.integers(1, 14))
    def time_passes_and_the_tick_is_late(self, halves: int) -> None:
        self.now += halves / 2

    @rule()
    def tick(self) -> None:
        self.ticked = self.now
        self.check(self.core.tick(self.now))

    def forget(self, who: int) -> None:
        self.waiting.pop(who, None)
        self.matched.discard(who)

    def check(self, actions: Iterable[Action]) -> None:
        """A MATCH goes to two at once, who both wait, may meet, and get one new room."""
        sent: dict[str, list[int]] = {}
        for action in actions:
            who = action.client
            if isinstance(action, Close):
                assert who in self.matched, "only after MATCH does the server close by itself"
                self.matched.remove(who)
                continue
            match = parse_match(action.text)
            assert who in self.waiting, "a MATCH for a ghost"
            expected = "peer" if not sent.get(match.room_id) else self.waiting[who].user
            assert match.user_id == expected
            sent.setdefault(match.room_id, []).append(who)
        for room, pair in sent.items():
            assert len(pair) == 2, "a lost partner"
            assert room not in self.rooms, "a room of another pair"
            self.rooms.add(room)
            one, other = (self.waiting.pop(who) for who in pair)
            assert one.could_meet(other, self.now)
            self.matched |= set(pair)

    @invariant()
    def nobody_waits_who_could_be_paired(self) -> None:
        due = self.core.wake_at()
        if due is not None and due <= self.now:
            return  # the tick is late
        for one, other in combinations(self.waiting.values(), 2):
            assert not one.could_meet(other, self.now), "these two starve"

    @invariant()
    def the_line_is_as_long_as_those_who_wait(self) -> None:
        assert self.core.waiting == len(self.waiting)

    def teardown(self) -> None:
        for who in [*self.waiting, *self.matched]:
            self.core.leave(who, self.now)
        assert self.core.waiting == 0
        self.core.tick(self.now + max(2 * PATIENCE, GRACE))
        assert bookkeeping(self.core) == {}
        assert self.core.wake_at() is None


TestAnyInterleaving = AnyInterleaving.TestCase
TestAnyInterleaving.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


# --- what it costs -----------------------------------------------------------------------------------------------


@dataclass
class Calls:
    """Counts the calls of Python and C functions while something runs: work without a clock."""

    made: int = 0
    _before: object = field(default=None, init=False)

    def __enter__(self) -> "Calls":
        self._before = sys.getprofile()
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self._before)

    def _count(self, _frame: FrameType, event: str, _argument: object) -> None:
        self.made += event in ("call", "c_call")


def work(waiting: int) -> dict[str, int]:
    """The calls that each of these takes where so many wait, each with an interest that nobody shares."""
    core = Matchmaking(patience=PATIENCE, chance=random.Random(1), new_room=lambda: "room")
    for number in range(waiting):
        core.receive(number, join(f"user {number}", f"word {number}"), 0.0)
    assert core.waiting == waiting
    steps: dict[str, Callable[[], list[Action] | float | None]] = {
        "a match": lambda: core.receive("ann", join("ann", "word 50"), 1.0),
        "one more who waits": lambda: core.receive("bob", join("bob", "word"), 1.0),
        "one who leaves": lambda: core.leave(70, 1.0),
        "a tick with nothing due": lambda: core.tick(1.0),
        "asking for the next tick": lambda: core.wake_at(),
    }
    made = {}
    for name, step in steps.items():
        with Calls() as calls:
            step()
        made[name] = calls.made
    assert core.waiting == waiting - 1
    return made


def test_the_work_does_not_grow_with_the_line() -> None:
    assert work(100_000) == work(100)


def test_the_work_does_not_grow_with_the_tabs_of_one_user() -> None:
    def work_for_one_more_tab_and_for_a_stranger(tabs: int) -> list[int]:
        core = Matchmaking(patience=PATIENCE, chance=random.Random(1), new_room=lambda: "room")
        for tab in range(tabs):
            core.receive(tab, join("ann"), 0.0)
        made = []
        for who, user in (("tab", "ann"), ("new", "bob")):
            with Calls() as calls:
                core.receive(who, join(user), 0.0)
            made.append(calls.made)
        assert core.waiting == tabs
        return made

    assert work_for_one_more_tab_and_for_a_stranger(10_000) == work_for_one_more_tab_and_for_a_stranger(100)


def test_the_work_for_each_does_not_grow_when_patience_ends_for_all() -> None:
    def work_for_each(waiting: int) -> float:
        core = Matchmaking(patience=PATIENCE, chance=random.Random(1), new_room=lambda: "room")
        for number in range(waiting):
            core.receive(number, join(f"user {number}", f"word {number}"), 0.0)
        with Calls() as calls:
            core.tick(PATIENCE)
        assert core.waiting == 0
        return calls.made / waiting

    assert work_for_each(10_000) <= work_for_each(100) * 1.05
