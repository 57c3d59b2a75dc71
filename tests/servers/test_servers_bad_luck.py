"""Clients that are killed, vanish, linger or stop in the middle: no ghost is paired, every partner is told."""

import json

import pytest

from p2pchat.matchmaking import Matchmaking
from p2pchat.servers import Servers
from p2pchat.servers.websocket_server import PING_EVERY, WebSocketServer
from p2pchat.signaling import Signaling
from tests.support.raw_clients import a_room, candidate, join, listening, register, relays, surely_heard, until, waiting
from tests.support.raw_websocket import CLOSE, PING, RawWebSocket, close, frame, open_raw, text


async def bye_comes(client: RawWebSocket) -> None:
    assert json.loads(await client.text()) == {"type": "bye"}
    assert (await client.closed())[0] == 1000


async def two_are_matched(url: str) -> None:
    one = await waiting(url, "one")
    two = await open_raw(url)
    two.send(join("two"))
    rooms = {json.loads(await client.text())["room_id"] for client in (one, two)}
    assert len(rooms) == 1


async def test_who_is_killed_while_waiting_is_never_matched(servers: Servers) -> None:
    for number in range(30):
        (await waiting(servers.matchmaking_url, f"ghost {number}")).kill()
        alive = await waiting(servers.matchmaking_url, "alive")
        assert await alive.silent(0.01)
        await alive.leave()
    await two_are_matched(servers.matchmaking_url)


@pytest.mark.parametrize(
    "goodbye",
    [close(1000), close(1001, b"going"), frame(CLOSE), frame(CLOSE, b"\x00")],
    ids=["a code", "a code and a reason", "no code", "half a code"],  # the bytes are masked at random
)
async def test_who_said_goodbye_is_gone_even_while_its_tcp_connection_stays(servers: Servers, goodbye: bytes) -> None:
    ghost = await waiting(servers.matchmaking_url, "ghost")
    ghost.send(goodbye)
    await ghost.closed()  # the server knows; this client just does not end TCP
    alive = await waiting(servers.matchmaking_url, "alive")
    assert await alive.silent()


async def test_who_joined_and_left_in_one_breath_is_no_match_for_anybody(servers: Servers) -> None:
    alive = await waiting(servers.matchmaking_url, "alive")
    ghost = await open_raw(servers.matchmaking_url)
    ghost.send(text(join("ghost")) + close(1000))
    await ghost.closed()
    assert await alive.silent()


async def test_who_lingers_after_its_close_is_cut_off(servers: Servers) -> None:
    lingers = await waiting(servers.matchmaking_url, "a")
    lingers.send(close(1000))
    await lingers.closed()
    transport = lingers.writer.transport
    transport.pause_reading()  # it sees no end, and does not end
    await until(lambda: _is_cut_off(lingers), "the connection is cut off")


def _is_cut_off(client: RawWebSocket) -> bool:
    """Whether the other side has dropped the connection: it answers what is sent with a reset."""
    client.writer.write(frame(PING))
    return client.writer.transport.is_closing()


async def test_who_is_killed_after_the_match_harms_nobody(servers: Servers) -> None:
    one = await waiting(servers.matchmaking_url, "one")
    two = await open_raw(servers.matchmaking_url)
    two.send(join("two"))
    await two.text()
    two.kill()
    assert json.loads(await one.text())["type"] == "MATCH"
    one.send(close())
    assert (await one.closed())[0] == 1000
    await two_are_matched(servers.matchmaking_url)


async def test_who_is_killed_between_offer_and_answer_leaves_a_bye(servers: Servers) -> None:
    first, second = await a_room(servers.signaling_url, "a")
    await relays(second, first, '{"type": "offer", "sdp": "v=0"}')
    second.kill()
    await bye_comes(first)


async def test_who_is_killed_alone_in_a_room_leaves_it_empty(servers: Servers) -> None:
    ghost = await open_raw(servers.signaling_url)
    ghost.send(register("a"))
    await ghost.text()
    ghost.kill()
    probe = await open_raw(servers.signaling_url)
    await surely_heard(probe)
    await a_room(servers.signaling_url, "a")  # in which the first finds nobody


async def test_half_a_frame_and_then_death_leaves_a_bye(servers: Servers) -> None:
    first, second = await a_room(servers.signaling_url, "a")
    second.send(text(candidate())[:20])
    await second.writer.drain()
    second.kill()
    await bye_comes(first)


async def test_an_end_of_sending_without_a_close_leaves_a_bye(servers: Servers) -> None:
    first, second = await a_room(servers.signaling_url, "a")
    second.writer.write_eof()
    await bye_comes(first)
    await second.ended()


async def test_who_says_nothing_at_all_holds_up_nobody(servers: Servers) -> None:
    mute = await open_raw(servers.signaling_url)
    one, other = await a_room(servers.signaling_url, "a")
    await relays(one, other, candidate())
    await two_are_matched(servers.matchmaking_url)
    await mute.leave()


@pytest.mark.parametrize("name", ["matchmaking", "signaling"])
async def test_who_vanished_without_a_word_is_noticed_by_its_missing_pongs(name: str) -> None:
    """A raw client answers no pings, just as one whose cable was cut."""
    core = Matchmaking() if name == "matchmaking" else Signaling(ping_every=100)
    async with listening(WebSocketServer(name, core, max_frame=2**20, ping_every=0.2)) as server:
        gone = await open_raw(server.url)
        gone.send(join("gone") if name == "matchmaking" else register("a"))
        if name == "signaling":
            await gone.text()
        assert (await gone.receive())[0] == PING
        code, reason = await gone.closed()
        assert (code, reason) == (1011, "keepalive ping timeout")
        await gone.leave()


def test_by_default_who_vanished_is_noticed_within_a_minute() -> None:
    """The real number; no test waits for so long. Who leaves a ping unanswered is closed when the next one is due."""
    assert PING_EVERY >= 10, "a phone's radio sleeps between two pings"
    assert 2 * PING_EVERY <= 60


async def test_a_mistake_in_a_core_costs_one_connection_only(caplog: pytest.LogCaptureFixture) -> None:
    class Mistaken(Signaling):
        def receive(self, who, text, now):  # type: ignore[no-untyped-def]
            if "boom" in text:
                raise ZeroDivisionError
            return super().receive(who, text, now)

    async with listening(WebSocketServer("signaling", Mistaken(), max_frame=2**20)) as server:
        one, other = await a_room(server.url, "a")
        third, fourth = await a_room(server.url, "b")
        one.send("boom")
        code, reason = await one.closed()
        assert (code, "internal server error" in reason) == (1011, True)
        await bye_comes(other)
        await relays(third, fourth, candidate())
        assert "ZeroDivisionError" in caplog.text
