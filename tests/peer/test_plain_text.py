"""A stranger that knows plain text only, as the original is: no frame of ours may reach it."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from p2pchat import ChatError, ChatPeer, Servers, State
from p2pchat.errors import MessageRefused
from p2pchat.messages import Accept
from p2pchat.peer.room_client import RoomClient
from tests.support.events import Log, until
from tests.support.third_party import InTheRoom, PlainPartner, enter, match

NewPeer = Callable[..., ChatPeer]
Meeting = tuple[ChatPeer, Log, PlainPartner, InTheRoom]


@asynccontextmanager
async def meeting(new_peer: NewPeer, servers: Servers, partner_offers: bool) -> AsyncIterator[Meeting]:
    """A peer of ours in an open chat with a plain partner."""
    peer, partner = new_peer(), PlainPartner()
    log = Log(peer)
    _, room = await asyncio.gather(peer.start(), match(servers.matchmaking_url))
    try:
        if partner_offers:
            await peer.wait_for(State.CONNECTING, 10)  # our peer is in the room
        async with enter(servers.signaling_url, room) as inside:
            await partner.negotiate(inside)
            await peer.wait_for(State.OPEN, 60)
            yield peer, log, partner, inside
    finally:
        await partner.close()


@pytest.fixture(params=[True, False], ids=["the partner offers", "we offer"])
async def met(request, new_peer: NewPeer, servers: Servers, monkeypatch) -> AsyncIterator[Meeting]:
    if not request.param:  # our peer enters the room when the partner is in
        entered = asyncio.Event()
        enter_late(monkeypatch, entered)
        peer, partner = new_peer(), PlainPartner()
        log = Log(peer)
        _, room = await asyncio.gather(peer.start(), match(servers.matchmaking_url))
        async with enter(servers.signaling_url, room) as inside:
            entered.set()
            await partner.negotiate(inside)
            await peer.wait_for(State.OPEN, 60)
            yield peer, log, partner, inside
        await partner.close()
        return
    async with meeting(new_peer, servers, partner_offers=True) as all_of_it:
        yield all_of_it


def enter_late(monkeypatch, entered: asyncio.Event) -> None:
    enter_at_once = RoomClient.enter

    async def enter_later(self: RoomClient) -> Accept:
        await entered.wait()
        return await enter_at_once(self)

    monkeypatch.setattr(RoomClient, "enter", enter_later)


async def test_each_hears_what_the_other_says_and_nothing_else(met: Meeting) -> None:
    peer, log, partner, _ = met
    peer.typing()
    said = ["hello", "", '{"type":"goodbye"}', '{"type":"text","id":1,"text":"no frame"}', "👋", "x" * 65_536]
    for text in said:
        partner.channel.send(text)
    ours = ["bonjour", '{"type":"goodbye"}', "\x00", "😀" * 16_384]
    for text in ours:
        await peer.send(text)
    await until(lambda: len(partner.heard) >= len(ours), "the partner heard it")
    await log.until(lambda: len(log.texts) >= len(said))
    assert log.texts == said
    await peer.leave()
    assert partner.heard == ours, "no hello, typing, acknowledgement, ping or goodbye"


async def test_the_channel_has_the_label_that_the_original_knows(met: Meeting) -> None:
    *_, partner, _ = met
    assert partner.channel.label == "matchmaking-example"


async def test_we_stay_in_the_room_because_it_may_take_our_leaving_for_a_goodbye(met: Meeting) -> None:
    peer, _, partner, room = met
    await peer.send("hello")
    await until(lambda: partner.heard, "the partner heard it")
    await room.say("ping")
    await room.frame("pong")
    assert room.is_there
    assert not [frame for frame in room.frames if frame["type"] == "bye"]
    await peer.leave()
    await room.frame("bye")


async def test_our_leaving_closes_its_channel(met: Meeting) -> None:
    peer, _, partner, _ = met
    await peer.send("the last words")
    await peer.leave()
    await until(lambda: partner.channel.readyState == "closed", "its channel is closed")
    assert partner.heard == ["the last words"]


async def test_its_leaving_ends_the_chat_at_once(met: Meeting) -> None:
    _, log, partner, _ = met
    await partner.close()
    assert await log.closed() == "The stranger's connection was closed."


async def test_its_leaving_the_room_does_not_end_the_chat(met: Meeting) -> None:
    peer, log, partner, room = met
    await room.leave()
    partner.channel.send("I am still here")
    await log.until(lambda: log.texts)
    await peer.send("so am I")
    await until(lambda: partner.heard == ["so am I"], "the partner heard it")


async def test_it_has_no_ping_and_may_be_silent(met: Meeting, monkeypatch) -> None:
    peer, log, partner, _ = met
    with pytest.raises(ChatError, match="Not closed within"):
        await peer.wait_for(State.CLOSED, 0.5)
    partner.channel.send("back again")
    await log.until(lambda: log.texts)
    assert not partner.heard


async def test_bytes_that_are_text_are_read_as_text_and_others_left_out(met: Meeting) -> None:
    _, log, partner, _ = met
    partner.channel.send("naïve".encode())
    partner.channel.send(b"\xff\xd8\xff")
    partner.channel.send("y" * 65_000)
    await log.until(lambda: len(log.texts) == 2)
    assert log.texts[0] == "naïve"
    assert log.notices == ["The stranger sent 3 bytes that are no text; they were left out."]


async def test_what_its_program_cannot_take_is_refused(new_peer: NewPeer, servers: Servers) -> None:
    """The description says so in a=max-message-size (RFC 8841, section 6)."""
    peer, partner = new_peer(), PlainPartner()
    try:
        _, room = await asyncio.gather(peer.start(), match(servers.matchmaking_url))
        await peer.wait_for(State.CONNECTING, 10)  # our peer is in the room
        async with enter(servers.signaling_url, room) as inside:
            offer = re.sub(r"(a=max-message-size):\d+", r"\1:1000", await partner.offer())
            assert "size:1000" in offer
            await inside.say("offer", sdp=offer)
            await partner.take_answer((await inside.frame("answer"))["sdp"])
            await peer.wait_for(State.OPEN, 60)
            with pytest.raises(MessageRefused, match="1000 bytes"):
                await peer.send("x" * 1_001)
            await peer.send("x" * 1_000)
            await until(lambda: partner.heard == ["x" * 1_000], "the partner heard the one that fits")
    finally:
        await partner.close()
