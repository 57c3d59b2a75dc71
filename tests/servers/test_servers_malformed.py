"""A hundred kinds of malformed frames at each server: each is answered, and nobody else notices.

One pair of servers meets them all. A stranger waits in the line and two are in a room the whole time.
"""

import json
import logging
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from p2pchat.servers import Servers
from tests.support.raw_clients import a_room, candidate, join, register, relays, surely_heard, waiting
from tests.support.raw_websocket import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    RawWebSocket,
    close,
    frame,
    open_raw,
    text,
)

NOW = "2026-01-31T12:00:00Z"


@dataclass(frozen=True)
class Case:
    """What a client sends, and with what it is closed; ``says`` is a part of the reason."""

    name: str
    data: bytes
    code: int
    says: str


def no_json() -> list[Case]:
    texts = {
        "nothing": "",
        "spaces": "   ",
        "a word": "hello",
        "half a word": "nul",
        "an open brace": "{",
        "a closing brace": "}",
        "brackets that cross": "{]",
        "a missing value": '{"user_id":}',
        "a missing colon": '{"user_id" "a"}',
        "single quotes": "{'user_id': 'a'}",
        "keys without quotes": '{user_id: "a"}',
        "a comma at the end": '{"user_id": "a",}',
        "a comma at the end of a list": "[1,]",
        "two values": "{} {}",
        "something behind": '{"type": "ping"}x',
        "a byte order mark": "\ufeff{}",
        "an open text": '{"user_id": "a',
        "a line break in a text": '{"user_id": "a\nb"}',
        "a NUL in a text": '{"user_id": "a\x00b"}',
        "an unknown escape": r'{"user_id": "\x41"}',
        "a short escape": r'{"user_id": "\u12"}',
        "a leading zero": '{"user_id": 01}',
        "a plus": '{"user_id": +1}',
        "a bare point": '{"user_id": .5}',
        "a point at the end": '{"user_id": 1.}',
        "hexadecimal": '{"user_id": 0x10}',
        "Python's True": '{"user_id": True}',
        "a comment": '{"user_id": "a"} // me',
        "NaN": "NaN",
        "NaN inside": '{"user_id": NaN}',
        "Infinity": '{"user_id": Infinity}',
        "minus Infinity": '{"type": -Infinity}',
        "XML": "<register/>",
        "deep lists": "[" * 4000,
        "deep objects": '{"a":' * 800,
        "deep lists that end": "[" * 2000 + "]" * 2000,
        "a number of 4,050 digits": '{"user_id": ' + "1" * 4050,
    }
    return [
        Case(name, text(said), 1007, "JSON" if "deep" not in name else "the frame is n") for name, said in texts.items()
    ]


def no_object() -> list[Case]:
    texts = ["null", "true", "false", "0", "-1", "1.5", "1e999", '"text"', r'"\ud800"', '""', "[]", "[{}]", '["type"]']
    return [Case(f"not an object: {said}", text(said), 1008, "JSON object") for said in texts]


def wire(largest: int) -> list[Case]:
    """What breaks RFC 6455 itself, whatever the protocol on top."""
    cases = [
        Case("binary", frame(BINARY, b"{}"), 1003, "text frames only"),
        Case("binary in fragments", frame(BINARY, b"{", fin=False) + frame(CONT, b"}"), 1003, "text frames only"),
        Case("empty binary", frame(BINARY), 1003, "text frames only"),
        Case("text in the middle of a text", frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), 1002, "continuation"),
        Case("a continuation of nothing", frame(CONT, b"{}"), 1002, "continuation"),
        Case("an end of nothing", frame(CONT), 1002, "continuation"),
        Case("half a rune at the end of a fragment", frame(TEXT, b"\xc3", fin=False) + frame(CONT, b"{}"), 1007, "at"),
        Case("a close in fragments", frame(CLOSE, b"\x03\xe8", fin=False), 1002, "fragmented"),
        Case("a ping in fragments", frame(PING, b"a", fin=False), 1002, "fragmented"),
        Case("a pong in fragments", frame(PONG, b"a", fin=False), 1002, "fragmented"),
        Case("a long ping", frame(PING, bytes(126)), 1002, "too long"),
        Case("a long pong", frame(PONG, bytes(126)), 1002, "too long"),
        Case("a long close", frame(CLOSE, b"\x03\xe8" + b"a" * 124), 1002, "too long"),
        Case("half a close code", frame(CLOSE, b"\x03"), 1002, "too short"),
        Case("a reason that is no UTF-8", close(1000, b"\xff"), 1007, "at position"),
        Case("no mask", frame(TEXT, b"{}", masked=False), 1002, "mask"),
        Case("a ping without a mask", frame(PING, masked=False), 1002, "mask"),
        Case("a byte too many", text(" " * (largest + 1)), 1009, "exceeds"),
        Case("too large in fragments", frame(TEXT, b" " * largest, fin=False) + frame(CONT, b"  "), 1009, "exceeds"),
        Case("a terabyte announced", struct.pack("!BBQ", 0x81, 0xFF, 2**40), 1009, "exceeds"),
        Case("a length below zero", struct.pack("!BBQ", 0x81, 0xFF, 2**63), 1009, "exceeds"),
        Case("a gigabyte of binary announced", struct.pack("!BBQ", 0x82, 0xFF, 2**30), 1009, "exceeds"),
    ]
    cases += [
        Case(f"reserved bits {bits:03b}", frame(TEXT, b"{}", reserved=bits), 1002, "reserved") for bits in range(1, 8)
    ]
    cases += [
        Case(f"reserved opcode {opcode:#x}", frame(opcode, b"{}"), 1002, "opcode")
        for opcode in (0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF)
    ]
    cases += [
        Case(f"close code {code}", close(code), 1002, "invalid status code")
        for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535)
    ]
    cases += [
        Case(f"invalid UTF-8 {rune.hex()}", frame(TEXT, b'{"user_id": "' + rune + b'"}'), 1007, "at position")
        for rune in (b"\xff", b"\xc0\x80", b"\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82")
    ]
    return cases


NOT_TEXTS: dict[str, Any] = {
    "null": None,
    "true": True,
    "0": 0,
    "1.5": 1.5,
    "a list": ["a"],
    "an object": {"a": 1},
    "empty": "",
}
NOT_FLAGS: dict[str, Any] = {"1": 1, "0": 0, '"true"': "true", "a list": [], "an object": {}}


def fields(good: dict[str, Any], key: str, wrong: dict[str, Any], says: str = "") -> list[Case]:
    says = says or f'"{key}"'
    kind = good.get("type", "join")
    return [
        Case(f"{kind}: {key} is {name}", text(json.dumps(good | {key: value})), 1008, says)
        for name, value in wrong.items()
    ]


def without(good: dict[str, Any], key: str) -> Case:
    rest = {name: value for name, value in good.items() if name != key}
    return Case(f"{good.get('type', 'join')} without {key}", text(json.dumps(rest)), 1008, f'"{key}" is missing')


def joins() -> list[Case]:
    good: dict[str, Any] = {"user_id": "a", "created_at": NOW}
    times = [
        "now",
        "12:00",
        "2026-01-31T12:00:00",
        "2026-13-31T12:00:00Z",
        "2026-01-31T25:00:00Z",
        "1769860800",
        "x" * 65,
    ]
    optional = {name: value for name, value in NOT_TEXTS.items() if name not in ("null", "empty")}
    return [
        Case("an empty object", text("{}"), 1008, '"user_id" is missing'),
        without(good, "user_id"),
        without(good, "created_at"),
        *fields(good, "user_id", NOT_TEXTS | {"long": "x" * 257}),
        *fields(good, "created_at", NOT_TEXTS | {time[:30]: time for time in times}),
        *fields(good, "previous_room", optional | {"long": "x" * 257}),
        *fields(good, "interests", {"a word": "go", "1": 1, "true": True, "an object": {"a": 1}, "many": ["a"] * 11}),
        *fields(good, "interests", {"numbers": [1], "null": [None], "lists": [["a"]], "long": ["x" * 51]}, "interest"),
    ]


def signals() -> list[Case]:
    good: dict[str, Any] = {"type": "register", "roomId": "a"}
    optional = {name: value for name, value in NOT_TEXTS.items() if name not in ("null", "empty")}
    unknown = {name: name for name in ("REGISTER", "Register", "register ", "leave", "\ud800", "x" * 3000)}
    return [
        Case("an empty object", text("{}"), 1008, '"type" is missing'),
        *fields({}, "type", NOT_TEXTS),
        *fields({}, "type", unknown, "unknown message type"),
        *(
            Case(
                f"{kind} is for servers", text(f'{{"type": "{kind}", "connectionId": "a"}}'), 1008, "only a server says"
            )
            for kind in ("accept", "reject", "bye")
        ),
        without(good, "roomId"),
        *fields(good, "roomId", NOT_TEXTS | {"long": "x" * 257}),
        *fields(good, "clientId", optional | {"long": "x" * 257}),
        *fields(good, "standalone", NOT_FLAGS),
        *fields({"type": "offer"}, "sdp", NOT_TEXTS),
        *fields({"type": "answer"}, "sdp", NOT_TEXTS),
        *fields({"type": "candidate"}, "ice", {"true": True, "0": 0, "a text": "candidate:1", "a list": []}),
        *(without({"type": kind}, key) for kind, key in (("offer", "sdp"), ("answer", "sdp"), ("candidate", "ice"))),
        *(
            Case(f"{said['type']} before register", text(json.dumps(said)), 1008, "register first")
            for said in (
                {"type": "offer", "sdp": "v=0"},
                {"type": "answer", "sdp": "v=0"},
                {"type": "candidate", "ice": {}},
                {"type": "connected"},
            )
        ),
        *fields({"type": "accept"}, "iceServers", {"a text": "stun:a", "texts": ["stun:a"]}),
    ]


MATCHMAKING = [*no_json(), *no_object(), *wire(4096), *joins()]
SIGNALING = [*no_json(), *no_object(), *wire(2**20), *signals()]


@dataclass
class Everybody:
    """The servers, and the honest clients who are there the whole time."""

    servers: Servers
    stranger: RawWebSocket
    room: tuple[RawWebSocket, RawWebSocket]

    async def notice_nothing(self) -> None:
        first, second = self.room
        await relays(first, second, candidate())
        await relays(second, first, candidate())
        await surely_heard(self.stranger)  # and no MATCH came before the answer


@pytest.fixture
async def everybody(servers: Servers) -> AsyncIterator[Everybody]:
    stranger = await waiting(servers.matchmaking_url, "a stranger")
    room = await a_room(servers.signaling_url, "a room")
    yield Everybody(servers, stranger, room)
    newcomer = await open_raw(servers.matchmaking_url)
    newcomer.send(join("a newcomer"))
    assert json.loads(await stranger.text())["type"] == "MATCH", "the stranger waited through all of it"


@pytest.mark.parametrize("cases", [MATCHMAKING, SIGNALING], ids=["matchmaking", "signaling"])
async def test_there_are_a_hundred_kinds_at_least(cases: list[Case]) -> None:
    assert len({case.name for case in cases}) == len(cases) >= 100


async def answered(url: str, case: Case, everybody: Everybody, log: pytest.LogCaptureFixture) -> None:
    client = await open_raw(url)
    client.send(case.data)
    code, reason = await client.closed()
    assert code == case.code
    assert case.says in reason
    await client.leave()
    await everybody.notice_nothing()
    assert [record for record in log.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("case", MATCHMAKING, ids=lambda case: ascii(case.name[:60]))
async def test_matchmaking_answers(case: Case, everybody: Everybody, caplog: pytest.LogCaptureFixture) -> None:
    await answered(everybody.servers.matchmaking_url, case, everybody, caplog)


@pytest.mark.parametrize("case", SIGNALING, ids=lambda case: ascii(case.name[:60]))
async def test_signaling_answers(case: Case, everybody: Everybody, caplog: pytest.LogCaptureFixture) -> None:
    await answered(everybody.servers.signaling_url, case, everybody, caplog)


@pytest.mark.parametrize("case", [*no_json()[:5], *no_object()[:5], *wire(2**20)], ids=lambda case: case.name)
async def test_in_a_room_the_partner_gets_bye_and_no_rubbish(case: Case, everybody: Everybody) -> None:
    one, other = await a_room(everybody.servers.signaling_url, f"with {case.name}")
    one.send(case.data)
    assert (await one.closed())[0] == case.code
    assert json.loads(await other.text()) == {"type": "bye"}
    assert (await other.closed())[0] == 1000
    await everybody.notice_nothing()


@pytest.mark.parametrize(
    ("said", "says"),
    [(register("again"), "registered already"), ('{"type": "bye"}', "only a server"), ('{"type": "who"}', "unknown")],
)
async def test_a_broken_rule_in_a_room_is_told_in_a_reject_too(said: str, says: str, everybody: Everybody) -> None:
    one, other = await a_room(everybody.servers.signaling_url, f"rule {says}")
    one.send(said)
    rejected = json.loads(await one.text())
    assert rejected["type"] == "reject"
    assert says in rejected["reason"]
    code, reason = await one.closed()
    assert (code, says in reason) == (1008, True)
    assert json.loads(await other.text()) == {"type": "bye"}


async def test_lone_surrogates_that_json_can_carry_are_relayed_as_they_are(everybody: Everybody) -> None:
    one, other = await a_room(everybody.servers.signaling_url, r"surrogates")
    await relays(one, other, r'{"type": "offer", "sdp": "\ud800", "\udfff": "\ud83d"}')


async def test_an_id_with_a_lone_surrogate_comes_back_readable(everybody: Everybody) -> None:
    async with Servers(static_port=None, signaling_port=None) as servers:
        first = await waiting(servers.matchmaking_url, "first")
        second = await open_raw(servers.matchmaking_url)
        second.send(join("\ud800"))
        assert json.loads(await second.text())["user_id"] == "\ud800"
        assert json.loads(await first.text())["user_id"] == "peer"


async def test_a_second_frame_in_the_line_is_one_too_many(everybody: Everybody) -> None:
    async with Servers(static_port=None, signaling_port=None) as servers:
        first = await waiting(servers.matchmaking_url, "first")
        first.send(join("first"))
        code, reason = await first.closed()
        assert (code, "one frame is enough" in reason) == (1008, True)
        second = await waiting(servers.matchmaking_url, "second")
        assert await second.silent(), "who was dismissed is not matched"
