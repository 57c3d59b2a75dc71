"""The time with one stranger, over a channel that is a fake: what is said when, and how it ends."""

import asyncio

import pytest

from p2pchat import Delivered, MessageReceived, MessageSent, Notice, SaidGoodbye, StrangerTyping, Timeouts, Trace
from p2pchat.errors import MessageRefused
from p2pchat.messages import Goodbye, Hello, Ping, Pong, Received, Typing
from p2pchat.peer.events import Event
from p2pchat.peer.talk import ACKNOWLEDGE_AFTER, HELLO_TIMEOUT, MAX_BUFFERED, TYPING_EVERY, Talk
from p2pchat.trace import PeerTrace
from tests.support.fake_time import pause
from tests.support.fake_webrtc import LATENCY, FakeChannel, channels

HELLO, GOODBYE, TYPING, PING, PONG = (kind().to_json().encode() for kind in (Hello, Goodbye, Typing, Ping, Pong))
TIMEOUTS = Timeouts()


class Side:
    """One end of a channel with a talk on it, and what it told."""

    def __init__(self, channel: FakeChannel, *, ours: bool) -> None:
        self.channel = channel
        self.events: list[Event] = []
        self.trace = Trace()
        self.talk = Talk(channel, ours, TIMEOUTS, self.events.append, PeerTrace(self.trace, "Ada", "a room"))

    def hear(self, *frames: str | bytes) -> None:
        for frame in frames:
            self.channel.emit("message", frame)

    @property
    def arrows(self) -> list[tuple[str, str, str]]:
        return [(arrow.source, arrow.target, arrow.what) for arrow in self.trace]


def opener(protocol: str = "p2pchat.1") -> Side:
    """Who made the channel, and has heard nothing yet."""
    return Side(FakeChannel(protocol), ours=True)


def two_of_ours() -> tuple[Side, Side]:
    """Who made the channel, and the other one, in the turn in which it opens."""
    one, other = channels()
    return Side(one, ours=True), Side(other, ours=False)


def now() -> float:
    return asyncio.get_running_loop().time()


class TestTheHello:
    async def test_is_said_at_once_by_the_one_that_was_invited(self) -> None:
        invited = Side(FakeChannel(), ours=False)
        assert invited.channel.sent == [HELLO]
        assert not invited.talk.handshake_done.is_set()
        invited.hear(HELLO)
        assert invited.talk.handshake_done.is_set()

    async def test_is_not_said_to_one_that_knows_plain_text_only(self) -> None:
        side = Side(FakeChannel(protocol=""), ours=False)
        side.hear("hello")
        await pause(60)
        assert side.channel.sent == []
        assert side.events == [MessageReceived("hello")]


class TestWhatComesTooEarlyForTheHello:
    """It is told as soon as the stranger is known to understand it: nothing that is said once gets lost."""

    async def test_typing_is_told_with_the_hello(self) -> None:
        ours, other = two_of_ours()
        ours.talk.typing()
        assert ours.channel.sent == []
        await pause(2 * LATENCY)
        assert ours.channel.sent == [HELLO, TYPING]
        assert other.events == [StrangerTyping()]

    async def test_typing_is_not_told_when_the_message_came_before(self) -> None:
        ours, other = two_of_ours()
        ours.talk.typing()
        await ours.talk.send("written")
        await pause(1)
        assert other.events == [MessageReceived("written")]

    async def test_an_acknowledgement_is_told_after_it(self) -> None:
        side = opener()
        side.hear("one", "two")
        await pause(1)
        assert side.channel.sent == []
        side.hear(HELLO)
        await pause(ACKNOWLEDGE_AFTER)
        assert side.channel.sent == [HELLO, Received(2).to_json().encode()]

    async def test_a_goodbye_waits_for_it(self) -> None:
        ours, other = two_of_ours()
        await ours.talk.close()
        assert await other.talk.until_over() == "The stranger left."
        assert other.events == [SaidGoodbye()]

    async def test_a_goodbye_waits_no_longer_than_a_stranger_of_ours_takes(self) -> None:
        side = opener()
        await side.talk.close()
        assert now() == HELLO_TIMEOUT
        assert side.channel.sent == []

    async def test_a_goodbye_to_plain_text_waits_only_where_the_channel_has_just_opened(self) -> None:
        side = opener()
        await pause(2 * HELLO_TIMEOUT)
        await side.talk.close()
        assert now() == 2 * HELLO_TIMEOUT
        other = opener(protocol="")
        await other.talk.close()
        assert now() == 2 * HELLO_TIMEOUT

    async def test_a_goodbye_waits_no_longer_than_the_stranger_is_there(self) -> None:
        side = opener()
        asyncio.get_running_loop().call_later(0.25, side.channel.close)
        await side.talk.close()
        assert now() == 0.25


class TestTyping:
    async def test_is_told_every_other_second_at_most(self) -> None:
        side = opener()
        side.hear(HELLO)
        for _ in range(50):
            side.talk.typing()
            await pause(TYPING_EVERY / 10)
        assert side.channel.sent.count(TYPING) == 5

    async def test_is_told_at_once_after_a_message(self) -> None:
        side = opener()
        side.hear(HELLO)
        side.talk.typing()
        await side.talk.send("one")
        side.talk.typing()
        assert side.channel.sent == [HELLO, TYPING, "one", TYPING]

    async def test_is_never_told_to_one_that_knows_plain_text_only(self) -> None:
        side = opener()
        side.talk.typing()
        side.hear("hello")
        await pause(60)
        assert side.channel.sent == []


class TestMessages:
    async def test_are_numbered_told_and_traced(self) -> None:
        side = opener()
        assert [await side.talk.send("one"), side.talk.send_nowait("two")] == [1, 2]
        assert side.channel.sent == ["one", "two"]
        assert side.events == [MessageSent(1, "one"), MessageSent(2, "two")]
        assert side.arrows == [("Ada", "stranger", "message")] * 2
        assert {arrow.room for arrow in side.trace} == {"a room"}

    async def test_of_the_stranger_are_told_and_traced_as_received(self) -> None:
        side = opener()
        side.hear(HELLO, "hi", TYPING, b"\xff")
        assert side.events == [MessageReceived("hi"), StrangerTyping(), side.events[-1]]
        assert isinstance(side.events[-1], Notice)
        assert side.arrows == [("stranger", "Ada", what) for what in ("message", "typing", "notice")]

    async def test_are_acknowledged_together_and_that_is_told(self) -> None:
        ours, other = two_of_ours()
        await pause(2 * LATENCY)
        for text in ("one", "two", "three"):
            await ours.talk.send(text)
        await pause(2 * LATENCY + ACKNOWLEDGE_AFTER)
        assert [event for event in ours.events if isinstance(event, Delivered)] == [Delivered(3)]
        assert other.channel.sent == [HELLO, Received(3).to_json().encode()]

    async def test_wait_for_room_in_their_order_and_others_are_refused_meanwhile(self) -> None:
        side = opener()
        side.channel.bufferedAmount = MAX_BUFFERED + 1
        sending = [asyncio.create_task(side.talk.send(text)) for text in ("one", "two")]
        await pause()
        assert side.channel.sent == []
        with pytest.raises(MessageRefused, match="Too much is on its way"):
            side.talk.send_nowait("me first")
        side.channel.drain(MAX_BUFFERED // 2)
        assert await asyncio.gather(*sending) == [1, 2]
        assert side.channel.sent == ["one", "two"]
        assert side.talk.send_nowait("now") == 3

    async def test_that_wait_for_room_are_refused_when_it_is_over(self) -> None:
        side = opener()
        side.channel.bufferedAmount = MAX_BUFFERED + 1
        sending = asyncio.create_task(side.talk.send("one"))
        await pause()
        side.talk.lost()
        with pytest.raises(MessageRefused, match="the stranger has gone"):
            await sending
        assert side.events == []

    async def test_longer_than_the_other_program_takes_are_refused_and_not_told(self) -> None:
        side = Side(FakeChannel(max_message=10), ours=True)
        with pytest.raises(MessageRefused, match="takes no message as long as this: Cannot send 11 bytes"):
            await side.talk.send("x" * 11)
        assert side.events == []
        assert side.arrows == []


class TestTheEnd:
    async def test_after_a_goodbye_is_the_stranger_s_and_nothing_can_be_said(self) -> None:
        side = opener()
        side.hear(HELLO, "bye", GOODBYE)
        assert side.events == [MessageReceived("bye"), SaidGoodbye()]
        assert await side.talk.until_over() == "The stranger left."
        with pytest.raises(MessageRefused, match="the stranger has gone"):
            await side.talk.send("wait!")

    @pytest.mark.parametrize("how", ["the channel closes", "the connection breaks"])
    async def test_without_a_goodbye_says_so(self, how: str) -> None:
        side = opener()
        side.channel.close() if how == "the channel closes" else side.talk.lost()
        assert await side.talk.until_over() == "The stranger's connection was closed."

    async def test_of_ours_acknowledges_says_goodbye_and_lets_it_arrive(self) -> None:
        side = opener()
        side.hear(HELLO, "one")
        side.channel.bufferedAmount = 100
        closing = asyncio.create_task(side.talk.close())
        await pause(0.05)
        assert side.channel.sent == [HELLO, Received(1).to_json().encode(), GOODBYE]
        assert side.channel.readyState == "open", "the last words have not left yet"
        side.channel.drain()
        await closing
        assert side.channel.readyState == "closed"
        assert await side.talk.until_over() == "You left."

    async def test_of_ours_does_not_wait_for_ever(self) -> None:
        side = opener()
        side.hear(HELLO)
        side.channel.bufferedAmount = 100
        await side.talk.close()
        assert now() == TIMEOUTS.goodbye
        assert side.channel.readyState == "closed"


class TestAStrangerWhoIsSilent:
    async def test_is_asked_for_a_sign_of_life_and_then_missed(self) -> None:
        side = opener()
        side.hear(HELLO)
        assert await side.talk.until_over() == "The stranger vanished: nothing heard for 8 seconds."
        assert side.channel.sent == [HELLO, PING, PING, PING]
        assert now() == TIMEOUTS.ping + TIMEOUTS.silence, "the Hello was heard in the first of these"

    async def test_and_answers_stays(self) -> None:
        ours, other = two_of_ours()
        watching = [asyncio.create_task(side.talk.until_over()) for side in (ours, other)]
        await pause(3600)
        assert not any(task.done() for task in watching)
        assert PONG in ours.channel.sent
        await ours.talk.close()
        assert [await task for task in watching] == ["You left.", "The stranger left."]

    async def test_and_knows_plain_text_only_is_not_asked(self) -> None:
        side = opener()
        watching = asyncio.create_task(side.talk.until_over())
        await pause(3600)
        assert not watching.done()
        assert side.channel.sent == []
        side.talk.lost()
        await watching
