"""A client of the signaling server, with a socket that is a fake."""

import asyncio

import pytest

from p2pchat.errors import SignalingFailed, SocketClosed, SocketNotOpened
from p2pchat.messages import Bye, Connected
from p2pchat.peer.room_client import RoomClient
from p2pchat.trace import PeerTrace, Trace
from tests.support.fake_socket import FakeSocket
from tests.support.fake_time import pause

URL = "ws://host/signaling"
TIMEOUT = 10.0
ACCEPT = {"connectionId": "1", "isExistClient": True, "isExistUser": True}


class Room:
    """A client, its socket, its trace, and the sockets that connecting again gives."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.socket = FakeSocket()
        self.trace = Trace()
        self.client = RoomClient(self.socket, URL, TIMEOUT, PeerTrace(self.trace, "Ada", "a room"))
        self.successors: list[FakeSocket] = []
        for module in ("room_client", "reconnect"):
            monkeypatch.setattr(f"p2pchat.peer.{module}.connect", self._connect)

    async def _connect(self, url: str, timeout: float) -> FakeSocket:
        if not self.successors:
            raise SocketNotOpened("nobody listens there")
        return self.successors.pop(0)

    @property
    def arrows(self) -> list[tuple[str, str, str]]:
        return [(arrow.source, arrow.target, arrow.what) for arrow in self.trace]


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    return Room(monkeypatch)


async def test_it_enters_the_room_of_its_trace(room: Room) -> None:
    room.socket.say("accept", **ACCEPT)
    assert (await room.client.enter()).exists
    assert '"roomId":"a room"' in room.socket.sent[0]
    assert room.arrows == [("Ada", "signaling", "register"), ("signaling", "Ada", "accept")]
    assert {arrow.room for arrow in room.trace} == {"a room"}


async def test_pings_are_answered_and_rubbish_is_ignored_while_it_enters_and_later(room: Room) -> None:
    for kind, fields in (("ping", {}), ("notify", {}), ("accept", {"iceServers": 7}), ("accept", ACCEPT)):
        room.socket.say(kind, **fields)
    await room.client.enter()
    for kind in ("ping", "notify", "bye"):
        room.socket.say(kind)
    assert await room.client.receive() == Bye()
    assert room.socket.kinds == ["register", "pong", "pong"]


async def test_a_server_that_refuses_is_told_with_its_reason(room: Room) -> None:
    room.socket.say("reject", reason="full")
    with pytest.raises(SignalingFailed) as error:
        await room.client.enter()
    assert str(error.value) == (
        "Signaling failed (ws://host/signaling): the server refused us: full. Press START to try again."
    )


async def test_a_server_that_never_answers_is_given_up(room: Room) -> None:
    with pytest.raises(SignalingFailed, match=r"no answer within 10 seconds\. Is it running\?"):
        await room.client.enter()
    assert asyncio.get_running_loop().time() == TIMEOUT


async def test_a_server_that_closes_is_told_with_its_reason(room: Room) -> None:
    room.socket.end(1008, "go away")
    with pytest.raises(SignalingFailed, match=r"the server ended the connection \(closed with code 1008: go away\)\."):
        await room.client.enter()


@pytest.mark.parametrize(("url", "starts"), [(URL, "p2pchat serve"), ("tabs:signaling", "await start_servers()")])
async def test_a_server_that_cannot_be_reached_is_told_with_what_starts_one(room: Room, url: str, starts: str) -> None:
    with pytest.raises(SignalingFailed) as error:
        await RoomClient.connect(url, TIMEOUT, PeerTrace(Trace(), "Ada"))
    assert str(error.value) == (
        f"Signaling failed ({url}): the server cannot be reached: nobody listens there. "
        f"Is it running? `{starts}` starts one."
    )


async def test_a_server_that_is_restarted_while_it_enters_is_entered_again(room: Room) -> None:
    second, third = FakeSocket(), FakeSocket()
    room.successors = [second, third]
    entering = asyncio.create_task(room.client.enter())
    await pause()
    room.socket.end(1012)
    second.end(1012)
    third.say("accept", **ACCEPT)
    assert (await entering).exists
    assert (room.socket.kinds, third.kinds) == (["register"], ["register"])
    await room.client.close()
    assert third.closed_with == 1000


async def test_a_server_that_does_not_come_back_is_given_up(room: Room) -> None:
    with pytest.raises(SignalingFailed, match="cannot be reached: it was restarted, and did not come back within 10 s"):
        await room.client.reenter(SocketClosed(1012, ""))


async def test_a_frame_after_the_end_is_refused(room: Room) -> None:
    room.socket.end(1000)
    with pytest.raises(SocketClosed):
        await room.client.send(Connected())
    with pytest.raises(SocketClosed):
        await room.client.receive()
