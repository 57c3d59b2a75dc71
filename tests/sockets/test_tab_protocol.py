"""The protocol between tabs, without a browser: two ends that talk through lists, and whoever interferes."""

from collections import deque

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from p2pchat.errors import SocketClosed, SocketError, SocketNotOpened
from p2pchat.sockets.close_reason import MAX_REASON
from p2pchat.sockets.tabs.protocol import Connection, Side, State, connect_request, requested_id
from p2pchat.sockets.text_socket import MAX_FRAME, TOO_LARGE

ID = "00000000-0000-4000-8000-00000000000a"
LARGE = "é" * (MAX_FRAME // 2) + "x"

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a machine may be busy

codes = st.integers(1000, 4999)
reasons = st.text(max_size=200)
messages = st.one_of(
    st.text(),
    st.builds("{} {}".format, st.sampled_from(["accept", "frame", "close", "connect", "listening"]), st.text()),
    st.builds("close {} {}".format, st.integers(-1, 10_000), st.text()),
)


def exchange(*ends: Connection) -> None:
    """Carry messages both ways until neither end has one."""
    while True:
        sent = [end.messages_to_send() for end in ends]
        if not any(sent):
            return
        for end, came in zip(ends, reversed(sent), strict=True):
            for message in came:
                end.receive(message)


def opened() -> tuple[Connection, Connection]:
    """A client and a server with an open connection."""
    client, server = Connection(Side.CLIENT), Connection(Side.SERVER)
    server.accept()
    exchange(client, server)
    assert (client.state, server.state) == (State.OPEN, State.OPEN)
    return client, server


class TestOpening:
    def test_is_done_when_the_server_accepts(self) -> None:
        client, server = Connection(Side.CLIENT), Connection(Side.SERVER)
        assert (client.state, server.state) == (State.CONNECTING, State.CONNECTING)
        server.accept()
        assert server.messages_to_send() == ["accept"]
        assert (client.state, server.state) == (State.CONNECTING, State.OPEN)
        client.receive("accept")
        assert (client.state, client.messages_to_send()) == (State.OPEN, [])

    def test_is_said_once(self) -> None:
        client, server = opened()
        server.accept()
        client.accept()
        assert client.messages_to_send() + server.messages_to_send() == []

    def test_cannot_be_done_by_a_client(self) -> None:
        client = Connection(Side.CLIENT)
        client.accept()
        assert (client.state, client.messages_to_send()) == (State.CONNECTING, [])

    @pytest.mark.parametrize("side", Side)
    @pytest.mark.parametrize("message", ["frame early", "close 1000 ", "open", "", "accepted"])
    def test_is_preceded_by_nothing(self, side: Side, message: str) -> None:
        end = Connection(side)
        end.receive(message)
        assert (end.state, end.end, end.frames_received(), end.messages_to_send()) == (State.CONNECTING, None, [], [])

    def test_of_a_server_is_not_done_by_a_client_that_says_accept(self) -> None:
        server = Connection(Side.SERVER)
        server.receive("accept")
        assert server.state is State.CONNECTING

    @pytest.mark.parametrize("side", Side)
    def test_comes_before_sending(self, side: Side) -> None:
        end = Connection(side)
        with pytest.raises(SocketNotOpened, match="not accepted"):
            end.send("early")
        assert end.messages_to_send() == []

    @pytest.mark.parametrize("side", Side)
    def test_may_be_given_up_without_a_word(self, side: Side) -> None:
        end = Connection(side)
        end.close(1001, "not any more")
        end.accept()
        end.receive("accept")
        assert (end.state, end.end, end.messages_to_send()) == (State.CLOSED, (1001, "not any more"), [])
        with pytest.raises(SocketClosed):
            end.send("late")


class TestFrames:
    @unhurried
    @given(st.lists(st.tuples(st.booleans(), st.text())))
    def test_come_in_order_whatever_is_in_them(self, said: list[tuple[bool, str]]) -> None:
        client, server = opened()
        for by_client, text in said:
            (client if by_client else server).send(text)
        exchange(client, server)
        assert server.frames_received() == [text for by_client, text in said if by_client]
        assert client.frames_received() == [text for by_client, text in said if not by_client]

    def test_are_given_out_once(self) -> None:
        client, server = opened()
        client.send("once")
        exchange(client, server)
        assert [server.frames_received(), server.frames_received()] == [["once"], []]

    @pytest.mark.parametrize("text", ["x" * MAX_FRAME, "é" * (MAX_FRAME // 2)], ids=["ascii", "two bytes each"])
    def test_may_be_as_large_as_the_limit(self, text: str) -> None:
        client, server = opened()
        client.send(text)
        exchange(client, server)
        assert server.frames_received() == [text]

    def test_above_the_limit_end_the_connection(self) -> None:
        client, server = opened()
        for text in ("before", LARGE, "after"):
            client.send(text)
        for message in client.messages_to_send():
            server.receive(message)
        assert (server.state, server.end) == (State.CLOSING, (1009, TOO_LARGE))
        exchange(client, server)
        assert server.frames_received() == ["before"]
        assert client.end == server.end == (1009, TOO_LARGE)
        assert client.state is server.state is State.CLOSED

    def test_above_the_limit_that_come_after_our_close_are_the_last(self) -> None:
        _, server = opened()
        server.close(1000, "done")
        for text in ("before", LARGE, "after"):
            server.receive(f"frame {text}")
        assert server.messages_to_send() == ["close 1000 done"]
        assert (server.frames_received(), server.end) == (["before"], (1009, TOO_LARGE))

    def test_still_come_while_the_other_end_has_not_answered_our_close(self) -> None:
        client, server = opened()
        server.send("crossing")
        client.close()
        exchange(client, server)
        assert client.frames_received() == ["crossing"]

    @pytest.mark.parametrize("closer", [0, 1])
    def test_are_not_sent_after_a_close(self, closer: int) -> None:
        ends = opened()
        ends[closer].close(4000, "enough")
        for _ in range(2):
            for end in ends if ends[0].state is State.CLOSED else [ends[closer]]:
                with pytest.raises(SocketClosed) as error:
                    end.send("late")
                assert (error.value.code, error.value.reason) == (4000, "enough")
            exchange(*ends)

    def test_that_come_after_the_end_are_dropped(self) -> None:
        client, server = opened()
        client.close()
        exchange(client, server)
        for end in (client, server):
            end.receive("frame late")
            assert end.frames_received() == []


class TestClosing:
    @unhurried
    @given(codes, reasons, st.booleans())
    def test_tells_both_ends_the_code_and_what_a_close_frame_holds_of_the_reason(
        self, code: int, reason: str, by_client: bool
    ) -> None:
        ends = opened()
        ends[not by_client].close(code, reason)
        assert (ends[not by_client].state, ends[not by_client].end) == (State.CLOSING, None)
        exchange(*ends)
        told, kept = ends[0].end
        assert ends[0].end == ends[1].end
        assert told == code
        assert reason.startswith(kept)
        assert len(kept.encode()) <= MAX_REASON
        assert ends[0].state is ends[1].state is State.CLOSED

    def test_is_said_once(self) -> None:
        client, server = opened()
        client.close(1000, "first")
        client.close(1001, "second")
        assert client.messages_to_send() == ["close 1000 first"]
        exchange(client, server)
        client.close(1002, "third")
        assert client.messages_to_send() == []

    def test_from_both_ends_at_once_is_told_by_what_the_other_said(self) -> None:
        client, server = opened()
        client.close(4001, "I first")
        server.close(4002, "no, I")
        exchange(client, server)
        assert (client.end, server.end) == ((4002, "no, I"), (4001, "I first"))
        assert client.state is server.state is State.CLOSED

    @pytest.mark.parametrize(
        "message",
        ["close", "close ", "close x y", "close 12", "close 999 x", "close 9999 x", "close -1", "close ١٠٠٠ x"],
    )
    def test_with_a_code_that_is_none_is_ignored(self, message: str) -> None:
        for end in opened():
            end.receive(message)
            assert (end.state, end.end) == (State.OPEN, None)

    @pytest.mark.parametrize("closed_before", [False, True])
    def test_at_once_needs_nobody(self, closed_before: bool) -> None:
        client, _ = opened()
        client.send("last words")
        if closed_before:
            client.close(4000, "I go")
        client.abort()
        client.abort(1012, "too late")
        assert client.end == ((4000, "I go") if closed_before else (1006, "the connection broke"))
        assert client.state is State.CLOSED
        assert client.messages_to_send() == ["frame last words", *["close 4000 I go"] * closed_before]

    def test_at_once_says_why(self) -> None:
        _, server = opened()
        server.abort(1006, "the tab of the client was closed")
        assert server.end == (1006, "the tab of the client was closed")


class TestAForeignScript:
    @unhurried
    @given(st.lists(messages), st.sampled_from(list(Side)))
    def test_makes_no_end_raise_or_speak_more_than_one_close(self, said: list[str], side: Side) -> None:
        end = Connection(side)
        end.accept()
        for message in said:
            end.receive(message)
        assert len(end.messages_to_send()) <= 2

    @unhurried
    @given(st.lists(st.sampled_from(["frame", "close", "accept", "accept again", "close 7", "junk", "", " "])))
    def test_disturbs_no_connection(self, junk: list[str]) -> None:
        client, server = opened()
        for message in junk:
            client.receive(message)
            server.receive(message)
        client.send("hello")
        exchange(client, server)
        assert server.frames_received()[-1:] == ["hello"]


class TestAConnectRequest:
    def test_carries_an_id(self) -> None:
        assert requested_id(connect_request(ID)) == ID

    @pytest.mark.parametrize(
        "message",
        [
            *("", "connect", "connect ", "connect connect", "listening", f"accept {ID}", f"connect  {ID}"),
            *(f"connect {ID} ", f"connect {ID.upper()}", f"connect {{{ID}}}", f"connect {ID.replace('-', '')}"),
            "connect " + "x" * 1_000_000,
        ],
        ids=lambda message: message[:60],
    )
    def test_that_is_none_is_ignored(self, message: str) -> None:
        assert requested_id(message) is None

    @unhurried
    @given(st.uuids())
    def test_may_have_any_uuid(self, id: object) -> None:
        assert requested_id(connect_request(str(id))) == str(id)


class Talk(RuleBasedStateMachine):
    """Two ends over channels that keep the order."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = {side: Connection(side) for side in Side}
        self.wires: dict[Side, deque[str]] = {side: deque() for side in Side}  # to whom
        self.said: dict[Side, list[str]] = {side: [] for side in Side}
        self.heard: dict[Side, list[str]] = {side: [] for side in Side}
        self.reached: dict[Side, list[State]] = {side: [State.CONNECTING] for side in Side}
        self.left = False  # an end was closed without a word
        self.crossed = False  # both ends said close before they heard the other's

    def collect(self, side: Side) -> None:
        """What an end has sent and received goes on its way."""
        end = self.ends[side]
        self.wires[other(side)].extend(end.messages_to_send())
        self.heard[side] += end.frames_received()
        if end.state is not self.reached[side][-1]:
            self.reached[side].append(end.state)

    @rule()
    def accept(self) -> None:
        self.ends[Side.SERVER].accept()
        self.collect(Side.SERVER)

    @rule(side=st.sampled_from(list(Side)), text=st.text(max_size=5))
    def send(self, side: Side, text: str) -> None:
        try:
            self.ends[side].send(text)
        except SocketError:
            assert self.ends[side].state is not State.OPEN
        else:
            self.said[side].append(text)
        self.collect(side)

    @rule(side=st.sampled_from(list(Side)), code=codes)
    def close(self, side: Side, code: int) -> None:
        self.left |= self.ends[side].state is State.CONNECTING
        self.ends[side].close(code, "a reason")
        self.collect(side)
        self.crossed |= all(end.state is State.CLOSING for end in self.ends.values())

    @rule(side=st.sampled_from(list(Side)))
    def abort(self, side: Side) -> None:
        self.left |= self.ends[side].state is not State.CLOSED
        self.ends[side].abort()
        self.collect(side)

    @rule(side=st.sampled_from(list(Side)))
    def deliver(self, side: Side) -> None:
        if self.wires[side]:
            self.ends[side].receive(self.wires[side].popleft())
            self.collect(side)

    @invariant()
    def an_end_goes_forward_only(self) -> None:
        for states in self.reached.values():
            assert states == sorted(states, key=lambda state: state.value)

    @invariant()
    def who_is_closed_knows_why(self) -> None:
        for end in self.ends.values():
            assert (end.end is not None) or end.state is not State.CLOSED


class FaithfulTalk(Talk):
    """Over channels that lose nothing, and that nobody else writes on."""

    @invariant()
    def what_is_heard_was_said_in_this_order(self) -> None:
        for side in Side:
            said = self.said[other(side)]
            assert self.heard[side] == said[: len(self.heard[side])]

    def teardown(self) -> None:
        """Where nothing is lost and nobody leaves without a close, all that was sent arrives, and both ends agree."""
        if self.left:
            return
        self.accept()
        self.deliver_all()
        self.close(Side.CLIENT, 1000)
        self.deliver_all()
        for side, end in self.ends.items():
            assert end.state is State.CLOSED
            assert self.heard[side] == self.said[other(side)]
        if not self.crossed:
            assert self.ends[Side.CLIENT].end == self.ends[Side.SERVER].end

    def deliver_all(self) -> None:
        while any(self.wires.values()):
            for side in Side:
                self.deliver(side)


class DisturbedTalk(Talk):
    """Over channels that lose and double messages, and that others write on."""

    @rule(side=st.sampled_from(list(Side)))
    def lose(self, side: Side) -> None:
        if self.wires[side]:
            self.wires[side].popleft()

    @rule(side=st.sampled_from(list(Side)))
    def double(self, side: Side) -> None:
        if self.wires[side]:
            self.wires[side].appendleft(self.wires[side][0])

    @rule(side=st.sampled_from(list(Side)), message=messages)
    def interfere(self, side: Side, message: str) -> None:
        self.wires[side].append(message)


def other(side: Side) -> Side:
    return Side.SERVER if side is Side.CLIENT else Side.CLIENT


TestTwoEnds = FaithfulTalk.TestCase
TestTwoEnds.settings = settings(unhurried, max_examples=200, stateful_step_count=30)
TestTwoEndsDisturbed = DisturbedTalk.TestCase
TestTwoEndsDisturbed.settings = settings(unhurried, max_examples=100, stateful_step_count=30)
