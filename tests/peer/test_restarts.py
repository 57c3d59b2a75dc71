"""A server that is restarted (close code 1012) loses nobody: who waited joins again, a room is entered again."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from p2pchat import ChatError, ChatPeer, Servers, State, Timeouts
from p2pchat.matchmaking import Matchmaking
from p2pchat.signaling import Signaling
from tests.support.clock import Clock
from tests.support.events import Log, until
from tests.support.restarting import Restarting, restarting

NewPeer = Callable[..., ChatPeer]
TIMEOUTS = Timeouts(server=1.0, goodbye=0.2)


@pytest.fixture
async def matchmaking(nothing_is_left_behind: None) -> AsyncIterator[Restarting]:
    async with restarting(lambda: Matchmaking(patience=0.3), "matchmaking") as server:
        yield server


@pytest.fixture
async def signaling(nothing_is_left_behind: None) -> AsyncIterator[Restarting]:
    async with restarting(Signaling, "signaling") as server:
        yield server


async def talk(ada: ChatPeer, bob: ChatPeer) -> None:
    """Both are open, and what one says the other hears."""
    logs = Log(ada), Log(bob)
    await asyncio.gather(*(peer.wait_for(State.OPEN, 60) for peer in (ada, bob)))
    await ada.send("from Ada")
    await bob.send("from Bob")
    await logs[1].until(lambda: logs[1].texts == ["from Ada"])
    await logs[0].until(lambda: logs[0].texts == ["from Bob"])


class TestAMatchmakingServerThatIsRestarted:
    async def test_keeps_who_waits(self, new_peer: NewPeer, matchmaking: Restarting) -> None:
        ada, bob = (new_peer(matchmaking=matchmaking.url, name=name) for name in ("Ada", "Bob"))
        log = Log(ada)
        await ada.start()
        for restarts in range(1, 4):
            await until(lambda: matchmaking.clients, "Ada stands in the line")
            matchmaking.restart()
            assert matchmaking.restarts == restarts
        await bob.start()
        await talk(ada, bob)
        assert log.states == [State.WAITING, State.MATCHED, State.CONNECTING, State.OPEN]
        assert [arrow.what for arrow in ada.trace].count("join") == 1  # it was asked for once, by whoever pressed START

    async def test_keeps_two_who_wait(self, new_peer: NewPeer, matchmaking: Restarting) -> None:
        ada = new_peer(matchmaking=matchmaking.url, interests=["chess"])
        bob = new_peer(matchmaking=matchmaking.url, interests=["go"])
        await asyncio.gather(ada.start(), bob.start())
        await until(lambda: len(matchmaking.clients) == 2, "both stand in the line")
        matchmaking.restart()
        await talk(ada, bob)

    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize("number", [1, 2])
    async def test_at_the_moment_of_joining(
        self, new_peer: NewPeer, matchmaking: Restarting, when: str, number: int
    ) -> None:
        matchmaking.plan(when, "join", number)
        ada, bob = (new_peer(matchmaking=matchmaking.url, name=name) for name in ("Ada", "Bob"))
        await asyncio.gather(ada.start(), bob.start())
        await talk(ada, bob)
        assert matchmaking.restarts == 1

    async def test_and_does_not_come_back_is_given_up(self, new_peer: NewPeer, matchmaking: Restarting) -> None:
        peer = new_peer(matchmaking=matchmaking.url, timeouts=TIMEOUTS)
        await peer.start()
        await until(lambda: matchmaking.clients, "it stands in the line")
        matchmaking.stays_down = True
        matchmaking.restart()
        with pytest.raises(ChatError, match=r"the server ended the connection .closed with code 1013: not yet"):
            await peer.wait_for(State.OPEN, 60)

    async def test_and_whose_port_is_closed_then_is_given_up(self, new_peer: NewPeer) -> None:
        async with restarting(Matchmaking, "matchmaking") as server:
            peer = new_peer(matchmaking=server.url, timeouts=TIMEOUTS)
            await peer.start()
            await until(lambda: server.clients, "it stands in the line")
            server.restart()
        with pytest.raises(ChatError, match="it was restarted, and did not come back within 1 seconds: nobody"):
            await peer.wait_for(State.OPEN, 60)

    async def test_for_ever_is_given_up_when_the_time_to_wait_is_over(
        self, new_peer: NewPeer, matchmaking: Restarting
    ) -> None:
        for number in range(1, 100):
            matchmaking.plan("before", "join", number)
        peer = new_peer(matchmaking=matchmaking.url, timeouts=Timeouts(match=1.0))
        await peer.start()
        with pytest.raises(ChatError, match="Nobody came within 1 seconds"):
            await peer.wait_for(State.OPEN, 60)
        assert matchmaking.restarts < 10  # it is not asked all the time

    async def test_can_be_left_while_it_is_away(self, new_peer: NewPeer, clock: Clock) -> None:
        async with restarting(Matchmaking, "matchmaking") as server:
            peer = new_peer(matchmaking=server.url)
            await peer.start()
            await until(lambda: server.clients, "it stands in the line")
            server.restart()
        with clock.standing_still():  # whatever it waits for is given up
            await peer.leave()
        assert peer.why == "You left."


class TestASignalingServerThatIsRestarted:
    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize(("kind", "number"), [("register", 1), ("register", 2), ("offer", 1), ("answer", 1)])
    async def test_at_this_moment_loses_nobody(
        self, new_peer: NewPeer, signaling: Restarting, when: str, kind: str, number: int
    ) -> None:
        signaling.plan(when, kind, number)
        ada, bob = (new_peer(signaling=signaling.url, name=name) for name in ("Ada", "Bob"))
        await asyncio.gather(ada.start(), bob.start())
        await talk(ada, bob)
        assert signaling.restarts == 1

    async def test_again_and_again_loses_nobody(self, new_peer: NewPeer, signaling: Restarting) -> None:
        for number in (1, 2, 3):
            signaling.plan("before", "offer", number)
        ada, bob = (new_peer(signaling=signaling.url, name=name) for name in ("Ada", "Bob"))
        await asyncio.gather(ada.start(), bob.start())
        await talk(ada, bob)
        assert signaling.restarts == 3

    async def test_when_the_channel_is_open_is_not_noticed(self, new_peer: NewPeer, signaling: Restarting) -> None:
        ada, bob = (new_peer(signaling=signaling.url, name=name) for name in ("Ada", "Bob"))
        await asyncio.gather(ada.start(), bob.start())
        await talk(ada, bob)
        signaling.restart()
        await talk(ada, bob)
        assert {peer.state for peer in (ada, bob)} == {State.OPEN}

    async def test_and_does_not_come_back_is_given_up(self, new_peer: NewPeer, servers: Servers) -> None:
        async with restarting(Signaling, "signaling") as server:
            ada, bob = (new_peer(signaling=server.url, timeouts=TIMEOUTS) for _ in range(2))
            server.plan("before", "offer", 1)
            server.stays_down = True
            await asyncio.gather(ada.start(), bob.start())
            for peer in (ada, bob):
                with pytest.raises(ChatError, match=r"Signaling failed .ws:.*: the server (cannot be reached|ended)"):
                    await peer.wait_for(State.OPEN, 60)

    async def test_with_any_other_code_is_the_end(self, new_peer: NewPeer, signaling: Restarting) -> None:
        peer = new_peer(signaling=signaling.url)
        other = new_peer(signaling=signaling.url, timeouts=TIMEOUTS)
        signaling.code = 1001
        for number in (1, 2):
            signaling.plan("before", "register", number)
        await asyncio.gather(peer.start(), other.start())
        with pytest.raises(ChatError, match="back in a moment"):
            await peer.wait_for(State.OPEN, 60)
