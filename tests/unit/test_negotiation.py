"""From a room to an open channel, with a socket, connections and a talk that are fakes."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from p2pchat.errors import ConnectFailed, SignalingFailed, SocketNotOpened
from p2pchat.messages import Accept
from p2pchat.peer.attempt import MAX_EARLY_MESSAGES, MAX_PENDING_CANDIDATES
from p2pchat.peer.negotiation import OPEN_TIMEOUT, Negotiation
from p2pchat.peer.room_client import RoomClient
from p2pchat.trace import PeerTrace, Trace
from tests.support.fake_socket import FakeSocket
from tests.support.fake_time import pause
from tests.support.fake_webrtc import FakeChannel, FakeConnection, fake_connections

URL = "ws://host/signaling"
FIRST, SECOND = Accept("one", exists=False), Accept("two", exists=True)
STRANGER_TIMEOUT, CONNECT_TIMEOUT = 15.0, 20.0


class FakeTalk:
    def __init__(self, channel: FakeChannel, ours: bool) -> None:
        self.channel = channel
        self.ours = ours
        self.is_lost = False
        self.received: list[str | bytes] = []
        self.handshake_done = asyncio.Event()

    def lost(self) -> None:
        self.is_lost = True

    def receive(self, data: str | bytes) -> None:
        self.received.append(data)


class Met:
    """A negotiation, and everything around it."""

    def __init__(self, made: list[FakeConnection], accept: Accept) -> None:
        self.made = made
        self.socket = FakeSocket()
        self.trace = Trace()
        room = RoomClient(self.socket, URL, 10.0, PeerTrace(self.trace, "Ada", "a room"))
        self.talks: list[FakeTalk] = []
        self.negotiation = Negotiation(room, accept, (), self._open_talk)
        self.opening = asyncio.create_task(self.negotiation.open(STRANGER_TIMEOUT, CONNECT_TIMEOUT))

    def _open_talk(self, channel: FakeChannel, ours: bool) -> FakeTalk:
        self.talks.append(FakeTalk(channel, ours))
        return self.talks[-1]

    @property
    def connection(self) -> FakeConnection:
        return self.made[-1]

    async def fails(self, kind: type[Exception]) -> str:
        """Wait for the end of the opening. Returns: why it failed."""
        with pytest.raises(kind) as error:
            await self.opening
        return str(error.value)


Meet = Callable[[Accept], Met]


@pytest.fixture
async def meet(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Meet]:
    connections = fake_connections()
    monkeypatch.setattr("p2pchat.peer.attempt.RTCPeerConnection", connections)
    met: list[Met] = []

    def make(accept: Accept) -> Met:
        met.append(Met(connections.made, accept))
        return met[-1]

    yield make
    for each in met:
        each.opening.cancel()
        await asyncio.wait({each.opening})
        await each.negotiation.close()
        assert all(connection.is_closed for connection in each.made), "whatever happened"


def now() -> float:
    return asyncio.get_running_loop().time()


def candidate(number: int) -> dict[str, object]:
    line = f"candidate:1 1 udp 1 192.0.2.{number} 9 typ host"
    return {"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0}


class Found:
    """A candidate of ours."""

    def __init__(self, number: int) -> None:
        self._number = number

    def toJSON(self) -> dict[str, object]:
        return candidate(self._number)


class TestWhoComesSecond:
    async def test_offers_and_makes_the_channel(self, meet: Meet) -> None:
        met = meet(SECOND)
        await pause()
        assert met.socket.kinds == ["offer"]
        met.socket.say("answer", sdp="theirs")
        await pause()
        assert met.connection.remote == [("answer", "theirs")]
        met.connection.channel.open()
        assert await met.opening is met.talks[0]
        assert (met.talks[0].channel, met.talks[0].ours) == (met.connection.channel, True)

    async def test_hears_what_comes_before_the_channel_is_open(self, meet: Meet) -> None:
        """As Firefox sends it on a busy machine: its message first, and then what opens the channel."""
        met = meet(SECOND)
        await pause()
        for number in range(100):
            met.connection.channel.emit("message", f"early {number}")
        met.connection.channel.open()
        talk = await met.opening
        assert talk.received == [f"early {number}" for number in range(MAX_EARLY_MESSAGES)], "and no more than that"


class TestWhoComesFirst:
    async def test_answers_and_takes_the_channel(self, meet: Meet) -> None:
        met = meet(FIRST)
        await pause()
        assert met.socket.sent == []
        met.socket.say("offer", sdp="theirs")
        await pause()
        assert met.connection.remote == [("offer", "theirs")]
        assert met.socket.kinds == ["answer"]
        channel = FakeChannel()
        met.connection.emit("datachannel", channel)
        assert await met.opening is met.talks[0]
        assert (met.talks[0].channel, met.talks[0].ours) == (channel, False)

    async def test_takes_one_channel_only(self, meet: Meet) -> None:
        met = meet(FIRST)
        met.connection.emit("datachannel", FakeChannel(readyState="connecting"))
        met.connection.emit("datachannel", FakeChannel())
        await pause()
        assert met.talks == []


class TestCandidates:
    async def test_of_the_stranger_wait_for_both_descriptions(self, meet: Meet) -> None:
        met = meet(FIRST)
        for number in range(1, 4):
            met.socket.say("candidate", ice=candidate(number))
        await pause()
        assert met.connection.candidates == []
        met.socket.say("offer", sdp="theirs")
        met.socket.say("candidate", ice=candidate(4))
        await pause()
        assert met.connection.candidates == [f"192.0.2.{number}" for number in range(1, 5)]

    async def test_of_the_stranger_are_dropped_beyond_a_number(self, meet: Meet) -> None:
        met = meet(FIRST)
        for number in range(MAX_PENDING_CANDIDATES + 50):
            met.socket.say("candidate", ice=candidate(number % 256))
        met.socket.say("offer", sdp="theirs")
        await pause()
        assert len(met.connection.candidates) == MAX_PENDING_CANDIDATES

    async def test_that_cannot_be_read_are_ignored(self, meet: Meet) -> None:
        met = meet(FIRST)
        met.socket.say("offer", sdp="theirs")
        for ice in (None, {"candidate": "nonsense"}, {"candidate": ""}, candidate(1)):
            met.socket.say("candidate", ice=ice)
        await pause()
        assert met.connection.candidates == ["192.0.2.1"]

    async def test_of_ours_wait_for_our_description(self, meet: Meet) -> None:
        met = meet(FIRST)
        met.connection.emit("icecandidate", Found(1))
        met.connection.emit("icecandidate", None)
        await pause()
        assert met.socket.sent == []
        met.socket.say("offer", sdp="theirs")
        await pause()
        assert met.socket.kinds == ["answer", "candidate", "candidate"]


class TestTheWaiting:
    async def test_for_the_stranger_ends(self, meet: Meet) -> None:
        met = meet(SECOND)
        assert await met.fails(ConnectFailed) == (
            "Your match never came: nothing from the stranger in 15 seconds. Press START again."
        )
        assert now() == STRANGER_TIMEOUT

    async def test_for_ice_ends(self, meet: Meet) -> None:
        met = meet(FIRST)
        await pause(5)
        met.socket.say("offer", sdp="theirs")
        assert (await met.fails(ConnectFailed)).startswith("ICE failed: no way to the stranger was found within 20 s")
        assert now() == 5 + CONNECT_TIMEOUT

    async def test_ends_when_ice_has_failed(self, meet: Meet) -> None:
        met = meet(FIRST)
        met.socket.say("offer", sdp="theirs")
        await pause(1)
        met.connection.become("failed")
        assert (await met.fails(ConnectFailed)).startswith("ICE failed: none of the ways to the stranger")
        assert now() == 1

    async def test_ends_when_the_stranger_leaves(self, meet: Meet) -> None:
        met = meet(SECOND)
        await pause(1)
        met.socket.say("bye")
        assert (await met.fails(ConnectFailed)).startswith("The stranger left before the two of you were connected.")
        assert now() == 1

    async def test_goes_on_a_moment_when_the_stranger_leaves_with_both_descriptions(self, meet: Meet) -> None:
        met = meet(FIRST)
        met.socket.say("offer", sdp="theirs")
        met.socket.say("bye")
        await pause(OPEN_TIMEOUT / 2)
        met.connection.emit("datachannel", FakeChannel())
        assert await met.opening is met.talks[0]

    async def test_ends_after_that_moment(self, meet: Meet) -> None:
        met = meet(FIRST)
        met.socket.say("offer", sdp="theirs")
        met.socket.say("bye")
        assert (await met.fails(ConnectFailed)).startswith("The stranger left before")
        assert now() == OPEN_TIMEOUT

    @pytest.mark.parametrize("both", [True, False], ids=["both descriptions", "no answer yet"])
    async def test_when_the_server_closes_goes_on_only_with_both_descriptions(self, meet: Meet, both: bool) -> None:
        met = meet(SECOND)
        if both:
            met.socket.say("answer", sdp="theirs")
        await pause()
        met.socket.end(1001, "maintenance")
        await pause(1)
        if both:
            met.connection.channel.open()
            assert await met.opening is met.talks[0]
        else:
            assert await met.fails(SignalingFailed) == (
                "Signaling failed (ws://host/signaling): the server went away too early "
                "(closed with code 1001: maintenance). Press START to try again."
            )

    async def test_ends_when_the_server_rejects_us(self, meet: Meet) -> None:
        met = meet(FIRST)
        met.socket.say("reject", reason="no more")
        assert "the server sent us away: no more" in await met.fails(SignalingFailed)

    async def test_ends_when_a_description_cannot_be_used(self, meet: Meet, monkeypatch: pytest.MonkeyPatch) -> None:
        async def refuse(self: FakeConnection, description: object) -> None:
            raise AssertionError

        monkeypatch.setattr(FakeConnection, "setRemoteDescription", refuse)
        met = meet(FIRST)
        met.socket.say("offer", sdp="theirs")
        assert await met.fails(ConnectFailed) == (
            "The stranger's offer could not be used: AssertionError(). Press START to meet another stranger."
        )

    async def test_ends_when_our_own_webrtc_fails(self, meet: Meet, monkeypatch: pytest.MonkeyPatch) -> None:
        async def fail(self: FakeConnection) -> None:
            raise OSError("no network")

        monkeypatch.setattr(FakeConnection, "setLocalDescription", fail)
        assert "This side's WebRTC could not be set up: OSError('no network')" in await meet(SECOND).fails(
            ConnectFailed
        )

    async def test_does_not_begin_with_ice_servers_that_are_none(self, meet: Meet) -> None:
        with pytest.raises(SignalingFailed, match=r"the server names ICE servers that cannot be used \('urls'\)"):
            meet(Accept("one", exists=False, ice_servers=({},)))


class TestOnceItIsOpen:
    async def test_pings_are_answered_and_nothing_else_matters(self, meet: Meet) -> None:
        met = meet(FIRST)
        met.socket.say("offer", sdp="theirs")
        met.connection.emit("datachannel", FakeChannel())
        await met.opening
        for kind in ("ping", "bye"):
            met.socket.say(kind)
        await pause(60)
        assert met.socket.kinds == ["answer", "pong"]
        assert not met.talks[0].is_lost

    async def test_the_server_is_told_when_both_speak_more_than_plain_text(self, meet: Meet) -> None:
        met = meet(FIRST)
        met.connection.emit("datachannel", FakeChannel())
        talk = await met.opening
        await pause(60)
        assert "connected" not in met.socket.kinds
        talk.handshake_done.set()
        await pause()
        assert met.socket.kinds == ["connected"]
        assert [arrow.what for arrow in met.trace] == ["connected"]

    async def test_a_connection_that_breaks_ends_the_talk(self, meet: Meet) -> None:
        met = meet(FIRST)
        met.connection.emit("datachannel", FakeChannel())
        talk = await met.opening
        met.connection.become("failed")
        assert talk.is_lost


class TestARestartedServer:
    @pytest.fixture
    def successor(self, monkeypatch: pytest.MonkeyPatch) -> FakeSocket:
        socket = FakeSocket()

        async def connect(url: str, timeout: float) -> FakeSocket:
            return socket

        monkeypatch.setattr("p2pchat.peer.reconnect.connect", connect)
        return socket

    async def test_gets_another_attempt_and_the_first_one_is_heard_no_more(
        self, meet: Meet, successor: FakeSocket
    ) -> None:
        met = meet(SECOND)
        await pause()
        first = met.connection
        met.socket.end(1012)
        successor.say("accept", connectionId="new", isExistClient=True, isExistUser=True)
        await pause(1)
        assert successor.kinds == ["register", "offer"]
        assert len(met.made) == 2
        first.emit("icecandidate", Found(1))
        first.emit("datachannel", FakeChannel())
        first.channel.open()
        first.become("failed")
        await pause(1)
        assert met.talks == []
        assert successor.kinds == ["register", "offer"]
        successor.say("answer", sdp="theirs")
        await pause()
        assert (first.remote, met.connection.remote) == ([], [("answer", "theirs")])
        met.connection.channel.open()
        assert await met.opening is met.talks[0]

    async def test_forgets_what_the_first_attempt_had(self, meet: Meet, successor: FakeSocket) -> None:
        met = meet(FIRST)
        met.socket.say("candidate", ice=candidate(1))
        await pause()
        met.socket.end(1012)
        successor.say("accept", connectionId="new", isExistClient=False, isExistUser=False)
        successor.say("offer", sdp="theirs")
        await pause(1)
        assert met.connection.remote == [("offer", "theirs")]
        assert met.connection.candidates == []

    async def test_is_not_needed_by_a_channel_that_opens_in_time(self, meet: Meet, successor: FakeSocket) -> None:
        met = meet(SECOND)
        met.socket.say("answer", sdp="theirs")
        await pause()
        met.socket.end(1012)
        await pause(OPEN_TIMEOUT / 2)
        met.connection.channel.open()
        assert await met.opening is met.talks[0]
        assert len(met.made) == 1
        assert successor.sent == []

    async def test_that_does_not_come_back_is_told(self, meet: Meet, monkeypatch: pytest.MonkeyPatch) -> None:
        async def connect(url: str, timeout: float) -> FakeSocket:
            raise SocketNotOpened("nobody listens there")

        monkeypatch.setattr("p2pchat.peer.reconnect.connect", connect)
        met = meet(SECOND)
        met.socket.end(1012)
        assert (await met.fails(SignalingFailed)).startswith("Signaling failed (ws://host/signaling): ")

    async def test_that_sends_us_away_is_told_though_the_first_attempt_was_far(
        self, meet: Meet, successor: FakeSocket
    ) -> None:
        met = meet(SECOND)
        met.socket.say("answer", sdp="theirs")
        await pause()
        met.socket.end(1012)
        successor.end(1013, "not yet")
        why = await met.fails(SignalingFailed)
        assert "the server ended the connection (closed with code 1013: not yet)" in why
