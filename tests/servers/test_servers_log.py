"""What is in the log: every refusal with its reason, and neither an SDP nor an address unless asked for."""

import json
import logging

import pytest

from p2pchat.servers import Servers
from p2pchat.servers import connection as client_module
from p2pchat.servers.limits import Limits
from p2pchat.sockets.close_reason import without_quotes
from tests.support.clock import Clock
from tests.support.raw_clients import NOW, a_room, candidate, join, surely_heard, waiting
from tests.support.raw_websocket import ask, close, open_raw, raw_connection, text

ADDRESS, HIDDEN = "192.0.2.7", ("192.0.2", "2001:db8", "127.0.0.1", "::1", "v=0", "a=candidate", "10.9.8")


async def a_whole_exchange(monkeypatch: pytest.MonkeyPatch, clock: Clock, *, log_private: bool) -> None:
    """Two meet, talk and leave, and many are refused in between."""
    monkeypatch.setattr(client_module, "address_of", lambda transport: ADDRESS)
    async with Servers(limits=Limits(connections=8), log_private=log_private) as servers:
        one = await waiting(servers.matchmaking_url, "one")
        two = await open_raw(servers.matchmaking_url)
        two.send(join("two"))
        assert json.loads(await one.text())["type"] == json.loads(await two.text())["type"] == "MATCH"
        for client in (one, two):
            client.send(close())
            await client.closed()
            await client.leave()
        one, two = await a_room(servers.signaling_url, "a")
        two.send(json.dumps({"type": "offer", "sdp": f"v=0\r\na=candidate:1 1 udp 1 {ADDRESS} 9 typ host\r\n"}))
        two.send(candidate())
        await surely_heard(two)

        mute = await open_raw(servers.signaling_url)
        await clock.advance(Limits().first_frame)
        await mute.closed()
        await mute.leave()
        for said in (
            text(json.dumps({"type": f"v=0 {ADDRESS}"})),
            text(json.dumps({"type": "candidate", "ice": f"candidate:1 {ADDRESS} 9"})),
            text(json.dumps({"type": "register", "roomId": [ADDRESS]})),
            text(json.dumps({"type": f'a" {ADDRESS}'})),
            text(f"no JSON {ADDRESS}"),
            text(ADDRESS * 200_000),
            b"\x82\x80abcd",
            b"\xf1\x80abcd",
        ):
            refused = await open_raw(servers.signaling_url)
            refused.send(said)
            await refused.closed()
            await refused.leave()
        refused = await open_raw(servers.matchmaking_url)
        refused.send(json.dumps({"user_id": "a", "created_at": ADDRESS}))
        await refused.closed()
        await refused.leave()
        for origin in (f"http://{ADDRESS}:8080", f'http://{ADDRESS}" 10.9.8.7', "http://[2001:db8::7]"):
            with pytest.raises(ConnectionRefusedError, match="403"):
                await open_raw(servers.signaling_url, origin=origin)
        await ask(servers.signaling_url, path=f"/{ADDRESS}")
        await ask(servers.signaling_url)
        others = [await raw_connection(servers.signaling_url) for _ in range(9)]
        with pytest.raises(ConnectionRefusedError, match="429"):
            await open_raw(servers.signaling_url)
        for _, writer in others:
            writer.close()
        await ask(servers.static_url, path=f"/{ADDRESS}")
        reader, writer = await raw_connection(servers.static_url)
        writer.write(b"no HTTP\r\n\r\n")
        await reader.read(-1)
        writer.close()
        for client in (one, two):
            await client.leave()


async def test_no_session_description_and_no_address(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    await a_whole_exchange(monkeypatch, clock, log_private=False)
    for hidden in HIDDEN:
        assert hidden not in caplog.text


async def test_but_each_refusal_with_its_reason(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    caplog.set_level(logging.INFO)
    await a_whole_exchange(monkeypatch, clock, log_private=False)
    for reason in (
        "no frame from you within 10 seconds",
        "is closed with 1008: unknown message type",
        'is closed with 1008: "ice" must be an object or null',
        'is closed with 1008: "roomId" must be a text',
        'is closed with 1008: "created_at" must be an RFC 3339 time',
        "is closed with 1007: the frame is not JSON",
        "is closed with 1009: frame with 1800000 bytes exceeds limit of 1048576 bytes",
        "is closed with 1003: this protocol knows text frames only",
        "is closed with 1002: reserved bits must be 0",
        "refused with 403: pages from",
        "refused with 404: there is only /signaling here",
        "refused with 429: more than 8 connections from your address",
    ):
        assert reason in caplog.text
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_who_asks_for_everything_gets_it(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    caplog.set_level(logging.INFO)
    await a_whole_exchange(monkeypatch, clock, log_private=True)
    for told in (
        f"comes from {ADDRESS}",
        "a=candidate:1 1 udp 1",
        f'pages from "http://{ADDRESS}:8080"',
        NOW,
        '"isExistClient":true',
    ):
        assert told in caplog.text


async def test_one_talkative_server_does_not_make_another_talk(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    async with Servers(static_port=None, log_private=True):
        caplog.set_level(logging.DEBUG)
        logging.getLogger("asyncio").setLevel(logging.WARNING)
        await a_whole_exchange(monkeypatch, clock, log_private=False)
    assert ADDRESS not in caplog.text


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ('"user_id" is missing', '"user_id" is missing'),
        ('"a" must be b, not "192.0.2.7"', '"a" must be b, not "…"'),
        ('unknown message type "candidate:1 1 udp 21222602...', 'unknown message type "…"'),
        (r'not "a\" 192.0.2.7"', 'not "…"'),
        ("rate limit: 500 frames per second", "rate limit: 500 frames per second"),
    ],
)
def test_what_a_client_said_is_cut_out_of_a_reason(said: str, kept: str) -> None:
    assert without_quotes(said) == kept
