"""Rooms of two: who is let in, what is relayed and who is told of a leaving, by example and by properties."""

import json
from collections import deque
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from p2pchat.core import Action, ClientId, Close, Send
from p2pchat.messages import Answer, Bye, Candidate, Connected, Offer, Ping, Pong, Register
from p2pchat.signaling import Signaling

OFFER = Offer("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n").to_json()
ANSWER = Answer("v=0\r\no=- 2 2 IN IP4 0.0.0.0\r\n").to_json()
CANDIDATE = Candidate({"candidate": "candidate:1 1 udp 1 10.0.0.1 9 typ host", "sdpMid": "0"}).to_json()
PING, PONG, BYE, CONNECTED = (frame.to_json() for frame in (Ping(), Pong(), Bye(), Connected()))


def register(room: str = "room", *, standalone: bool = False) -> str:
    return Register(room, standalone=standalone).to_json()


def sent(actions: list[Action]) -> list[tuple[ClientId, dict[str, Any]]]:
    """The frames among the actions, read."""
    return [(action.client, json.loads(action.text)) for action in actions if isinstance(action, Send)]


def closed(actions: list[Action]) -> dict[ClientId, int]:
    """Who is closed, and with which code."""
    return {action.client: action.code for action in actions if isinstance(action, Close)}


def bookkeeping(core: object) -> dict[str, int]:
    """The sizes of all collections that a core still holds something in."""
    return {
        name: len(value) for name, value in vars(core).items() if isinstance(value, dict | list | set | deque) and value
    }


@pytest.fixture
def core() -> Signaling:
    numbers = count(1)
    return Signaling(new_connection=lambda: f"connection-{next(numbers)}")


@pytest.fixture
def pair(core: Signaling) -> Signaling:
    """A core with ann and bob in a room."""
    core.receive("ann", register(), 0.0)
    core.receive("bob", register(), 0.0)
    return core


class TestARoom:
    def test_tells_the_first_that_nobody_is_there(self, core: Signaling) -> None:
        actions = core.receive("ann", register(), 0.0)
        assert sent(actions) == [
            (
                "ann",
                {"type": "accept", "connectionId": "connection-1", "isExistClient": False, "isExistUser": False},
            )
        ]
        assert closed(actions) == {}
        assert core.rooms == 1

    def test_tells_the_second_by_both_flags_that_it_makes_the_offer(self, core: Signaling) -> None:
        core.receive("ann", register(), 0.0)
        actions = core.receive("bob", register(), 0.0)
        assert sent(actions) == [
            ("bob", {"type": "accept", "connectionId": "connection-2", "isExistClient": True, "isExistUser": True})
        ]
        assert core.rooms == 1

    def test_turns_the_third_away(self, pair: Signaling) -> None:
        actions = pair.receive("eve", register(), 0.0)
        assert actions == [
            Send("eve", '{"type":"reject","reason":"full"}'),
            Close("eve", 1000, "the room is full: a room is for two"),
        ]
        assert pair.receive("ann", OFFER, 0.0) == [Send("bob", OFFER)], "the two are not disturbed"

    def test_tells_the_ice_servers_to_both(self) -> None:
        servers = [{"urls": ["turn:host"], "username": "u", "credential": "p"}]
        core = Signaling(ice_servers=servers)
        for who in ("ann", "bob"):
            ((_, accept),) = sent(core.receive(who, register(), 0.0))
            assert accept["iceServers"] == servers

    def test_is_apart_from_all_others(self, pair: Signaling) -> None:
        ((_, accept),) = sent(pair.receive("cleo", register("another"), 0.0))
        assert accept["isExistClient"] is False
        assert pair.receive("cleo", OFFER, 0.0) == []
        assert pair.rooms == 2

    def test_gives_each_connection_an_id_of_its_own(self) -> None:
        core = Signaling()
        ids = {sent(core.receive(who, register(f"r{who}"), 0.0))[0][1]["connectionId"] for who in range(100)}
        assert len(ids) == 100

    def test_can_be_used_again_when_both_have_left(self, pair: Signaling) -> None:
        pair.leave("ann", 1.0)
        ((_, accept),) = sent(pair.receive("cleo", register(), 2.0))
        assert accept["isExistClient"] is False


class TestTheRelay:
    @pytest.mark.parametrize("frame", [OFFER, ANSWER, CANDIDATE])
    def test_goes_both_ways(self, pair: Signaling, frame: str) -> None:
        assert pair.receive("ann", frame, 0.0) == [Send("bob", frame)]
        assert pair.receive("bob", frame, 0.0) == [Send("ann", frame)]

    @pytest.mark.parametrize(
        "frame",
        [
            '{ "sdp" : "v=0\\r\\n",\t"type":"offer", "x": {"y": [1.50, 1e999, -0, null]} }',
            '{"type":"candidate","ice":{"candidate":"","sdpMid":"0","usernameFragment":"\\u00e9\\ud83d"}, "é":"😀"}',
            '{"type":"candidate","ice":null}',
            '{"type":"answer","sdp":"a","sdp":"b"}',
            '\n{"type":"offer","sdp":"' + "a=candidate " * 50_000 + '"}\n',
        ],
        ids=lambda frame: frame[:30],
    )
    def test_keeps_every_byte(self, pair: Signaling, frame: str) -> None:
        assert pair.receive("ann", frame, 0.0) == [Send("bob", frame)]

    def test_to_nobody_goes_nowhere(self, core: Signaling) -> None:
        core.receive("ann", register(), 0.0)
        assert core.receive("ann", OFFER, 0.0) == []


class TestALeaving:
    def test_is_told_to_the_one_left_behind(self, pair: Signaling) -> None:
        assert pair.leave("ann", 1.0) == [Send("bob", BYE), Close("bob", 1000, "the other one left")]
        assert pair.rooms == 0

    def test_of_the_last_is_told_to_nobody(self, core: Signaling) -> None:
        core.receive("ann", register(), 0.0)
        assert core.leave("ann", 1.0) == []
        assert core.rooms == 0

    def test_twice_or_of_an_unknown_is_harmless(self, pair: Signaling) -> None:
        pair.leave("ann", 1.0)
        assert pair.leave("ann", 1.0) == []
        assert pair.leave("bob", 1.0) == []
        assert pair.leave("nobody", 1.0) == []

    def test_leaves_nothing_behind(self, pair: Signaling) -> None:
        pair.leave("ann", 1.0)
        assert pair.tick(5.0) == []
        assert bookkeeping(pair) == {}
        assert pair.wake_at() is None


class TestPings:
    def test_from_a_client_are_answered(self, pair: Signaling) -> None:
        assert pair.receive("ann", PING, 0.0) == [Send("ann", PONG)]

    def test_from_one_who_has_not_registered_are_answered_too(self, core: Signaling) -> None:
        assert core.receive("ann", PING, 0.0) == [Send("ann", PONG)]
        assert core.receive("ann", PONG, 0.0) == []

    def test_go_to_everybody_every_five_seconds(self, core: Signaling) -> None:
        core.receive("ann", register(), 0.0)
        core.receive("bob", register(), 2.0)
        assert core.wake_at() == 5.0
        assert core.tick(4.9) == []
        assert core.tick(5.0) == [Send("ann", PING)]
        assert core.wake_at() == 7.0
        assert core.tick(7.0) == [Send("bob", PING)]
        assert core.tick(12.5) == [Send("ann", PING), Send("bob", PING)]

    def test_that_are_answered_keep_a_silent_pair_alive(self, pair: Signaling) -> None:
        for second in range(5, 600, 5):
            assert pair.tick(second) == [Send("ann", PING), Send("bob", PING)]
            assert pair.receive("ann", PONG, second) == []
            assert pair.receive("bob", PONG, second) == []

    def test_that_are_not_answered_end_in_a_goodbye(self, pair: Signaling) -> None:
        for second in range(5, 60, 5):
            pair.tick(second)
            pair.receive("bob", PONG, second)
        actions = pair.tick(60)
        assert closed(actions) == {"ann": 1008, "bob": 1000}
        assert sent(actions) == [
            ("ann", {"type": "reject", "reason": "nothing heard from you for 60 seconds, not even a pong"}),
            ("bob", {"type": "bye"}),
        ]
        assert pair.tick(120) == []
        assert bookkeeping(pair) == {}

    def test_are_not_needed_from_one_who_says_something_else(self, pair: Signaling) -> None:
        for second in range(5, 120, 5):
            pair.receive("ann", CANDIDATE, second)
            pair.receive("bob", PING, second)
            assert closed(pair.tick(second)) == {}

    def test_go_to_nobody_who_has_left_or_come_back(self, core: Signaling) -> None:
        core.receive("ann", register(), 0.0)
        core.leave("ann", 1.0)
        core.receive("ann", register(), 2.0)
        assert core.tick(5.0) == []
        assert core.tick(7.0) == [Send("ann", PING)]


class TestConnected:
    def test_in_standalone_mode_ends_the_connection_in_peace(self, core: Signaling) -> None:
        core.receive("ann", register(standalone=True), 0.0)
        core.receive("bob", register(standalone=True), 0.0)
        assert closed(core.receive("ann", CONNECTED, 1.0)) == {"ann": 1000}
        assert sent(core.receive("bob", CANDIDATE, 1.0)) == []
        assert closed(core.receive("bob", CONNECTED, 1.0)) == {"bob": 1000}
        core.tick(60)
        assert bookkeeping(core) == {}

    def test_says_no_bye_to_the_other(self, core: Signaling) -> None:
        core.receive("ann", register(standalone=True), 0.0)
        core.receive("bob", register(), 0.0)
        actions = core.receive("ann", CONNECTED, 1.0)
        assert sent(actions) == []
        assert core.leave("ann", 1.0) == []
        assert core.leave("bob", 2.0) == []
        assert core.rooms == 0

    def test_lets_nobody_into_the_half_empty_room(self, core: Signaling) -> None:
        core.receive("ann", register(standalone=True), 0.0)
        core.receive("bob", register(), 0.0)
        core.receive("ann", CONNECTED, 1.0)
        assert sent(core.receive("eve", register(), 2.0)) == [("eve", {"type": "reject", "reason": "full"})]

    def test_without_standalone_changes_nothing(self, pair: Signaling) -> None:
        assert pair.receive("ann", CONNECTED, 0.0) == []
        assert pair.receive("ann", CANDIDATE, 0.0) == [Send("bob", CANDIDATE)]


class TestABrokenRule:
    @pytest.mark.parametrize("frame", [OFFER, ANSWER, CANDIDATE, CONNECTED])
    def test_a_frame_before_the_register(self, core: Signaling, frame: str) -> None:
        reason = "register first: no other frame comes before it"
        actions = core.receive("ann", frame, 0.0)
        assert sent(actions) == [("ann", {"type": "reject", "reason": reason})]
        assert actions[-1] == Close("ann", 1008, reason)

    def test_a_second_register_costs_the_place(self, pair: Signaling) -> None:
        actions = pair.receive("ann", register("another"), 0.0)
        assert closed(actions) == {"ann": 1008, "bob": 1000}
        assert pair.rooms == 0

    @pytest.mark.parametrize(
        "frame", [BYE, '{"type":"accept","connectionId":"c"}', '{"type":"reject","reason":"no"}'], ids=str
    )
    def test_what_only_a_server_says(self, pair: Signaling, frame: str) -> None:
        actions = pair.receive("ann", frame, 0.0)
        kind = json.loads(frame)["type"]
        assert Close("ann", 1008, f"only a server says {kind!r}") in actions
        assert Send("bob", BYE) in actions

    @pytest.mark.parametrize(
        ("text", "code"),
        [("", 1007), ("[" * 100_000, 1007), ("[]", 1008), ('{"type":"dance"}', 1008), ('{"type":"offer"}', 1008)],
        ids=lambda value: str(value)[:20],
    )
    def test_rubbish_is_refused_in_words_and_the_other_is_told(self, pair: Signaling, text: str, code: int) -> None:
        actions = pair.receive("ann", text, 0.0)
        assert closed(actions) == {"ann": code, "bob": 1000}
        reject, bye = sent(actions)
        assert reject[0] == "ann"
        assert reject[1]["type"] == "reject"
        assert len(reject[1]["reason"]) > 10
        assert bye == ("bob", {"type": "bye"})
        assert next(action.reason for action in actions if isinstance(action, Close)) == reject[1]["reason"]

    def test_does_not_disturb_another_room(self, pair: Signaling) -> None:
        pair.receive("cleo", register("another"), 0.0)
        assert {action.client for action in pair.receive("cleo", "rubbish", 0.0)} == {"cleo"}


# --- properties --------------------------------------------------------------------------------------------------

ROOMS = st.sampled_from(["room", "another", "a third"])
RELAYED = st.builds(
    lambda kind, fields, indent: json.dumps(kind | {"x": fields}, indent=indent),
    st.sampled_from(
        [{"type": "offer", "sdp": "v=0"}, {"type": "answer", "sdp": "v=0"}, {"type": "candidate", "ice": {}}]
    ),
    st.text() | st.integers() | st.lists(st.none()),
    st.none() | st.integers(0, 2),
)
RUBBISH = st.text() | st.sampled_from([*("{}", "[]", "null", "NaN", "[" * 5000, BYE), '{"type":"offer","sdp":1}'])


class AnyInterleaving(RuleBasedStateMachine):
    """Registers, frames, rubbish, leavings and time in any order, held against a model that is a list of rooms."""

    def __init__(self) -> None:
        super().__init__()
        self.core = Signaling()
        self.now = 0.0
        self.names = count(1)
        self.rooms: dict[str, list[int]] = {}  # who is in it now
        self.had_two: set[str] = set()
        self.standalone: set[int] = set()
        self.heard: dict[int, float] = {}  # of everybody who is in a room

    def partners(self, who: int) -> list[int]:
        (room,) = (room for room in self.rooms.values() if who in room)
        return [other for other in room if other != who]

    def somebody(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(sorted(self.heard)))

    def receive(self, who: int, text: str) -> list[Action]:
        if who in self.heard:
            self.heard[who] = self.now
        return self.core.receive(who, text, self.now)

    @rule(room=ROOMS, standalone=st.booleans())
    def come(self, room: str, standalone: bool) -> None:
        who = next(self.names)
        members = self.rooms.get(room, [])
        actions = self.receive(who, register(room, standalone=standalone))
        if room in self.had_two:
            assert sent(actions) == [(who, {"type": "reject", "reason": "full"})]
            assert closed(actions) == {who: 1000}
            return
        ((target, accept),) = sent(actions)
        assert target == who
        assert accept["type"] == "accept"
        assert accept["isExistClient"] is accept["isExistUser"] is bool(members), "exactly one of a pair offers"
        assert closed(actions) == {}
        self.rooms[room] = [*members, who]
        self.heard[who] = self.now
        if standalone:
            self.standalone.add(who)
        if members:
            self.had_two.add(room)

    @precondition(lambda self: self.heard)
    @rule(data=st.data(), frames=st.lists(RELAYED, min_size=1, max_size=4))
    def say_what_is_relayed(self, data: st.DataObject, frames: list[str]) -> None:
        who = self.somebody(data)
        actions = [action for frame in frames for action in self.receive(who, frame)]
        assert actions == [Send(other, frame) for frame in frames for other in self.partners(who)]

    @precondition(lambda self: self.heard)
    @rule(data=st.data())
    def ping(self, data: st.DataObject) -> None:
        who = self.somebody(data)
        assert self.receive(who, PING) == [Send(who, PONG)]

    @precondition(lambda self: self.heard)
    @rule(data=st.data())
    def pong(self, data: st.DataObject) -> None:
        assert self.receive(self.somebody(data), PONG) == []

    @precondition(lambda self: self.heard)
    @rule(data=st.data())
    def connected(self, data: st.DataObject) -> None:
        who = self.somebody(data)
        actions = self.receive(who, CONNECTED)
        assert sent(actions) == []
        if who in self.standalone:
            assert closed(actions) == {who: 1000}
            self.forget(who, with_partner=False)
        else:
            assert closed(actions) == {}

    @precondition(lambda self: self.heard)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        who = self.somebody(data)
        self.expect_goodbye(self.core.leave(who, self.now), self.forget(who))

    @precondition(lambda self: self.heard)
    @rule(data=st.data(), text=RUBBISH | ROOMS.map(register))
    def break_a_rule(self, data: st.DataObject, text: str) -> None:
        who = self.somebody(data)
        self.expect_dismissal(who, self.receive(who, text))

    @rule(text=RUBBISH | RELAYED | st.just(CONNECTED))
    def a_stranger_breaks_a_rule(self, text: str) -> None:
        who = next(self.names)
        actions = self.receive(who, text)
        assert [(target, frame["type"]) for target, frame in sent(actions)] == [(who, "reject")]
        assert set(closed(actions)) == {who}

    @rule(who=st.integers(-3, -1))
    def an_unknown_leaves(self, who: int) -> None:
        assert self.core.leave(who, self.now) == []

    @rule(seconds=st.integers(1, 40))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds
        actions = self.core.tick(self.now)
        pinged = [action.client for action in actions if action == Send(action.client, PING)]
        assert len(set(pinged)) == len(pinged), "one ping is enough"
        assert set(pinged) <= set(self.heard), "a ping for one who is gone"
        rest = [action for action in actions if action != Send(action.client, PING)]
        for who, code in closed(rest).items():
            if code == 1008:
                assert self.heard[who] + 60 <= self.now, "given up too early"
                whose = {who, *self.partners(who)}
                self.expect_dismissal(who, [action for action in rest if action.client in whose])
        assert not set(closed(rest)) & set(self.heard)
        assert all(self.now < heard + 60 + 5 for heard in self.heard.values()), "never given up"

    def expect_dismissal(self, who: int, actions: list[Action]) -> None:
        """First a reject and a close for who broke a rule, then a goodbye for who is left."""
        reject, close = actions[:2]
        assert isinstance(reject, Send)
        assert isinstance(close, Close)
        assert reject.client == close.client == who
        assert json.loads(reject.text) == {"type": "reject", "reason": close.reason}
        assert close.code in (1007, 1008)
        self.expect_goodbye(actions[2:], self.forget(who))

    def expect_goodbye(self, actions: list[Action], left_behind: list[int]) -> None:
        assert sent(actions) == [(other, {"type": "bye"}) for other in left_behind]
        assert closed(actions) == dict.fromkeys(left_behind, 1000)

    def forget(self, who: int, *, with_partner: bool = True) -> list[int]:
        """Take one out of the model, with whom it leaves behind. Returns: those."""
        (name,) = (name for name, room in self.rooms.items() if who in room)
        left_behind = self.partners(who)
        gone = [who, *left_behind] if with_partner else [who]
        self.rooms[name] = [member for member in self.rooms[name] if member not in gone]
        for member in gone:
            del self.heard[member]
        if not self.rooms[name]:
            del self.rooms[name]
            self.had_two.discard(name)
        return left_behind

    @invariant()
    def nobody_is_a_third(self) -> None:
        assert all(len(room) <= 2 for room in self.rooms.values())
        assert self.core.rooms == len(self.rooms)

    def teardown(self) -> None:
        for who in list(self.heard):
            self.core.leave(who, self.now)
        assert self.core.rooms == 0
        assert self.core.tick(self.now + 5) == []
        assert bookkeeping(self.core) == {}
        assert self.core.wake_at() is None


TestAnyInterleaving = AnyInterleaving.TestCase
TestAnyInterleaving.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@settings(deadline=None)
@given(script=st.lists(st.tuples(st.booleans(), RELAYED), max_size=30))
def test_relays_arrive_in_order_and_equal(script: list[tuple[bool, str]]) -> None:
    core = Signaling()
    core.receive(False, register(), 0.0)
    core.receive(True, register(), 0.0)
    arrived: dict[ClientId, list[str]] = {False: [], True: []}
    for who, frame in script:
        for action in core.receive(who, frame, 0.0):
            assert isinstance(action, Send)
            arrived[action.client].append(action.text)
    for who in (False, True):
        assert arrived[who] == [frame for sender, frame in script if sender is not who]
