"""Frames: what is written can be read, what others write can be read, and rubbish gives one clear error each."""

import json
import math
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import Core, Send
from p2pchat.errors import FrameError
from p2pchat.matchmaking import Matchmaking
from p2pchat.messages import (
    MAX_ID,
    MAX_INTEREST,
    MAX_INTERESTS,
    Accept,
    Answer,
    Bye,
    Candidate,
    ChatFrame,
    Connected,
    Goodbye,
    Hello,
    Join,
    Match,
    Offer,
    Ping,
    Pong,
    Received,
    Register,
    Reject,
    SignalingFrame,
    Typing,
    parse_chat,
    parse_join,
    parse_match,
    parse_signaling,
    rfc3339,
    rfc3339_now,
)
from p2pchat.signaling import Signaling

NOON = "2026-01-31T12:00:00Z"
PARSERS: list[Callable[[str], Any]] = [parse_join, parse_match, parse_signaling, parse_chat]


class TestTheMatchmakingWire:
    def test_a_join_of_the_original_client(self) -> None:
        text = '{"user_id": "u1", "created_at": "2024-05-01T09:30:00.123456789+09:00"}'
        assert parse_join(text) == Join("u1", "2024-05-01T09:30:00.123456789+09:00")

    def test_a_join_looks_like_the_originals_where_it_asks_for_no_more(self) -> None:
        assert json.loads(Join("u1", NOON).to_json()) == {"user_id": "u1", "created_at": NOON}

    def test_a_match_looks_like_the_originals(self) -> None:
        assert json.loads(Match("r1", "peer", NOON).to_json()) == {
            "type": "MATCH",
            "room_id": "r1",
            "user_id": "peer",
            "created_at": NOON,
        }

    @pytest.mark.parametrize("frame", [Join("u", NOON), Join("u", NOON, ("chess", "go"), "room")])
    def test_a_join_is_read_as_it_was_written(self, frame: Join) -> None:
        assert parse_join(frame.to_json()) == frame

    @pytest.mark.parametrize("frame", [Match("r", "peer", NOON), Match("r", "u", NOON, ("chess",))])
    def test_a_match_is_read_as_it_was_written(self, frame: Match) -> None:
        assert parse_match(frame.to_json()) == frame

    def test_interests_are_tidied(self) -> None:
        interests = [" Chess", "chess ", "GO", "", "  ", "Straße"]
        text = json.dumps({"user_id": "u", "created_at": NOON, "interests": interests})
        assert parse_join(text).interests == ("chess", "go", "strasse")

    @pytest.mark.parametrize("nothing", [None, []])
    def test_interests_may_be_null_or_none(self, nothing: object) -> None:
        assert parse_join(json.dumps({"user_id": "u", "created_at": NOON, "interests": nothing})).interests == ()

    @pytest.mark.parametrize("nothing", [None, ""])
    def test_a_previous_room_may_be_null_or_empty(self, nothing: object) -> None:
        text = json.dumps({"user_id": "u", "created_at": NOON, "previous_room": nothing})
        assert parse_join(text).previous_room is None

    @pytest.mark.parametrize(
        "time",
        [
            NOON,
            "2026-01-31t12:00:00z",
            "2026-01-31 12:00:00+00:00",
            "2026-01-31T12:00:00.1-23:59",
            "2016-12-31T23:59:60Z",
            "0001-01-01T00:00:00Z",
            rfc3339(0),
            rfc3339(1_769_860_800.5),
        ],
    )
    def test_a_time_of_rfc_3339_is_kept_as_it_is(self, time: str) -> None:
        assert parse_join(Join("u", time).to_json()).created_at == time

    @pytest.mark.parametrize(
        "time",
        [
            "now",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "20260131T120000Z",
            "2026-W05-6T12:00:00Z",
            "2026-02-30T12:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:60:00Z",
            "2026-01-31T12:00:61Z",
            "2026-01-31T12:00:00+24:00",
            "2026-01-31T12:00:00Z ",
            "٢٠٢٦-01-31T12:00:00Z",
            "1769860800",
        ],
    )
    def test_another_time_is_refused(self, time: str) -> None:
        with pytest.raises(FrameError, match='"created_at" must be an RFC 3339 time like 2026-'):
            parse_join(Join("u", time).to_json())

    @given(st.floats(0, 253_402_300_799))
    def test_a_unix_time_becomes_a_time_of_rfc_3339(self, seconds: float) -> None:
        assert parse_join(Join("u", rfc3339(seconds)).to_json()).created_at.endswith("Z")

    def test_a_unix_time_is_written_in_utc_to_the_millisecond(self) -> None:
        assert rfc3339(1_000_000_000.25) == "2001-09-09T01:46:40.250Z"

    def test_of_now_is_between_before_and_after(self) -> None:
        before, told, after = rfc3339(time.time() - 0.001), rfc3339_now(), rfc3339(time.time() + 0.001)
        assert before <= told <= after


SIGNALING: list[SignalingFrame] = [
    Register("room"),
    Register("room", "me", True),
    Accept("c1", False),
    Accept("c1", True, ({"urls": ["stun:host:3478"]}, {"urls": ["turn:host"], "username": "u", "credential": "p"})),
    Reject("full"),
    Offer("v=0\r\n"),
    Answer("v=0\r\n"),
    Candidate({"candidate": "candidate:1 1 udp 1 10.0.0.1 9 typ host", "sdpMid": "0", "sdpMLineIndex": 0}),
    Candidate(None),
    Bye(),
    Connected(),
    Ping(),
    Pong(),
]


class TestTheSignalingWire:
    @pytest.mark.parametrize("frame", SIGNALING, ids=repr)
    def test_a_frame_is_read_as_it_was_written(self, frame: SignalingFrame) -> None:
        assert parse_signaling(frame.to_json()) == frame

    def test_a_frame_carries_its_name_as_its_type(self) -> None:
        assert {json.loads(frame.to_json())["type"] for frame in SIGNALING} == {
            *("register", "accept", "reject", "offer", "answer", "candidate"),
            *("bye", "connected", "ping", "pong"),
        }

    def test_a_register_of_an_ayame_client(self) -> None:
        text = json.dumps(
            {
                "type": "register",
                "roomId": "r",
                "clientId": "c",
                "authnMetadata": None,
                "key": "k",
                "signalingKey": "k",
                "ayameClient": "Ayame Web SDK",
                "environment": "Mozilla/5.0",
                "libwebrtc": "M100",
                "standalone": None,
            }
        )
        assert parse_signaling(text) == Register("r", "c", False)

    @pytest.mark.parametrize("exists", [True, False])
    def test_an_accept_carries_both_flags(self, exists: bool) -> None:
        fields = json.loads(Accept("c", exists).to_json())
        assert fields["isExistClient"] is fields["isExistUser"] is exists

    @pytest.mark.parametrize("flag", ["isExistClient", "isExistUser"])
    def test_an_accept_with_one_of_the_flags_is_enough(self, flag: str) -> None:
        assert parse_signaling(json.dumps({"type": "accept", flag: True})) == Accept("", True)

    def test_an_accept_without_ice_servers_does_not_name_them(self) -> None:
        assert "iceServers" not in json.loads(Accept("c", True).to_json())

    def test_an_accept_with_ice_servers_null_has_none(self) -> None:
        assert parse_signaling('{"type":"accept","connectionId":"c","iceServers":null}') == Accept("c", False)

    def test_a_reject_without_a_reason_gets_one(self) -> None:
        assert parse_signaling('{"type":"reject"}') == Reject("no reason given")


CHAT: list[ChatFrame] = [
    Hello(),
    Received(2),
    Typing(),
    Goodbye(),
    Ping(),
    Pong(),
]


class TestTheDataChannel:
    @pytest.mark.parametrize("frame", CHAT, ids=repr)
    def test_a_frame_is_read_as_it_was_written(self, frame: ChatFrame) -> None:
        assert parse_chat(frame.to_json()) == frame


# --- rubbish -----------------------------------------------------------------------------------------------------

UNREADABLE = [
    "",
    " ",
    "hello",
    "{",
    "}",
    '{"type"}',
    '{"type":}',
    "{'type':'ping'}",
    '{"type":"ping"',
    '{"type":"ping"}}',
    '{"type":"ping"} {"type":"ping"}',
    '{"type":"ping",}',
    '{"type":"pi\nng"}',
    '{"type":"\\x"}',
    '{"type":"ping","n":NaN}',
    '{"type":"ping","n":Infinity}',
    '{"type":"ping","n":-Infinity}',
    '{"type":"ping","n":01}',
    '{"type":"ping","n":+1}',
    '{"type":"ping","n":' + "9" * 101 + "}",
    '{"type":"ping","n":-' + "9" * 5000 + "}",
    "\ufeff{}",
    "\x00",
    "<html></html>",
    "[" * 100_000,
    '{"a":' * 100_000,
]
NO_OBJECTS = ["[]", "[{}]", "null", "true", "1", "-1.5e3", '"text"', f'"{"long " * 100}"', "1e999", "[[1]]"]
DEEP = '{"type":"candidate","ice":' + '{"a":' * 50 + "1" + "}" * 50 + "}"


def refusal(parse: Callable[[str], Any], text: str) -> FrameError:
    with pytest.raises(FrameError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize("parse", PARSERS)
class TestRubbish:
    @pytest.mark.parametrize("text", UNREADABLE, ids=lambda text: ascii(text[:30]))
    def test_that_cannot_be_read_is_refused_as_such(self, parse: Callable[[str], Any], text: str) -> None:
        error = refusal(parse, text)
        assert error.code == 1007
        assert str(error).startswith("the frame is ")

    @pytest.mark.parametrize("text", NO_OBJECTS, ids=lambda text: text[:30])
    def test_that_is_no_object_is_refused_as_such(self, parse: Callable[[str], Any], text: str) -> None:
        error = refusal(parse, text)
        assert error.code == 1008
        assert str(error).startswith("the frame must be a JSON object, not ")

    @pytest.mark.parametrize("text", ["{}", '{"type":[]}', '{"type":{}}', '{"type":"dance"}', '{"typ":"ping"}'])
    def test_of_no_known_type_is_refused_as_such(self, parse: Callable[[str], Any], text: str) -> None:
        error = refusal(parse, text)
        assert error.code == 1008
        assert '"' in str(error)


def test_a_reason_fits_into_a_close_frame() -> None:
    for parse in PARSERS:
        for text in UNREADABLE + NO_OBJECTS + [json.dumps({"type": "x" * 1000}), "{}"]:
            assert 10 < len(str(refusal(parse, text)).encode()) <= 123  # RFC 6455, section 5.5


def fields(**changed: object) -> str:
    return json.dumps({"user_id": "u", "created_at": NOON, "room_id": "r", "type": "MATCH"} | changed)


WRONG_JOINS = [
    (fields(user_id=None), '"user_id" must be a text that is not empty, not null'),
    (fields(user_id=7), '"user_id" must be a text that is not empty, not 7'),
    (fields(user_id=""), '"user_id" must be a text that is not empty, not ""'),
    (fields(user_id=["u"]), '"user_id" must be a text that is not empty, not a list'),
    (fields(user_id={"u": 1}), '"user_id" must be a text that is not empty, not an object'),
    (fields(user_id="u" * 257), '"user_id" is too long: 257 characters, 256 are allowed'),
    (fields(created_at=0), '"created_at" must be a text'),
    (fields(created_at="2" * 65), '"created_at" is too long: 65 characters, 64 are allowed'),
    (fields(interests="chess"), '"interests" must be a list, not "chess"'),
    (fields(interests={}), '"interests" must be a list, not an object'),
    (fields(interests=0), '"interests" must be a list, not 0'),
    (fields(interests=[1]), "an interest must be a word of at most 50 characters"),
    (fields(interests=["x" * 51]), "an interest must be a word of at most 50 characters"),
    (fields(interests=["x"] * 11), '"interests" are too many: 11 words, 10 are allowed'),
]


class TestWhatIsWrong:
    @pytest.mark.parametrize(("text", "reason"), WRONG_JOINS)
    def test_with_a_join_or_match_is_said(self, text: str, reason: str) -> None:
        assert str(refusal(parse_join, text)).startswith(reason)
        assert str(refusal(parse_match, text)).startswith(reason)

    @pytest.mark.parametrize("missing", ["user_id", "created_at"])
    def test_with_a_join_that_lacks_something_is_said(self, missing: str) -> None:
        lacking = {key: value for key, value in json.loads(fields()).items() if key != missing}
        assert str(refusal(parse_join, json.dumps(lacking))) == f'"{missing}" is missing'

    def test_with_a_previous_room_is_said(self) -> None:
        assert str(refusal(parse_join, fields(previous_room=5))).startswith('"previous_room" must be a text')

    def test_with_a_match_that_is_none_is_said(self) -> None:
        assert str(refusal(parse_match, fields(type="match"))) == '"type" must be "MATCH", not "match"'

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ('{"type":"register"}', '"roomId" is missing'),
            ('{"type":"register","roomId":""}', '"roomId" must be a text that is not empty, not ""'),
            ('{"type":"register","roomId":12}', '"roomId" must be a text that is not empty, not 12'),
            ('{"type":"register","roomId":"r","clientId":1}', '"clientId" must be a text that is not empty, not 1'),
            ('{"type":"register","roomId":"r","standalone":1}', '"standalone" must be true or false, not 1'),
            ('{"type":"register","roomId":"r","standalone":"no"}', '"standalone" must be true or false, not "no"'),
            ('{"type":"accept","iceServers":{}}', '"iceServers" must be a list, not an object'),
            ('{"type":"accept","iceServers":["stun:x"]}', '"iceServers" must be a list of objects'),
            ('{"type":"accept","isExistClient":"yes"}', '"isExistClient" must be true or false, not "yes"'),
            ('{"type":"accept","connectionId":1}', '"connectionId" must be a text that is not empty, not 1'),
            ('{"type":"reject","reason":[]}', '"reason" must be a text that is not empty, not a list'),
            ('{"type":"offer"}', '"sdp" is missing'),
            ('{"type":"offer","sdp":""}', '"sdp" must be a text that is not empty, not ""'),
            ('{"type":"answer","sdp":null}', '"sdp" must be a text that is not empty, not null'),
            ('{"type":"candidate"}', '"ice" is missing'),
            ('{"type":"candidate","ice":"candidate:1"}', '"ice" must be an object or null, not "candidate:1"'),
            ('{"type":"OFFER","sdp":"v=0"}', 'unknown message type "OFFER"'),
        ],
    )
    def test_with_a_signaling_frame_is_said(self, text: str, reason: str) -> None:
        assert str(refusal(parse_signaling, text)) == reason

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ('{"type":"received"}', '"count" is missing'),
            ('{"type":"received","count":true}', '"count" must be a whole number, not true'),
            ('{"type":"received","count":1.0}', '"count" must be a whole number, not 1.0'),
            ('{"type":"received","count":1e999}', '"count" must be a whole number, not Infinity'),
            ('{"type":"received","count":"1"}', '"count" must be a whole number, not "1"'),
            ('{"type":"offer","sdp":"v=0"}', 'unknown message type "offer"'),
        ],
    )
    def test_with_a_chat_frame_is_said(self, text: str, reason: str) -> None:
        assert str(refusal(parse_chat, text)) == reason

    def test_is_shown_shortened(self) -> None:
        reason = str(refusal(parse_signaling, json.dumps({"type": "x" * 500})))
        assert reason == f'unknown message type "{"x" * 36}...'

    def test_is_shown_in_ascii(self) -> None:
        assert str(refusal(parse_signaling, '{"type":"\\ud800é"}')) == r'unknown message type "\ud800\u00e9"'


class TestWhatIsAllowed:
    def test_is_as_long_as_the_bounds_say(self) -> None:
        frame = Join("u" * MAX_ID, NOON, tuple(f"{n:0{MAX_INTEREST}}" for n in range(MAX_INTERESTS)), "r")
        assert parse_join(frame.to_json()) == frame

    def test_may_have_keys_that_nobody_knows(self) -> None:
        for frame in [*SIGNALING, *CHAT]:
            parse = parse_signaling if frame in SIGNALING else parse_chat
            assert parse(frame.to_json()[:-1] + ',"x-unknown":{"deep":[1,{"er":null}]}}') == frame

    def test_may_have_a_key_twice_and_the_last_counts(self) -> None:
        assert parse_signaling('{"type":"ping","type":"pong"}') == Pong()

    def test_may_be_as_deep_as_nobody_needs(self) -> None:
        assert isinstance(parse_signaling(DEEP), Candidate)

    def test_may_hold_halves_of_characters(self) -> None:
        assert parse_signaling(r'{"type":"register","roomId":"\udfff"}') == Register("\udfff")

    def test_may_hold_numbers_beyond_a_float(self) -> None:
        frame = parse_signaling('{"type":"candidate","ice":{"priority":1e999,"n":-0}}')
        assert isinstance(frame, Candidate)
        assert frame.ice is not None
        assert math.isinf(frame.ice["priority"])


# --- properties --------------------------------------------------------------------------------------------------

KEYS = st.sampled_from(
    [
        *("type", "user_id", "created_at", "interests", "previous_room", "room_id", "roomId", "clientId", "standalone"),
        *("isExistClient", "isExistUser", "iceServers", "connectionId", "reason", "sdp", "ice", "id", "text", "more"),
    ]
)
TYPES = st.sampled_from(
    [
        *("MATCH", "register", "accept", "reject", "offer", "answer", "candidate", "bye", "connected", "ping", "pong"),
        *("hello", "text", "received", "typing", "goodbye"),
    ]
)
ANY_TEXT = st.text(st.characters(exclude_categories=())) | TYPES | st.just(NOON)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(KEYS | st.text(), values, max_size=4),
    max_leaves=12,
)
FRAMES = st.dictionaries(KEYS, JSON_VALUES, max_size=6) | st.builds(
    lambda kind, more: {**more, "type": kind}, TYPES, st.dictionaries(KEYS, JSON_VALUES, max_size=6)
)


def read(parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except FrameError as error:
        return error


@settings(deadline=None, max_examples=300)
@given(text=ANY_TEXT | JSON_VALUES.map(json.dumps) | FRAMES.map(json.dumps))
def test_any_text_is_a_frame_or_a_frame_error(text: str) -> None:
    for parse in PARSERS:
        frame = read(parse, text)
        if isinstance(frame, FrameError):
            assert frame.code in (1007, 1008)
            assert str(frame).isascii()
            assert 0 < len(str(frame)) <= 123
        else:
            assert parse(frame.to_json()) == frame, "what was read can be written, and read again"


@settings(deadline=None)
@given(
    said=st.lists(
        st.tuples(
            st.integers(0, 3),
            ANY_TEXT | JSON_VALUES.map(json.dumps) | FRAMES.map(json.dumps) | st.sampled_from(UNREADABLE),
        ),
        max_size=8,
    )
)
@pytest.mark.parametrize("core", [Matchmaking, Signaling])
def test_any_text_is_answered_by_a_core(core: Callable[[], Core], said: list[tuple[int, str]]) -> None:
    server = core()
    for who, text in said:
        for action in server.receive(who, text, 0.0):
            assert action.client in range(4)
            if isinstance(action, Send):
                assert action.text == text or action.text.isascii(), "relayed as it is, or ours"
            else:
                assert len(action.reason.encode()) <= 123
