"""A server that is down, silent or mad: the peer stops waiting, and says which one it was and what to do."""

import asyncio
import http
import os
from collections.abc import Callable

import pytest

from p2pchat import ChatPeer, Servers, State, Timeouts, Trace
from p2pchat.errors import ChatError, MatchmakingFailed
from tests.support.clock import Clock
from tests.support.events import Log, until
from tests.support.fake_servers import (
    ACCEPT_FIRST,
    ACCEPT_SECOND,
    MATCH,
    breaks,
    closes,
    raw_server,
    says,
    stays,
    unused_url,
    websocket_server,
)
from tests.support.third_party import enter

NewPeer = Callable[..., ChatPeer]


def refusing(status: int, body: str) -> Callable:
    return lambda connection, request: connection.respond(http.HTTPStatus(status), body)


class TestMatchmaking:
    async def fails(self, new_peer: NewPeer, url: str, timeouts: Timeouts | None = None) -> str:
        """Start with the matchmaking server at ``url``. Returns: why that failed, which must name server and remedy."""
        peer = new_peer(matchmaking=url, timeouts=timeouts)
        log = Log(peer)
        with pytest.raises(MatchmakingFailed) as error:
            await peer.start()
        assert await log.closed() == str(error.value)
        assert log.states == [State.WAITING, State.CLOSED]
        assert str(error.value).startswith(f"Matchmaking failed ({url}): the server cannot be reached: ")
        assert "p2pchat serve" in str(error.value)
        return str(error.value)

    async def test_is_down(self, new_peer: NewPeer) -> None:
        assert "nobody listens there" in await self.fails(new_peer, await unused_url())

    async def test_accepts_and_says_nothing(self, new_peer: NewPeer) -> None:
        async with raw_server(None) as url:
            assert "no answer within 0.1 seconds" in await self.fails(new_peer, url, Timeouts(server=0.1))

    async def test_is_an_http_server(self, new_peer: NewPeer) -> None:
        async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as url:
            assert "HTTP 200, hi" in await self.fails(new_peer, url)

    async def test_is_no_http_server(self, new_peer: NewPeer) -> None:
        async with raw_server(b"220 mail.example ESMTP\r\n") as url:
            assert "not a WebSocket server" in await self.fails(new_peer, url)

    async def test_closes_before_it_answers(self, new_peer: NewPeer) -> None:
        async with raw_server(b"") as url:
            assert "not a WebSocket server" in await self.fails(new_peer, url)

    @pytest.mark.parametrize("status", [403, 404, 503])
    async def test_refuses(self, new_peer: NewPeer, status: int) -> None:
        async with websocket_server(stays, process_request=refusing(status, "not for you")) as url:
            assert f"it answered HTTP {status}, not for you" in await self.fails(new_peer, url)

    async def test_is_asked_at_the_wrong_path(self, new_peer: NewPeer, servers: Servers) -> None:
        url = servers.matchmaking_url.replace("/matchmaking", "/elsewhere")
        assert "HTTP 404" in await self.fails(new_peer, url)

    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1:1/", "127.0.0.1:8081", "ws://", "ws://[::1", "", "ws://h:99999/"]
    )
    async def test_has_an_address_that_is_none(self, new_peer: NewPeer, url: str) -> None:
        await self.fails(new_peer, url)

    async def test_has_a_name_that_does_not_exist(self, new_peer: NewPeer) -> None:
        await self.fails(new_peer, "ws://nobody.invalid/matchmaking")

    @pytest.mark.parametrize("frame", ["no JSON", "[]", "{}", '{"type":"MATCH"}', b"\x00", "[" * 5_000])
    async def test_says_rubbish(self, new_peer: NewPeer, frame: str | bytes) -> None:
        async with websocket_server(says(frame)) as url:
            peer = new_peer(matchmaking=url)
            log = Log(peer)
            await peer.start()
            assert (await log.closed()).startswith(f"Matchmaking failed ({url}): the server ")
            assert log.states == [State.WAITING, State.CLOSED]

    @pytest.mark.parametrize(
        ("end", "why"),
        [
            (
                closes(1008, "too many of you"),
                "ended the connection (closed with code 1008: too many of you)",
            ),
            (closes(1000), "the server ended the connection (closed with code 1000)"),
            (breaks, "the server ended the connection (closed with code 1006: the connection broke)"),
        ],
        ids=["with a reason", "without a reason", "without a close frame"],
    )
    async def test_sends_us_away(self, new_peer: NewPeer, end, why: str) -> None:
        async with websocket_server(says(then=end)) as url:
            peer = new_peer(matchmaking=url)
            log = Log(peer)
            await peer.start()
            assert why in await log.closed()

    async def test_stops_while_somebody_waits(self, new_peer: NewPeer, servers: Servers) -> None:
        peer = new_peer()
        log = Log(peer)
        await peer.start()
        await servers.stop()
        assert "Matchmaking failed (" in await log.closed()

    async def test_that_answers_no_ping_keeps_who_waits(self, new_peer: NewPeer, monkeypatch) -> None:
        """The original reads one frame and never again, so no pong comes."""
        monkeypatch.setattr("p2pchat.sockets.websocket.PING_INTERVAL", 0.02)
        monkeypatch.setattr("p2pchat.sockets.websocket.CLOSE_TIMEOUT", 0.1)
        late, over = asyncio.Event(), asyncio.Event()

        async def deaf(connection) -> None:
            connection.transport.pause_reading()
            await late.wait()
            await connection.send(str(MATCH).replace("'", '"'))
            await over.wait()

        async with websocket_server(says(then=deaf)) as url:
            peer = new_peer(matchmaking=url, signaling=await unused_url())
            log = Log(peer)
            await peer.start()
            with pytest.raises(ChatError, match="Not matched within"):  # 25 pings without an answer
                await peer.wait_for(State.MATCHED, 0.5)
            late.set()
            await log.until(lambda: State.MATCHED in log.states)
            assert "Signaling failed" in await log.closed()
            over.set()

    async def test_lets_somebody_leave_who_it_never_answers(self, new_peer: NewPeer) -> None:
        async with raw_server(None) as url:
            peer = new_peer(matchmaking=url)
            starting = asyncio.create_task(peer.start())
            await until(lambda: peer.state is State.WAITING, "it asks")
            await peer.leave()
            await starting
            assert peer.why == "You left."


class TestSignaling:
    async def fails(self, new_peer: NewPeer, url: str, clock: Clock | None = None, *after: State) -> str:
        """Be matched, and go to the signaling server at ``url``; from a state ``after`` which a timeout has to decide,
        let time pass. Returns: why that failed."""
        async with websocket_server(says(MATCH)) as matchmaking:
            peer = new_peer(matchmaking=matchmaking, signaling=url)
            log = Log(peer)
            await peer.start()
            if clock is not None:
                await log.until(lambda: {State.CLOSED, *after} & set(log.states))
                await clock.advance_until(lambda: State.CLOSED in log.states, at_most=60)
            why = await log.closed()
            assert State.OPEN not in log.states
            assert why.endswith(".")
            await peer.leave()
        return why

    async def test_is_down(self, new_peer: NewPeer) -> None:
        url = await unused_url()
        why = await self.fails(new_peer, url)
        assert why.startswith(f"Signaling failed ({url}): the server cannot be reached: nobody listens there")

    async def test_accepts_and_says_nothing(self, new_peer: NewPeer, clock: Clock) -> None:
        async with raw_server(None) as url:
            assert "Signaling failed" in (why := await self.fails(new_peer, url, clock, State.MATCHED))
            assert "no answer within 10 seconds" in why

    async def test_lets_us_in_without_a_word(self, new_peer: NewPeer, clock: Clock) -> None:
        async with websocket_server(says()) as url:
            assert "no answer within 10 seconds" in await self.fails(new_peer, url, clock, State.MATCHED)

    async def test_rejects_us(self, new_peer: NewPeer) -> None:
        async with websocket_server(says({"type": "reject", "reason": "full"}, then=closes())) as url:
            assert "the server refused us: full" in await self.fails(new_peer, url)

    async def test_rejects_the_third(self, new_peer: NewPeer, servers: Servers) -> None:
        async with enter(servers.signaling_url, "a-room"), enter(servers.signaling_url, "a-room"):
            assert "the server refused us: full" in await self.fails(new_peer, servers.signaling_url)

    @pytest.mark.parametrize(
        ("end", "why"),
        [(closes(1008, "go away"), "go away"), (closes(), "closed with code 1000"), (breaks, "the connection broke")],
        ids=["with a reason", "without a reason", "without a close frame"],
    )
    async def test_closes_instead_of_an_answer(self, new_peer: NewPeer, end, why: str) -> None:
        async with websocket_server(says(then=end)) as url:
            assert why in await self.fails(new_peer, url)

    @pytest.mark.parametrize("accept", [ACCEPT_FIRST, ACCEPT_SECOND], ids=["first", "second"])
    async def test_closes_after_it_let_us_in(self, new_peer: NewPeer, accept: dict) -> None:
        async with websocket_server(says(accept, then=closes(1001, "maintenance"))) as url:
            why = await self.fails(new_peer, url)
            assert "the server went away too early (closed with code 1001: maintenance)" in why

    async def test_says_rubbish_which_is_ignored(self, new_peer: NewPeer, clock: Clock) -> None:
        rubbish = ("no JSON", "[]", '{"type":"notify"}', '{"type":"accept","iceServers":7}', "[" * 5_000)
        async with websocket_server(says(*rubbish, ACCEPT_FIRST, *rubbish)) as url:
            assert "Your match never came" in await self.fails(new_peer, url, clock, State.CONNECTING)

    async def test_sends_binary_frames(self, new_peer: NewPeer) -> None:
        async with websocket_server(says(b"\x00")) as url:
            assert "binary" in await self.fails(new_peer, url)

    async def test_sends_us_away_while_we_wait(self, new_peer: NewPeer) -> None:
        async with websocket_server(says(ACCEPT_FIRST, {"type": "reject", "reason": "no more"})) as url:
            assert "the server sent us away: no more" in await self.fails(new_peer, url)

    @pytest.mark.parametrize(
        "server",
        [
            {},
            {"urls": 7},
            {"urls": []},
            {"urls": ["bogus:x"]},
            {"urls": "turn:"},
            {"urls": [None]},
            {"urls": ["stun:h:x"]},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("accept", [ACCEPT_FIRST, ACCEPT_SECOND], ids=["first", "second"])
    async def test_names_ice_servers_that_are_none(
        self, new_peer: NewPeer, accept: dict, server: dict, clock: Clock
    ) -> None:
        async with websocket_server(says(accept | {"iceServers": [server]})) as url:
            why = await self.fails(new_peer, url, clock, State.CONNECTING)
        assert "ICE servers" in why or "Your match never came" in why or "could not be set up" in why

    async def test_pings_and_is_answered(self, new_peer: NewPeer) -> None:
        heard: list[str] = []

        async def listens(connection) -> None:
            while len(heard) < 2:
                heard.append(await connection.recv())

        async with websocket_server(says({"type": "ping"}, ACCEPT_FIRST, {"type": "ping"}, then=listens)) as url:
            await self.fails(new_peer, url)
        assert heard == ['{"type":"pong"}'] * 2

    async def test_lets_somebody_leave_who_it_never_answers(self, new_peer: NewPeer) -> None:
        async with websocket_server(says(MATCH)) as matchmaking, raw_server(None) as url:
            peer = new_peer(matchmaking=matchmaking, signaling=url)
            await peer.start()
            await peer.wait_for(State.MATCHED, 60)
            await peer.leave()
            assert peer.why == "You left."


class TestServersThatStop:
    """Whoever is concerned is told, and a chat that is open needs no server."""

    async def test_after_the_match(self, new_peer: NewPeer, servers: Servers) -> None:
        ada, bob = new_peer(), new_peer()
        logs = Log(ada), Log(bob)
        stopping: list[asyncio.Task[None]] = []

        def stop(event: object) -> None:
            if ada.state is State.MATCHED and not stopping:
                stopping.append(asyncio.create_task(servers.stop()))

        ada.listen(stop)
        await asyncio.gather(ada.start(), bob.start())
        for log in logs:
            assert "Signaling failed" in await log.closed()
        await asyncio.gather(*stopping)

    async def test_between_offer_and_answer(self, new_peer: NewPeer, servers: Servers) -> None:
        async with websocket_server(says(MATCH)) as matchmaking:
            peer = new_peer(matchmaking=matchmaking, timeouts=Timeouts(stranger=5))
            log = Log(peer)
            async with enter(servers.signaling_url, "a-room") as stranger:
                await peer.start()
                await stranger.frame("offer")
                await servers.stop()
                assert "went away too early" in await log.closed()

    async def test_after_the_answer_ice_finds_the_way_all_the_same(self, new_peer: NewPeer, servers: Servers) -> None:
        stopping: list[asyncio.Task[None]] = []

        class StopsThem(Trace):
            def report(self, source: str, target: str, what: str, *, room: str = "", received: bool = False) -> None:
                super().report(source, target, what, room=room, received=received)
                if what == "answer" and received:
                    stopping.append(asyncio.create_task(servers.stop()))

        negotiating = ada, bob = new_peer(trace=StopsThem()), new_peer(trace=StopsThem())
        await asyncio.gather(ada.start(), bob.start())
        await asyncio.gather(*(peer.wait_for(State.OPEN, 60) for peer in negotiating))
        await asyncio.gather(*stopping)
        assert ada.state is bob.state is State.OPEN

    async def test_in_the_middle_of_a_chat_which_goes_on(self, talking, servers: Servers) -> None:
        ada, bob, of_ada, of_bob = talking
        await servers.stop()
        await ada.send("are you still there?")
        await of_bob.until(lambda: of_bob.texts)
        await bob.send("yes")
        await of_ada.until(lambda: of_ada.texts)
        assert ada.state is bob.state is State.OPEN
        with pytest.raises(MatchmakingFailed):
            await ada.next()
        assert await of_bob.closed() == "The stranger left."


async def test_proxies_of_the_environment_are_not_asked_for_servers_of_this_machine(new_peer, monkeypatch) -> None:
    proxy = (await unused_url()).replace("ws:", "http:")
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert os.environ["http_proxy"] == proxy
    ada, bob = new_peer(), new_peer()
    await asyncio.gather(ada.start(), bob.start())
    await asyncio.gather(*(peer.wait_for(State.OPEN, 60) for peer in (ada, bob)))
