"""Each bound: honest use never meets it, whoever goes beyond is told why, and 0 means none."""

import asyncio
import itertools
import json
import logging
import time

import pytest

from p2pchat.servers import Servers
from p2pchat.servers import connection as client_module
from p2pchat.servers.limits import Limits
from p2pchat.servers.websocket_server import WebSocketServer
from p2pchat.signaling import Signaling
from p2pchat.sockets.loopback import is_loopback
from tests.support.clock import Clock
from tests.support.raw_clients import a_room, candidate, join, listening, register, relays, surely_heard, until, waiting
from tests.support.raw_websocket import LIMIT, PING, RawWebSocket, ask, frame, open_raw, raw_connection, text

CORES = ("matchmaking", "signaling")
NONE = Limits(0, 0, 0, 0, 0, 0, 0)


# --- time to the first frame --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CORES)
async def test_who_connects_and_says_nothing_is_told_to_go(
    name: str, caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    caplog.set_level(logging.INFO)
    async with Servers(static_port=None) as servers:
        mute = await open_raw(servers.urls[name])
        mute.send(frame(PING, b"I live"))  # a ping says nothing
        await clock.advance(10)
        assert await mute.closed() == (1008, "no frame from you within 10 seconds")
        await mute.leave()
    assert "no frame from you within 10 seconds" in caplog.text


@pytest.mark.parametrize("name", CORES)
async def test_who_has_said_something_may_be_silent_for_long(name: str, clock: Clock) -> None:
    async with Servers(static_port=None, limits=Limits(first_frame=3)) as servers:
        patient = await open_raw(servers.urls[name])
        patient.send(join("patient") if name == "matchmaking" else register("a"))
        if name == "signaling":
            await patient.text()
        else:
            await surely_heard(patient)
        await clock.advance(4)  # and before 5 nobody is pinged
        assert await patient.silent()


async def test_half_a_first_frame_is_none(clock: Clock) -> None:
    async with Servers(static_port=None) as servers:
        slow = await open_raw(servers.signaling_url)
        slow.send(text(register("a"))[:-1])
        await clock.advance(10)
        assert (await slow.closed())[0] == 1008


@pytest.mark.parametrize("name", CORES)
async def test_who_connects_and_asks_for_no_websocket_is_cut_off(name: str) -> None:
    async with Servers(static_port=None, limits=Limits(first_frame=0.3)) as servers:
        reader, writer = await raw_connection(servers.urls[name])
        writer.write(b"GET /")
        assert await asyncio.wait_for(reader.read(-1), LIMIT) == b""
        writer.close()


# --- frames a second ----------------------------------------------------------------------------------------------


async def test_a_burst_of_300_and_then_200_a_second_are_honest(servers: Servers) -> None:
    one, other = await a_room(servers.signaling_url, "a")
    start, sent = time.perf_counter(), 0
    while sent < 700:
        due = 300 + int(200 * (time.perf_counter() - start))
        for number in range(sent, due):
            one.send(candidate(f"candidate:{number}"))
        for number in range(sent, due):
            assert await other.text() == candidate(f"candidate:{number}")
        sent = due
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("flood", ["candidates", "pings of Ayame", "pings of WebSocket", "empty fragments"])
async def test_a_flood_is_told_to_stop_and_the_partner_gets_bye(servers: Servers, flood: str) -> None:
    one, other = await a_room(servers.signaling_url, "a")
    third, fourth = await a_room(servers.signaling_url, "b")
    data = {
        "candidates": text(candidate()),
        "pings of Ayame": text('{"type": "ping"}'),
        "pings of WebSocket": frame(PING, b"?"),
        "empty fragments": frame(0),
    }[flood]
    one.send(frame(1, b"", fin=False) if flood == "empty fragments" else b"")
    if flood == "empty fragments":
        data = frame(0, fin=False)
    one.send(data * 1500)
    code, reason = await one.closed()
    assert (code, reason) == (1008, "rate limit: 500 frames per second")
    while (heard := json.loads(await other.text()))["type"] == "candidate":
        pass
    assert heard == {"type": "bye"}
    await relays(third, fourth, candidate())


async def test_a_flood_in_the_line_is_told_to_stop(servers: Servers) -> None:
    one = await waiting(servers.matchmaking_url, "one")
    one.send(frame(PING) * 1500)
    assert (await one.closed())[0] == 1008
    two = await waiting(servers.matchmaking_url, "two")
    assert await two.silent()


# --- connections from one address ---------------------------------------------------------------------------------


@pytest.fixture
def from_afar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every client come from one address that is not this machine."""
    monkeypatch.setattr(client_module, "address_of", lambda transport: "192.0.2.7")


@pytest.mark.parametrize("name", CORES)
@pytest.mark.usefixtures("from_afar")
async def test_one_address_has_so_many_connections(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with Servers(static_port=None, limits=Limits(connections=3)) as servers:
        url = servers.urls[name]
        clients = [await open_raw(url) for _ in range(3)]
        with pytest.raises(ConnectionRefusedError, match=r"429 .*: more than 3 connections from your address"):
            await open_raw(url)
        assert "more than 3 connections" in caplog.text
        assert (await ask(url, path="/.ok"))[2] == "ok\n"
        clients.pop().kill()
        clients.append(await _as_soon_as_possible(url))
        for client in clients:
            await client.leave()


async def _as_soon_as_possible(url: str) -> RawWebSocket:
    """A connection, once the server has noticed that another one has ended."""
    async with asyncio.timeout(LIMIT):
        while True:
            try:
                return await open_raw(url)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)


@pytest.mark.usefixtures("from_afar")
async def test_who_never_finishes_the_handshake_counts_too() -> None:
    async with Servers(static_port=None, limits=Limits(connections=3)) as servers:
        pending = [await raw_connection(servers.signaling_url) for _ in range(3)]
        with pytest.raises(ConnectionRefusedError, match="429"):
            await open_raw(servers.signaling_url)
        for _, writer in pending:
            writer.close()


async def test_each_address_has_its_own_count(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = itertools.count(1)
    monkeypatch.setattr(client_module, "address_of", lambda transport: f"192.0.2.{next(numbers)}")
    async with Servers(static_port=None, limits=Limits(connections=1)) as servers:
        for client in [await open_raw(servers.signaling_url) for _ in range(10)]:
            await client.leave()


async def test_this_machine_is_exempt() -> None:
    async with Servers(static_port=None, limits=Limits(connections=2)) as servers:
        for client in [await open_raw(servers.signaling_url) for _ in range(10)]:
            await client.leave()


@pytest.mark.usefixtures("from_afar")
async def test_a_whole_classroom_sits_behind_one_address(servers: Servers) -> None:
    clients = await asyncio.gather(*(open_raw(servers.matchmaking_url) for _ in range(300)))
    for client in clients:
        await client.leave()


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "::1%lo"])
def test_loopback_is_known_in_all_its_forms(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["192.0.2.7", "::", "0.0.0.0", "fe80::1%eth0", "::ffff:192.0.2.7", "unknown", ""])
def test_and_nothing_else_is(address: str) -> None:
    assert not is_loopback(address)


# --- what is queued for one who does not read ---------------------------------------------------------------------


async def test_who_does_not_read_is_closed_and_no_other_room_notices(
    caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    caplog.set_level(logging.INFO)
    async with Servers(static_port=None, limits=Limits(queued=2**20)) as servers:
        one = await open_raw(servers.signaling_url)
        one.send(register("a"))
        await one.text()
        deaf = await open_raw(servers.signaling_url, receive_buffer=4096)
        deaf.send(register("a"))
        await deaf.text()  # and from now on it reads no more
        third, fourth = await a_room(servers.signaling_url, "b")
        big, sent = candidate("x" * 100_000), 0
        while one.reader.at_eof() is False and not _bye_is_there(one):
            one.send(big)
            await one.writer.drain()
            with clock.standing_still():  # the other room waits for no timer
                await relays(third, fourth, candidate())
            sent += 1
            assert sent < 500, "it was never closed"
        assert json.loads(await one.text()) == {"type": "bye"}
        code, reason = await deaf.closed()  # it reads again, and learns why
        assert code == 1008
        assert reason.startswith("too slow: ")
        assert reason.endswith(" bytes unsent")
        for client in (one, deaf, third, fourth):
            await client.leave()
    assert "too slow" in caplog.text


def _bye_is_there(client: RawWebSocket) -> bool:
    return b"bye" in bytes(client.reader._buffer)  # type: ignore[attr-defined]


async def test_who_never_reads_at_all_is_cut_off_soon() -> None:
    async with listening(WebSocketServer("signaling", Signaling(), max_frame=2**20)) as server:
        one, _ = await a_room(server.url, "b")
        deaf = await open_raw(server.url, receive_buffer=4096)
        deaf.send(register("a"))
        flood = await open_raw(server.url)
        flood.send(register("a"))
        big = candidate("x" * 500_000)
        while not _bye_is_there(flood):
            flood.send(big)
            await flood.writer.drain()
        await until(lambda: server.connections < 4, "the deaf one is cut off")
        deaf.kill()
        await one.leave()


async def test_who_pings_and_reads_no_pong_is_closed() -> None:
    limits = Limits(queued=2**16, frames_per_second=0)
    async with listening(WebSocketServer("signaling", Signaling(), max_frame=2**20, limits=limits)) as server:
        deaf = await open_raw(server.url, receive_buffer=4096)
        pings = frame(PING, bytes(125)) * 1000
        async with asyncio.timeout(LIMIT):
            while server.connections:
                deaf.send(pings)
                await asyncio.sleep(0)
        deaf.kill()


async def test_without_a_bound_on_the_queue_the_deaf_are_waited_for() -> None:
    async with Servers(static_port=None, limits=Limits(queued=0)) as servers:
        one = await open_raw(servers.signaling_url)
        one.send(register("a"))
        await one.text()
        deaf = await open_raw(servers.signaling_url, receive_buffer=4096)
        deaf.send(register("a"))
        await deaf.text()
        said = [candidate(f"{number}" + "x" * 500_000) for number in range(30)]  # 15 MB, beyond any default
        for text_said in said:
            one.send(text_said)
        await surely_heard(one)
        assert [await deaf.text() for _ in said] == said
        await one.leave()
        await deaf.leave()
