"""What two strangers say once the channel is open, between ours and with one that knows plain text only."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from p2pchat.errors import MessageRefused
from p2pchat.messages import Goodbye, Hello, Ping, Pong, Received, Typing, parse_chat
from p2pchat.peer.conversation import (
    MAX_MESSAGE,
    TOO_LONG,
    Conversation,
    Delivered,
    MessageReceived,
    Notice,
    SaidGoodbye,
    StrangerEvent,
    StrangerTyping,
    check_message,
)

HELLO = Hello().to_json().encode()


class Channel:
    """A reliable, ordered channel between two conversations, which carries frames only when told to."""

    def __init__(self, *, plain: bool = False) -> None:
        """``plain``: neither side learns that the other understands more."""
        self.opener = Conversation(invited=False)
        self.other = Conversation(invited=not plain)
        self.under_way: dict[Conversation, list[str | bytes]] = {self.opener: [], self.other: []}
        self.heard: dict[Conversation, list[StrangerEvent]] = {self.opener: [], self.other: []}

    def carry(self, sender: Conversation, most: int = 1_000_000) -> None:
        """Bring up to so many of the texts and frames that ``sender`` sent to the other side."""
        target = self.other if sender is self.opener else self.opener
        self.under_way[sender] += sender.take()
        for _ in range(min(most, len(self.under_way[sender]))):
            self.heard[target] += target.receive(self.under_way[sender].pop(0))
            self.under_way[target] += target.take()

    def carry_all(self) -> None:
        for _ in range(4):
            self.carry(self.opener)
            self.carry(self.other)

    def messages(self, target: Conversation) -> list[str]:
        return [event.text for event in self.heard[target] if isinstance(event, MessageReceived)]


@pytest.fixture
def channel() -> Channel:
    """Two of ours that have said Hello."""
    channel = Channel()
    channel.carry_all()
    return channel


class TestTheHello:
    def test_comes_first_from_the_one_that_was_invited(self) -> None:
        assert Conversation(invited=True).take() == [HELLO]

    def test_comes_from_the_one_that_opened_only_as_an_answer(self) -> None:
        opener = Conversation(invited=False)
        assert opener.take() == []
        assert opener.receive(HELLO) == []
        assert opener.handshake_done
        assert opener.take() == [HELLO]

    def test_is_answered_once(self) -> None:
        opener = Conversation(invited=False)
        opener.receive(HELLO), opener.receive(HELLO)
        assert opener.take() == [HELLO]

    def test_makes_both_understand(self, channel: Channel) -> None:
        assert channel.opener.handshake_done
        assert channel.other.handshake_done
        assert channel.heard == {channel.opener: [], channel.other: []}

    def test_of_one_side_alone_is_not_enough(self) -> None:
        assert not Conversation(invited=True).handshake_done

    def test_may_be_crossed_by_messages(self) -> None:
        channel = Channel()
        channel.opener.say("I have heard no Hello yet")
        channel.other.say("I was invited")
        channel.carry_all()
        channel.opener.say("now I have")
        channel.carry_all()
        assert channel.messages(channel.other) == ["I have heard no Hello yet", "now I have"]
        assert channel.messages(channel.opener) == ["I was invited"]


class TestWithOneThatKnowsPlainTextOnly:
    def test_a_message_is_one_plain_frame(self) -> None:
        ours = Conversation(invited=False)
        ours.say('He said "hi" \U0001f600\n')
        assert ours.take() == ['He said "hi" \U0001f600\n']

    def test_nothing_but_messages_is_sent(self) -> None:
        ours = Conversation(invited=False)
        ours.typing(), ours.ping(), ours.receive("hello"), ours.acknowledge(), ours.goodbye()
        assert ours.take() == []
        assert not ours.handshake_done

    @pytest.mark.parametrize(
        "text", ["hello", "", "{}", '{"type":"text"}', Goodbye().to_json(), Hello().to_json(), "[" * 50_000]
    )
    def test_whatever_it_says_is_a_message(self, text: str) -> None:
        assert Conversation(invited=False).receive(text) == [MessageReceived(text)]

    def test_a_message_as_long_as_possible_is_heard_and_a_longer_one_is_not(self) -> None:
        ours = Conversation(invited=False)
        assert ours.receive("é" * (MAX_MESSAGE // 2)) == [MessageReceived("é" * (MAX_MESSAGE // 2))]
        assert ours.receive("é" * (MAX_MESSAGE // 2) + "x") == [TOO_LONG]

    def test_it_owes_and_is_owed_no_acknowledgement(self) -> None:
        ours = Conversation(invited=False)
        ours.receive("hello")
        assert not ours.owes_acknowledgement

    def test_messages_are_numbered_all_the_same(self) -> None:
        ours = Conversation(invited=False)
        assert [ours.say("one"), ours.say("two")] == [1, 2]


class TestBytes:
    def test_that_are_text_are_text(self) -> None:
        assert Conversation(invited=False).receive("grüße".encode()) == [MessageReceived("grüße")]

    def test_that_are_a_frame_are_text_too_from_one_who_has_not_said_hello(self) -> None:
        goodbye = Goodbye().to_json()
        assert Conversation(invited=False).receive(goodbye.encode()) == [MessageReceived(goodbye)]

    def test_that_are_none_are_left_out_in_words(self) -> None:
        (notice,) = Conversation(invited=False).receive(b"\xff" * 1234)
        assert notice == Notice("The stranger sent 1,234 bytes that are no text; they were left out.")


class TestBetweenOurs:
    def test_typing_goodbye_and_a_sign_of_life_arrive(self, channel: Channel) -> None:
        channel.opener.typing(), channel.opener.ping(), channel.opener.goodbye()
        channel.carry_all()
        assert channel.heard[channel.other] == [StrangerTyping(), SaidGoodbye()]
        assert channel.heard[channel.opener] == [], "a Pong is a sign of life and nothing to tell"

    def test_a_ping_is_answered_with_a_pong(self, channel: Channel) -> None:
        channel.other.receive(Ping().to_json().encode())
        assert channel.other.take() == [Pong().to_json().encode()]

    def test_a_message_is_acknowledged_when_asked_to(self, channel: Channel) -> None:
        number = channel.opener.say("hello")
        channel.carry_all()
        assert channel.messages(channel.other) == ["hello"]
        assert channel.other.owes_acknowledgement
        channel.other.acknowledge(), channel.other.acknowledge()
        assert not channel.other.owes_acknowledgement
        channel.carry_all()
        assert channel.heard[channel.opener] == [Delivered(number)]

    def test_one_acknowledgement_serves_many_messages(self, channel: Channel) -> None:
        numbers = [channel.opener.say(f"message {n}") for n in range(1000)]
        channel.carry_all()
        channel.other.acknowledge()
        channel.carry_all()
        assert len(channel.messages(channel.other)) == 1000
        assert channel.heard[channel.opener] == [Delivered(numbers[-1])]

    def test_what_looks_like_a_frame_is_still_a_message(self, channel: Channel) -> None:
        texts = [Hello().to_json(), Typing().to_json(), '{"type":"received","count":1}']
        for text in texts:
            channel.opener.say(text)
        channel.carry_all()
        assert channel.messages(channel.other) == texts

    @pytest.mark.parametrize("text", ["x", '"', "\x00", "é", "\uffff", "\U0001f600"], ids=ascii)
    def test_the_longest_message_arrives_in_one_piece_that_every_engine_takes(
        self, channel: Channel, text: str
    ) -> None:
        longest = text * (MAX_MESSAGE // len(text.encode()))
        channel.opener.say(longest)
        assert channel.opener.take() == [longest]
        assert channel.other.receive(longest) == [MessageReceived(longest)]

    def test_nobody_is_told_that_more_arrived_than_was_sent(self, channel: Channel) -> None:
        number = channel.opener.say("one")
        assert channel.opener.receive(Received(1_000).to_json().encode()) == [Delivered(number)]

    @pytest.mark.parametrize("text", ["plain text", "{}", "[" * 50_000, '{"type":"dance"}', '{"type":"received"}'])
    def test_a_frame_that_cannot_be_read_is_told_in_words(self, channel: Channel, text: str) -> None:
        (notice,) = channel.other.receive(text.encode())
        assert isinstance(notice, Notice)
        assert notice.text.startswith("The stranger sent a frame that cannot be read: ")


class TestWhatIsRefused:
    @pytest.mark.parametrize("blank", ["", " ", "\n\t\r", "\u3000\u2003"], ids=ascii)
    def test_a_blank_message(self, channel: Channel, blank: str) -> None:
        with pytest.raises(MessageRefused, match="The message is blank"):
            channel.opener.say(blank)

    @pytest.mark.parametrize("text", ["\ud800", "hello \udfff!"], ids=ascii)
    def test_half_a_character(self, channel: Channel, text: str) -> None:
        with pytest.raises(MessageRefused, match="half a character"):
            channel.opener.say(text)

    @pytest.mark.parametrize("text", ["x" * 65_537, "é" * 32_769, "\U0001f600" * 16_385], ids=lambda text: text[0])
    def test_more_than_64_kib(self, channel: Channel, text: str) -> None:
        with pytest.raises(MessageRefused, match=r"too long: 65,5\d\d bytes in UTF-8, 65,536 are possible"):
            channel.opener.say(text)

    def test_sends_nothing_and_takes_no_number(self, channel: Channel) -> None:
        with pytest.raises(MessageRefused):
            channel.opener.say(" ")
        assert channel.opener.take() == []
        assert channel.opener.say("hello") == 1

    def test_not_64_kib(self) -> None:
        check_message("x" * MAX_MESSAGE)
        check_message("\U0001f600" * (MAX_MESSAGE // 4))


# --- properties --------------------------------------------------------------------------------------------------

SAYABLE = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip) | st.builds(
    lambda letter, length: letter * length, st.sampled_from("xé\U0001f600"), st.integers(1, MAX_MESSAGE // 4)
)
STEPS = st.lists(
    st.tuples(st.booleans(), SAYABLE | st.integers(0, 5) | st.sampled_from([None])),
    max_size=30,
)


@settings(deadline=None)
@given(steps=STEPS, plain=st.booleans())
def test_every_message_arrives_once_whole_and_in_order(steps: list[tuple[bool, str | int | None]], plain: bool) -> None:
    """A step of one side is to say something, to have some frames carried, or to acknowledge."""
    channel = Channel(plain=plain)
    said: dict[Conversation, list[str]] = {channel.opener: [], channel.other: []}
    for opener, step in steps:
        side = channel.opener if opener else channel.other
        if isinstance(step, str):
            assert side.say(step) == len(said[side]) + 1
            said[side].append(step)
        elif step is not None:
            channel.carry(side, step)
        else:
            side.acknowledge()
    channel.carry_all()
    for side, other in ((channel.opener, channel.other), (channel.other, channel.opener)):
        assert channel.messages(other) == said[side]
        assert not any(isinstance(event, Notice) for event in channel.heard[other])
        told = [event.id for event in channel.heard[side] if isinstance(event, Delivered)]
        assert told == sorted(set(told))
        assert all(1 <= number <= len(said[side]) for number in told)
        assert channel.opener.handshake_done is channel.other.handshake_done is not plain


@settings(deadline=None)
@given(
    invited=st.booleans(),
    frames=st.lists(
        st.text(st.characters(exclude_categories=()))
        | st.binary()
        | st.sampled_from([frame.to_json().encode() for frame in (Hello(), Goodbye(), Ping(), Received(7))])
        | st.dictionaries(st.sampled_from(["type", "count"]), st.integers() | st.text()).map(json.dumps).map(str.encode)
    ),
)
@example(invited=False, frames=["half a character: \ud800"])
def test_whatever_comes_is_understood_or_told_and_always_text(invited: bool, frames: list[str | bytes]) -> None:
    ours = Conversation(invited=invited)
    for frame in frames:
        for event in ours.receive(frame):
            if isinstance(event, MessageReceived | Notice):
                event.text.encode()
        ours.acknowledge()
    for frame in ours.take():
        assert isinstance(frame, bytes)
        parse_chat(frame.decode())
