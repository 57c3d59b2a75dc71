"""One stranger from START to the end, with sockets that are fakes: above all how it ends, and what may be done then."""

import asyncio

import pytest

from p2pchat import ChatPeer, State, StateChanged
from p2pchat.errors import MatchmakingFailed, SocketNotOpened
from tests.support.fake_socket import FakeSocket
from tests.support.fake_time import pause


class Matchmaking:
    """Gives each client a socket of its own, whose closing takes five seconds."""

    def __init__(self) -> None:
        self.sockets: list[FakeSocket] = []
        self.fails: Exception | None = None

    async def connect(self, url: str, timeout: float) -> FakeSocket:
        if self.fails is not None:
            raise self.fails
        self.sockets.append(FakeSocket())
        self.sockets[-1].close_takes = 5.0
        return self.sockets[-1]


@pytest.fixture
def matchmaking(monkeypatch: pytest.MonkeyPatch) -> Matchmaking:
    server = Matchmaking()
    monkeypatch.setattr("p2pchat.peer.queue_client.connect", server.connect)
    return server


def states(peer: ChatPeer) -> list[State]:
    seen: list[State] = []
    peer.listen(lambda event: seen.append(event.state) if isinstance(event, StateChanged) else None)
    return seen


async def test_a_start_while_the_last_one_is_closing_means_the_next_stranger(matchmaking: Matchmaking) -> None:
    peer = ChatPeer()
    seen = states(peer)
    await peer.start()
    matchmaking.sockets[0].end(1008, "no")
    await pause(1)
    assert seen == [State.WAITING], "its socket is being closed"
    await peer.start()
    assert asyncio.get_running_loop().time() == 5
    assert seen == [State.WAITING, State.CLOSED, State.WAITING]
    assert len(matchmaking.sockets) == 2
    await peer.leave()


async def test_leaving_while_it_is_closing_waits_and_changes_nothing(matchmaking: Matchmaking) -> None:
    peer = ChatPeer()
    await peer.start()
    matchmaking.sockets[0].end(1008, "no")
    await pause(1)
    await asyncio.gather(peer.leave(), peer.leave())
    assert asyncio.get_running_loop().time() == 5
    assert "closed with code 1008: no" in peer.why


async def test_leaving_closes_what_was_opened_before_it_is_closed(matchmaking: Matchmaking) -> None:
    peer = ChatPeer()
    seen = states(peer)
    await peer.start()
    await peer.leave()
    assert matchmaking.sockets[0].closed_with == 1000
    assert seen == [State.WAITING, State.CLOSED]
    assert peer.why == "You left."


async def test_a_failure_is_raised_by_start_and_told(matchmaking: Matchmaking) -> None:
    matchmaking.fails = SocketNotOpened("nobody listens there")
    peer = ChatPeer()
    with pytest.raises(MatchmakingFailed) as error:
        await peer.start()
    await pause()
    assert (peer.state, peer.why) == (State.CLOSED, str(error.value))


async def test_a_fault_of_ours_is_raised_by_start_told_and_logged(
    matchmaking: Matchmaking, caplog: pytest.LogCaptureFixture
) -> None:
    matchmaking.fails = ZeroDivisionError("oh")
    peer = ChatPeer(name="Ada")
    with pytest.raises(ZeroDivisionError):
        await peer.start()
    await pause()
    assert peer.why == "Something broke in p2pchat: ZeroDivisionError('oh'). Please report it."
    assert "The peer Ada ended by a fault of p2pchat" in caplog.text


async def test_left_before_its_first_line_it_is_closed_all_the_same(matchmaking: Matchmaking) -> None:
    peer = ChatPeer()
    seen = states(peer)
    starting = asyncio.create_task(peer.start())
    peer.listen(lambda event: leaving.append(asyncio.create_task(peer.leave())) if not leaving else None)
    leaving: list[asyncio.Task[None]] = []
    await starting
    await asyncio.gather(*leaving)
    assert seen == [State.WAITING, State.CLOSED]


async def test_a_start_that_is_interrupted_leaves_the_others_waiting(matchmaking: Matchmaking) -> None:
    peer = ChatPeer()
    first, second = asyncio.create_task(peer.start()), asyncio.create_task(peer.start())
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert peer.state is State.WAITING
    assert first.cancelled()
    await peer.leave()
