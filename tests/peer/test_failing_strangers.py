"""The stranger of a match who never comes, leaves too early, or says what cannot be used."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from p2pchat import ChatPeer, MessageReceived, Servers, State, Trace
from p2pchat.webrtc import RTCConfiguration, RTCPeerConnection
from tests.support.clock import Clock
from tests.support.events import Log, until
from tests.support.fake_servers import MATCH, says, websocket_server
from tests.support.third_party import InTheRoom, PlainPartner, enter

NewPeer = Callable[..., ChatPeer]
ROOM = MATCH["room_id"]
STRANGER_LEFT_EARLY = "The stranger left before the two of you were connected. Press START to meet another."
NOWHERE = "a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host"  # nobody listens at the discard port


@asynccontextmanager
async def in_the_room(
    new_peer: NewPeer, servers: Servers, *, stranger_first: bool, trace: Trace | None = None
) -> AsyncIterator[tuple[ChatPeer, Log, InTheRoom]]:
    """Our peer and a stranger in one room; our peer makes the offer if the stranger was there first."""
    async with websocket_server(says(MATCH)) as matchmaking:
        peer = new_peer(matchmaking=matchmaking, trace=trace)
        log = Log(peer)
        if stranger_first:
            async with enter(servers.signaling_url, ROOM) as stranger:
                await peer.start()
                yield peer, log, stranger
                await peer.leave()
        else:
            await peer.start()
            await peer.wait_for(State.CONNECTING, 60)
            async with enter(servers.signaling_url, ROOM) as stranger:
                yield peer, log, stranger
                await peer.leave()


async def gives_up(log: Log, clock: Clock) -> str:
    """Once our peer negotiates, let time pass until it gives up. Returns: why, in words."""
    await log.until(lambda: {State.CONNECTING, State.CLOSED} & set(log.states))
    await clock.advance_until(lambda: State.CLOSED in log.states, at_most=60)
    return await log.closed()


class TestAStrangerWho:
    async def test_never_comes_to_the_room(self, new_peer: NewPeer, servers: Servers, clock: Clock) -> None:
        async with websocket_server(says(MATCH)) as matchmaking:
            peer = new_peer(matchmaking=matchmaking)
            log = Log(peer)
            await peer.start()
            assert await gives_up(log, clock) == (
                "Your match never came: nothing from the stranger in 15 seconds. Press START again."
            )
            assert log.states == [State.WAITING, State.MATCHED, State.CONNECTING, State.CLOSED]

    @pytest.mark.parametrize("first", [True, False], ids=["was there first", "comes second"])
    async def test_says_nothing(self, new_peer: NewPeer, servers: Servers, first: bool, clock: Clock) -> None:
        async with in_the_room(new_peer, servers, stranger_first=first) as (_, log, _):
            assert "Your match never came" in await gives_up(log, clock)

    async def test_leaves_the_room_when_both_have_what_they_need(self, new_peer: NewPeer, servers: Servers) -> None:
        """Many do so as soon as their own channel is open; ours may need a moment more."""
        partner = PlainPartner()
        try:
            async with in_the_room(new_peer, servers, stranger_first=True) as (peer, _, stranger):
                answer = await partner.answer((await stranger.frame("offer"))["sdp"])
                await stranger.say("answer", sdp=answer)
                await stranger.leave()
                await peer.wait_for(State.OPEN, 60)
        finally:
            await partner.close()

    async def test_leaves_between_offer_and_answer(self, new_peer: NewPeer, servers: Servers) -> None:
        async with in_the_room(new_peer, servers, stranger_first=True) as (_, log, stranger):
            await stranger.frame("offer")
            await stranger.leave()
            assert await log.closed() == STRANGER_LEFT_EARLY

    @pytest.mark.parametrize("first", [True, False], ids=["was there first", "comes second"])
    async def test_vanishes_without_a_close(self, new_peer: NewPeer, servers: Servers, first: bool) -> None:
        async with in_the_room(new_peer, servers, stranger_first=first) as (_, log, stranger):
            if first:
                await stranger.frame("offer")
            stranger.vanish()
            assert await log.closed() == STRANGER_LEFT_EARLY

    async def test_leaves_right_after_its_offer(self, new_peer: NewPeer, servers: Servers, clock: Clock) -> None:
        partner = PlainPartner()
        async with in_the_room(new_peer, servers, stranger_first=False) as (_, log, stranger):
            await stranger.say("offer", sdp=await partner.offer())
            await stranger.leave()
            await partner.close()
            await gives_up(log, clock)
            assert State.OPEN not in log.states

    async def test_says_bye_itself(self, new_peer: NewPeer, servers: Servers) -> None:
        """A frame that only a server may say: our server throws it out, and we are told that it left."""
        async with in_the_room(new_peer, servers, stranger_first=True) as (_, log, stranger):
            await stranger.frame("offer")
            await stranger.say("bye")
            assert "left before" in await log.closed()


def without(pattern: str, with_: str = "") -> Callable[[str], str]:
    return lambda sdp: re.sub(pattern, with_, sdp, flags=re.MULTILINE)


BROKEN = {
    "no SDP": lambda sdp: "hello",
    "one word": lambda sdp: "v=0\r\n",
    "only half of it": lambda sdp: sdp[: len(sdp) // 2],
    "no media": without(r"(?s)^m=.*"),
    "media without a port": without(r"^m=application \d+", "m=application x"),
    "audio instead": without(r"^m=application .*", "m=audio 9 UDP/TLS/RTP/SAVPF 111"),
    "no fingerprint": without(r"^a=fingerprint:.*\r\n"),
    "an unknown hash": without(r"sha-\d+", "sha-3"),
    "a wrong fingerprint": without(r"(?<=sha-256 )[0-9A-F:]+", ":".join(["00"] * 32)),
    "no ufrag": without(r"^a=ice-ufrag:.*\r\n"),
    "no password": without(r"^a=ice-pwd:.*\r\n"),
    "no setup": without(r"^a=setup:.*\r\n"),
    "an unknown setup": without(r"^a=setup:.*", "a=setup:sideways"),
    "a port that is no number": without(r"^a=sctp-port:.*", "a=sctp-port:many"),
    "a size that is no number": without(r"^a=max-message-size:.*", "a=max-message-size:much"),
    "a candidate that is none": without(r"^a=candidate:.*", "a=candidate:nonsense"),
    "a candidate at no address": without(r"^(a=candidate:\S+ 1 udp \d+) \S+ ", r"\1 nowhere "),
    "a group of others": without(r"^a=group:BUNDLE .*", "a=group:BUNDLE 7 8 9"),
    "a version that is no number": without(r"^v=0", "v=x"),
    "a connection that is none": without(r"^c=.*", "c=x"),
    "an origin that is none": without(r"^o=.*", "o=x"),
    "control characters": lambda sdp: sdp.replace("a=", "a=\x00"),
    "a hundred thousand lines": lambda sdp: sdp + "a=x\r\n" * 100_000,
}


HARMLESS = {"an origin that is none", "a group of others", "a hundred thousand lines", "a candidate at no address"}


class TestABrokenDescription:
    """Whatever it is, the peer ends in words and leaves nothing; or it makes no difference, and the chat opens."""

    @pytest.mark.parametrize("kind", BROKEN)
    async def test_offer(self, new_peer: NewPeer, servers: Servers, kind: str, clock: Clock) -> None:
        partner, trace = PlainPartner(), Trace()
        try:
            async with in_the_room(new_peer, servers, stranger_first=False, trace=trace) as (_, log, stranger):
                await stranger.say("offer", sdp=BROKEN[kind](await partner.offer()))
                await received(trace, "offer")
                await self.ends_in_words(log, clock)  # the partner never hears our answer, if there is one
        finally:
            await partner.close()

    @pytest.mark.parametrize("kind", BROKEN)
    async def test_answer(self, new_peer: NewPeer, servers: Servers, kind: str, clock: Clock) -> None:
        partner, trace = PlainPartner(), Trace()
        try:
            async with in_the_room(new_peer, servers, stranger_first=True, trace=trace) as (_, log, stranger):
                offer = (await stranger.frame("offer"))["sdp"]
                await stranger.say("answer", sdp=BROKEN[kind](await partner.answer(offer)))
                if kind in HARMLESS:
                    await log.until(lambda: State.OPEN in log.states)
                else:
                    await received(trace, "answer")
                    await self.ends_in_words(log, clock)
        finally:
            await partner.close()

    async def ends_in_words(self, log: Log, clock: Clock) -> None:
        why = await gives_up(log, clock)
        assert any(
            words in why
            for words in (
                "The stranger's offer could not",
                "The stranger's answer could not",
                "ICE failed",
                "never came",
            )
        ), why
        assert why.endswith(".")

    async def test_an_answer_to_no_offer(self, new_peer: NewPeer, servers: Servers) -> None:
        one, other = PlainPartner(), PlainPartner()
        try:
            answer = await other.answer(await one.offer())
            async with in_the_room(new_peer, servers, stranger_first=False) as (_, log, stranger):
                await stranger.say("answer", sdp=answer)
                assert "The stranger's answer could not be used" in await log.closed()
        finally:
            await asyncio.gather(one.close(), other.close())

    async def test_an_offer_against_our_offer(self, new_peer: NewPeer, servers: Servers) -> None:
        partner = PlainPartner()
        try:
            async with in_the_room(new_peer, servers, stranger_first=True) as (_, log, stranger):
                await stranger.frame("offer")
                await stranger.say("offer", sdp=await partner.offer())
                assert "The stranger's offer could not be used" in await log.closed()
        finally:
            await partner.close()


class TestIce:
    async def test_that_finds_no_way_is_told_in_words(self, new_peer: NewPeer, servers: Servers, clock: Clock) -> None:
        partner, trace = PlainPartner(), Trace()
        try:
            async with in_the_room(new_peer, servers, stranger_first=True, trace=trace) as (_, log, stranger):
                answer = await partner.answer((await stranger.frame("offer"))["sdp"])
                sdp = re.sub(r"(?m)^a=candidate:.*\r\n", "", answer).replace("a=end-of-candidates\r\n", "")
                sdp = re.sub(r"(?m)^a=ice-pwd:.*", "a=ice-pwd:" + "x" * 24, sdp)  # nor can the partner's checks succeed
                await stranger.say("answer", sdp=sdp + NOWHERE + "\r\n")
                await received(trace, "answer")
                why = await gives_up(log, clock)
                assert why.startswith("ICE failed: ")
                assert State.OPEN not in log.states
        finally:
            await partner.close()


class TestCandidates:
    @pytest.fixture(params=["before the description", "after the description"])
    def early(self, request) -> bool:
        return request.param == "before the description"

    async def test_may_come_one_by_one_from_who_offers(self, new_peer: NewPeer, servers: Servers, early: bool) -> None:
        partner = PlainPartner()
        try:
            async with in_the_room(new_peer, servers, stranger_first=False) as (
                peer,
                log,
                stranger,
            ):
                sdp, candidates = taken_out(await partner.offer())
                if not early:
                    await stranger.say("offer", sdp=sdp)
                    answer = await stranger.frame("answer")
                await say_all(stranger, candidates)
                if early:
                    await stranger.say("offer", sdp=sdp)
                    answer = await stranger.frame("answer")
                # without ours the partner can only answer: they must be found by way of its own
                await partner.take_answer(taken_out(answer["sdp"])[0])
                await chat(peer, log, partner)
        finally:
            await partner.close()

    async def test_may_come_one_by_one_from_who_answers(self, new_peer: NewPeer, servers: Servers, early: bool) -> None:
        partner = PlainPartner()
        try:
            async with in_the_room(new_peer, servers, stranger_first=True) as (
                peer,
                log,
                stranger,
            ):
                offer = (await stranger.frame("offer"))["sdp"]
                sdp, candidates = taken_out(await partner.answer(taken_out(offer)[0]))
                if early:
                    await say_all(stranger, candidates)
                    await stranger.say("answer", sdp=sdp)
                else:
                    await stranger.say("answer", sdp=sdp)
                    await say_all(stranger, candidates)
                await chat(peer, log, partner)
        finally:
            await partner.close()

    async def test_that_cannot_be_read_are_ignored(self, new_peer: NewPeer, servers: Servers, early: bool) -> None:
        rubbish = [
            None,
            {},
            {"candidate": ""},
            {"candidate": 7},
            {"candidate": "nonsense", "sdpMid": "0"},
            {"candidate": "candidate:1 1 udp 1 host.local 9 typ host", "sdpMid": "0"},
            {"candidate": "candidate:1 1 udp x 127.0.0.1 9 typ host", "sdpMid": "0"},
            {"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host"},
            {"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host", "sdpMid": "none", "sdpMLineIndex": 9},
            {"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host", "sdpMid": [], "sdpMLineIndex": {}},
            {"candidate": "candidate:1 1 tcp 1 127.0.0.1 9 typ host tcptype active", "sdpMid": "0"},
            {"candidate": "candidate:1 1 udp 1 nowhere 9 typ host", "sdpMid": "0", "sdpMLineIndex": 0},
            {"candidate": "candidate:1 7 udp 1 127.0.0.1 99999 typ strange", "sdpMid": "0", "sdpMLineIndex": 0},
        ]
        partner = PlainPartner()
        try:
            async with in_the_room(new_peer, servers, stranger_first=False) as (
                peer,
                log,
                stranger,
            ):
                sdp = await partner.offer()
                for _ in range(30 if early else 1):  # more than are kept
                    await say_all(stranger, rubbish if early else [])
                await stranger.say("offer", sdp=sdp)
                answer = (await stranger.frame("answer"))["sdp"]
                await say_all(stranger, rubbish)
                await partner.take_answer(answer)
                await chat(peer, log, partner)
        finally:
            await partner.close()

    async def test_of_an_engine_that_finds_them_one_by_one_are_sent_one_by_one(
        self, new_peer: NewPeer, servers: Servers, monkeypatch
    ) -> None:
        """As a browser's does: an ``icecandidate`` event for each, and one with None at the end."""
        made: list[RTCPeerConnection] = []

        class Remembered(RTCPeerConnection):
            def __init__(self, configuration: RTCConfiguration) -> None:
                super().__init__(configuration)
                made.append(self)

        monkeypatch.setattr("p2pchat.peer.attempt.RTCPeerConnection", Remembered)

        class Found:
            def toJSON(self) -> dict[str, object]:
                return {"candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid": "0", "sdpMLineIndex": 0}

        async with in_the_room(new_peer, servers, stranger_first=True) as (peer, _, stranger):
            await stranger.frame("offer")
            made[0].emit("icecandidate", Found())
            made[0].emit("icecandidate", None)
            await until(lambda: len(stranger.frames) == 4, "accept, offer and two candidates", lambda: stranger.frames)
            assert [frame["ice"] for frame in stranger.frames[2:]] == [Found().toJSON(), None]
            made[0].emit("icecandidate", Found())
            await peer.leave()

    async def test_never_go_out_before_the_description_that_they_belong_to(
        self, new_peer: NewPeer, servers: Servers, monkeypatch
    ) -> None:
        """A third-party client need not keep what comes too early."""

        class FindsOneAtOnce(RTCPeerConnection):
            def __init__(self, configuration: RTCConfiguration) -> None:
                super().__init__(configuration)
                asyncio.get_running_loop().call_soon(self.emit, "icecandidate", None)

        monkeypatch.setattr("p2pchat.peer.attempt.RTCPeerConnection", FindsOneAtOnce)
        async with in_the_room(new_peer, servers, stranger_first=True) as (_, _, stranger):
            await stranger.frame("candidate")
            assert [frame["type"] for frame in stranger.frames] == ["accept", "offer", "candidate"]


async def received(trace: Trace, what: str) -> None:
    """Wait until our peer has read something of the stranger's."""
    await until(
        lambda: any(arrow.received and arrow.what == what for arrow in trace), f"{what} was read", lambda: [*trace]
    )


async def say_all(stranger: InTheRoom, candidates: list) -> None:
    for ice in candidates:
        await stranger.say("candidate", ice=ice)


def taken_out(sdp: str) -> tuple[str, list[dict[str, object]]]:
    """A description without its candidates, and these as they trickle."""
    candidates = re.findall(r"(?m)^a=(candidate:.*)\r$", sdp)
    assert candidates
    bare = re.sub(r"(?m)^a=(candidate:.*|end-of-candidates)\r\n", "", sdp)
    return bare, [{"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0} for line in candidates] + [None]


async def chat(peer: ChatPeer, log: Log, partner: PlainPartner) -> None:
    await peer.wait_for(State.OPEN, 60)
    await until(lambda: partner.is_open, "the partner's channel is open")
    partner.channel.send("hello")
    await log.event(MessageReceived)
    await peer.send("hello too")
    await until(lambda: partner.heard == ["hello too"], "the partner heard it")
