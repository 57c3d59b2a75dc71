"""The wire of both protocols, spoken by clients that nobody here wrote (PROTOCOL.md)."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedOK

from p2pchat.messages import parse_match
from p2pchat.servers import Servers
from p2pchat.servers.websocket_server import WebSocketServer
from p2pchat.signaling import Signaling
from tests.support.clock import Clock
from tests.support.raw_clients import NOW, a_room, candidate, join, listening, register, relays, surely_heard, waiting
from tests.support.raw_websocket import CLOSE, CONT, PING, PONG, TEXT, close, frame, open_raw, text

# --- matchmaking: the original Go client --------------------------------------------------------------------------


async def test_the_original_client_gets_its_match_and_its_close_is_answered_at_once(
    servers: Servers, clock: Clock
) -> None:
    first = await waiting(servers.matchmaking_url, "first")
    second = await open_raw(servers.matchmaking_url)
    second.send(join("second"))
    matches = [json.loads(await client.text()) for client in (first, second)]
    assert [match["type"] for match in matches] == ["MATCH", "MATCH"]
    assert [match["user_id"] for match in matches] == ["peer", "second"]
    assert matches[0]["room_id"] == matches[1]["room_id"]
    assert all(parse_match(json.dumps(match)).created_at for match in matches)
    for client in (first, second):
        with clock.standing_still():  # at once: no timer is needed
            client.send(close(1000))  # and now it blocks until the close frame comes, and does nothing else
            assert await client.receive() == (CLOSE, b"\x03\xe8")
            await client.ended()  # the server is the first to end TCP (RFC 6455, section 7.1.1)


async def test_who_stays_after_the_match_is_closed_by_the_server(servers: Servers, clock: Clock) -> None:
    first = await waiting(servers.matchmaking_url, "first")
    second = await open_raw(servers.matchmaking_url)
    second.send(join("second"))
    assert json.loads(await first.text())["type"] == "MATCH"
    await clock.advance(5)
    assert (await first.closed())[0] == 1000


async def test_unknown_keys_and_fragments_are_no_matter(servers: Servers) -> None:
    first, second = await open_raw(servers.matchmaking_url), await open_raw(servers.matchmaking_url)
    whole = join("first", version=7, extra={"a": [1, None]}).encode()
    for number, at in enumerate(range(0, len(whole), 7)):
        last = at + 7 >= len(whole)
        first.send(frame(CONT if number else TEXT, whole[at : at + 7], fin=last))
        first.send(frame(PING, b"between"))  # control frames may come between fragments
        assert await first.receive() == (PONG, b"between")
    second.send(join("second"))
    assert json.loads(await first.text())["user_id"] == "peer"


async def test_a_second_tab_of_the_same_user_is_not_matched_with_the_first(servers: Servers) -> None:
    tabs = [await waiting(servers.matchmaking_url, "me"), await waiting(servers.matchmaking_url, "me")]
    other = await open_raw(servers.matchmaking_url)
    other.send(join("other"))
    assert json.loads(await other.text())["type"] == "MATCH"
    heard = [await tab.silent() for tab in tabs]
    assert sorted(heard) == [False, True]


async def test_the_websockets_library_is_a_client_too(servers: Servers, clock: Clock) -> None:
    async with connect(servers.matchmaking_url) as one, connect(servers.matchmaking_url) as two:
        await one.send(json.dumps({"user_id": "one", "created_at": NOW}))
        await two.send(json.dumps({"user_id": "two", "created_at": NOW}))
        assert json.loads(await one.recv())["type"] == "MATCH"
        with clock.standing_still():
            await two.close()


# --- signaling: Ayame clients -------------------------------------------------------------------------------------


async def test_the_second_is_told_so_in_both_flags() -> None:
    ice = {"urls": ["turn:turn.example.org"], "username": "u", "credential": "c"}
    async with Servers(static_port=None, ice_servers=[ice]) as servers:
        first, second = await open_raw(servers.signaling_url), await open_raw(servers.signaling_url)
        accepted = []
        for client in (first, second):
            client.send(
                register("a", ayameClient="Ayame Web SDK", environment="x", libwebrtc="m1", authnMetadata={"a": 1})
            )
            accepted.append(json.loads(await client.text()))
        assert [(said["isExistClient"], said["isExistUser"]) for said in accepted] == [(False, False), (True, True)]
        assert all(said["type"] == "accept" and said["iceServers"] == [ice] for said in accepted)
        assert accepted[0]["connectionId"] != accepted[1]["connectionId"]


async def test_without_ice_servers_the_key_is_not_there(servers: Servers) -> None:
    client = await open_raw(servers.signaling_url)
    client.send(register("a"))
    assert "iceServers" not in json.loads(await client.text())


async def test_large_descriptions_pass_byte_for_byte_and_in_order(servers: Servers) -> None:
    one, other = await a_room(servers.signaling_url, "a")
    lines = "".join(f"a=candidate:{n} 1 udp 2122260223 192.0.2.{n % 250} 5{n:04} typ host\\r\\n" for n in range(6000))
    offer = '{ "sdp":"v=0\\r\\n' + lines + '" ,\t"type":  "offer", "unknown": [1.0, 1e2, "\\u00e9é\\/𝄞"], "sdp2":null }'
    assert 2**18 < len(offer) < 2**20
    said = [offer, *(candidate(f"candidate:{n}", number=n) for n in range(100)), '{"type":"candidate","ice":null}']
    for frame_said in said:
        other.send(frame_said)
    assert [await one.text() for _ in said] == said
    await relays(one, other, '{"type": "answer", "sdp": "v=0\\r\\n' + lines + '", "": ""}')


async def test_the_largest_frame_that_is_allowed_passes(servers: Servers) -> None:
    one, other = await a_room(servers.signaling_url, "a")
    empty = '{"type":"offer","sdp":""}'
    await relays(one, other, empty.replace('""', '"' + "x" * (2**20 - len(empty)) + '"'))


async def test_a_frame_in_fragments_is_relayed_whole(servers: Servers) -> None:
    one, other = await a_room(servers.signaling_url, "a")
    said = candidate("é" * 100).encode()
    for at in range(0, len(said), 3):
        one.send(frame(CONT if at else TEXT, said[at : at + 3], fin=at + 3 >= len(said)))
    assert (await other.text()).encode() == said


async def test_a_third_is_turned_away_and_the_two_go_on(servers: Servers) -> None:
    one, other = await a_room(servers.signaling_url, "a")
    third = await open_raw(servers.signaling_url)
    third.send(register("a"))
    assert json.loads(await third.text()) == {"type": "reject", "reason": "full"}
    code, reason = await third.closed()
    assert (code, "full" in reason) == (1000, True)
    await relays(one, other, candidate())
    await relays(other, one, candidate())


async def test_the_client_may_ping(servers: Servers) -> None:
    client = await open_raw(servers.signaling_url)
    client.send(register("a"))
    await client.text()
    client.send('{"type": "ping"}')
    assert json.loads(await client.text()) == {"type": "pong"}


async def test_the_server_pings_and_gives_up_who_is_silent() -> None:
    async with listening(
        WebSocketServer("signaling", Signaling(ping_every=0.05, dead_after=0.5), max_frame=2**20)
    ) as server:
        alive, silent = await a_room(server.url, "a")
        pings = 0
        while (said := json.loads(await alive.text()))["type"] == "ping":
            pings += 1
            alive.send('{"type": "pong"}')
        assert said == {"type": "bye"}
        assert pings >= 5
        code, reason = await silent.closed()
        assert (code, "nothing heard from you" in reason) == (1008, True)


@pytest.mark.parametrize("how", ["close 1000", "close without a code", "the end of TCP"])
async def test_when_one_leaves_the_other_gets_bye_and_then_close_1000(servers: Servers, how: str) -> None:
    one, other = await a_room(servers.signaling_url, "a")
    if how == "the end of TCP":
        await one.leave()
    else:
        one.send(close(1000) if how == "close 1000" else frame(CLOSE))
    assert json.loads(await other.text()) == {"type": "bye"}
    assert (await other.closed())[0] == 1000
    one, other = await a_room(servers.signaling_url, "a")  # the room can be used again
    await relays(one, other, candidate())


async def test_in_standalone_mode_the_server_closes_after_connected(servers: Servers) -> None:
    one, other = await a_room(servers.signaling_url, "a", standalone=True)
    one.send('{"type": "connected"}')
    assert (await one.closed())[0] == 1000
    await surely_heard(other)  # no bye: the two have their DataChannel
    other.send('{"type": "connected"}')
    assert (await other.closed())[0] == 1000


async def test_what_was_said_before_a_close_in_the_same_breath_is_heard_first(servers: Servers) -> None:
    one, other = await a_room(servers.signaling_url, "a")
    one.send(text(candidate("1")) + text(candidate("2")) + close(1000))
    assert [await other.text() for _ in range(2)] == [candidate("1"), candidate("2")]
    assert json.loads(await other.text()) == {"type": "bye"}


async def test_rooms_do_not_hear_each_other(servers: Servers) -> None:
    rooms = [await a_room(servers.signaling_url, f"room {number}") for number in range(20)]
    said = [[candidate(f"{number}.{n}") for n in range(20)] for number in range(20)]
    for (one, _), texts in zip(rooms, said, strict=True):
        for one_said in texts:
            one.send(one_said)
    heard = await asyncio.gather(*(_hear(other, 20) for _, other in rooms))
    assert list(heard) == said


async def _hear(client: object, count: int) -> list[str]:
    return [await client.text() for _ in range(count)]  # type: ignore[attr-defined]


async def test_the_websockets_library_gets_a_close_that_it_calls_ok(servers: Servers) -> None:
    async with connect(servers.signaling_url) as one, connect(servers.signaling_url) as other:
        for client in (one, other):
            await client.send(register("a"))
            await client.recv()
        await one.close()
        assert json.loads(await other.recv()) == {"type": "bye"}
        with pytest.raises(ConnectionClosedOK, match="the other one left"):
            await other.recv()
