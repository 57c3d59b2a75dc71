"""From START to MATCH, with a socket that is a fake."""

import asyncio
from collections.abc import Callable

import pytest

from p2pchat.errors import MatchmakingFailed, SocketNotOpened
from p2pchat.messages import Join, Match
from p2pchat.peer.queue_client import QueueClient
from tests.support.fake_socket import FakeSocket
from tests.support.fake_time import pause

URL = "ws://host/matchmaking"
JOIN = Join("a user", "2026-01-31T12:00:00Z")
MATCH = {"room_id": "a room", "user_id": "peer", "created_at": "2026-01-31T12:00:00Z"}
TIMEOUT = 10.0


def client(socket: FakeSocket) -> QueueClient:
    return QueueClient(socket, URL, JOIN, TIMEOUT)


@pytest.fixture
def successors(monkeypatch: pytest.MonkeyPatch) -> list[FakeSocket | SocketNotOpened]:
    """What connecting again gives, one after the other."""
    sockets: list[FakeSocket | SocketNotOpened] = []

    async def connect(url: str, timeout: float) -> FakeSocket:
        assert (url, timeout) == (URL, TIMEOUT)
        socket = sockets.pop(0) if sockets else SocketNotOpened("nobody listens there")
        if isinstance(socket, SocketNotOpened):
            raise socket
        return socket

    for module in ("queue_client", "reconnect"):
        monkeypatch.setattr(f"p2pchat.peer.{module}.connect", connect)
    return sockets


async def test_it_joins_waits_and_closes_without_waiting_for_the_server() -> None:
    socket = FakeSocket()
    socket.close_takes = 60.0  # the original's server never answers a close
    queue = client(socket)
    await queue.join()
    assert socket.sent == [JOIN.to_json()]
    asyncio.get_running_loop().call_later(5, lambda: socket.say("MATCH", **MATCH))
    match = await queue.match(1800)
    assert isinstance(match, Match)
    assert match.room_id == "a room"
    assert asyncio.get_running_loop().time() == 5
    await queue.close()
    assert asyncio.get_running_loop().time() == 65
    assert socket.closed_with == 1000


async def test_nobody_comes() -> None:
    queue = client(FakeSocket())
    await queue.join()
    with pytest.raises(MatchmakingFailed, match=r"Nobody came within 1800 seconds\. Press START to wait again\."):
        await queue.match(1800)
    await queue.close()


async def test_a_server_that_cannot_be_reached(successors: list[FakeSocket | SocketNotOpened]) -> None:
    successors.append(SocketNotOpened("nobody listens there (Connection refused)"))
    with pytest.raises(MatchmakingFailed) as error:
        await QueueClient.connect(URL, JOIN, TIMEOUT)
    assert str(error.value) == (
        "Matchmaking failed (ws://host/matchmaking): the server cannot be reached: nobody listens there "
        "(Connection refused). Is it running? `p2pchat serve` starts one."
    )


async def test_tabs_are_started_by_another_call(monkeypatch: pytest.MonkeyPatch) -> None:
    socket = FakeSocket()
    socket.end(1001, "going away")
    queue = QueueClient(socket, "tabs:matchmaking", JOIN, TIMEOUT)
    with pytest.raises(MatchmakingFailed, match=r"`await start_servers\(\)` starts one\."):
        await queue.match(1800)
    await queue.close()


@pytest.mark.parametrize(
    ("happens", "why", "remedy"),
    [
        (
            lambda socket: socket.end(1008, "no"),
            "the server ended the connection (closed with code 1008: no)",
            "Is it running? `p2pchat serve` starts one.",
        ),
        (
            lambda socket: socket.say("MATCH"),
            "the server sent a frame that cannot be read (",
            "Is this the URL of a matchmaking server?",
        ),
    ],
    ids=["closes", "says rubbish"],
)
async def test_a_server_that_does_not_do_its_part(happens: Callable[[FakeSocket], None], why: str, remedy: str) -> None:
    socket = FakeSocket()
    queue = client(socket)
    await queue.join()
    happens(socket)
    with pytest.raises(MatchmakingFailed) as error:
        await queue.match(1800)
    assert str(error.value).startswith(f"Matchmaking failed ({URL}): {why}")
    assert str(error.value).endswith(remedy)
    await queue.close()


class TestAServerThatIsRestarted:
    async def test_is_joined_again(self, successors: list[FakeSocket | SocketNotOpened]) -> None:
        first, second, third = FakeSocket(), FakeSocket(), FakeSocket()
        successors += [SocketNotOpened("not yet"), second, third]
        queue = client(first)
        await queue.join()
        first.end(1012)
        waiting = asyncio.create_task(queue.match(1800))
        await pause(5)
        assert second.sent == [JOIN.to_json()]
        second.end(1012)
        await pause(5)
        assert third.sent == [JOIN.to_json()]
        third.say("MATCH", **MATCH)
        assert (await waiting).room_id == "a room"
        await queue.close()
        assert third.closed_with == 1000

    async def test_before_the_first_join_is_joined_all_the_same(
        self, successors: list[FakeSocket | SocketNotOpened]
    ) -> None:
        first, second = FakeSocket(), FakeSocket()
        successors.append(second)
        first.end(1012)
        queue = client(first)
        await queue.join()
        assert second.sent == [JOIN.to_json()]
        await queue.close()

    async def test_and_does_not_come_back_is_given_up(self, successors: list[FakeSocket | SocketNotOpened]) -> None:
        socket = FakeSocket()
        queue = client(socket)
        await queue.join()
        socket.end(1012)
        with pytest.raises(
            MatchmakingFailed, match="it was restarted, and did not come back within 10 seconds: nobody listens there"
        ):
            await queue.match(1800)
        assert asyncio.get_running_loop().time() == TIMEOUT
        await queue.close()

    async def test_with_any_other_code_has_sent_us_away(self, successors: list[FakeSocket | SocketNotOpened]) -> None:
        socket = FakeSocket()
        successors.append(FakeSocket())
        socket.end(1013, "not yet")
        queue = client(socket)
        with pytest.raises(MatchmakingFailed, match="closed with code 1013: not yet"):
            await queue.join()
        assert len(successors) == 1
        await queue.close()


async def test_leaving_the_queue_closes_the_socket_once() -> None:
    socket = FakeSocket()
    queue = client(socket)
    await queue.join()
    waiting = asyncio.create_task(queue.match(1800))
    await pause()
    waiting.cancel()
    await asyncio.wait({waiting})
    await asyncio.gather(queue.close(), queue.close())
    assert socket.closed_with == 1000
