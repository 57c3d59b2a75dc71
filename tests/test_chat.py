"""What two strangers say once the channel is open, between ours and with one that knows plain text only."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.chat import (
    LONGEST_MESSAGE,
    MOST_PARTS,
    PART,
    TOO_LONG,
    Conversation,
    Delivered,
    Heard,
    MessageReceived,
    Notice,
    SaidGoodbye,
    StrangerTyping,
    check_message,
)
from p2pchat.errors import MessageRefused
from p2pchat.messages import Goodbye, Hello, Ping, Pong, Received, Text, Typing, parse_chat

HELLO = Hello().to_json()
AIORTC_TAKES = 65_536  # bytes in one SCTP message


class Channel:
    """A reliable, ordered channel between two conversations, which carries frames only when told to."""

    def __init__(self, *, plain: bool = False) -> None:
        """``plain``: neither side learns that the other understands more."""
        self.opener = Conversation(invited=False)
        self.other = Conversation(invited=not plain)
        self.under_way: dict[Conversation, list[str]] = {self.opener: [], self.other: []}
        self.heard: dict[Conversation, list[Heard]] = {self.opener: [], self.other: []}

    def carry(self, sender: Conversation, most: int = 1_000_000) -> None:
        """Bring up to so many of the frames that ``sender`` sent to the other side."""
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
        assert opener.understood
        assert opener.take() == [HELLO]

    def test_is_answered_once(self) -> None:
        opener = Conversation(invited=False)
        opener.receive(HELLO), opener.receive(HELLO)
        assert opener.take() == [HELLO]

    def test_makes_both_understand(self, channel: Channel) -> None:
        assert channel.opener.understood
        assert channel.other.understood
        assert channel.heard == {channel.opener: [], channel.other: []}

    def test_of_one_side_alone_is_not_enough(self) -> None:
        assert not Conversation(invited=True).understood

    def test_may_be_crossed_by_plain_text(self) -> None:
        channel = Channel()
        channel.opener.say("plain, for I have heard no Hello yet")
        channel.other.say("a frame, for I was invited")
        channel.carry_all()
        channel.opener.say("a frame")
        channel.carry_all()
        assert channel.messages(channel.other) == ["plain, for I have heard no Hello yet", "a frame"]
        assert channel.messages(channel.opener) == ["a frame, for I was invited"]


class TestWithOneThatKnowsPlainTextOnly:
    def test_a_message_is_one_plain_frame(self) -> None:
        ours = Conversation(invited=False)
        ours.say('He said "hi" \U0001f600\n')
        assert ours.take() == ['He said "hi" \U0001f600\n']

    def test_nothing_but_messages_is_sent(self) -> None:
        ours = Conversation(invited=False)
        ours.typing(), ours.ping(), ours.receive("hello"), ours.acknowledge(), ours.goodbye()
        assert ours.take() == []
        assert not ours.understood

    @pytest.mark.parametrize(
        "text", ["hello", "", "{}", '{"type":"text"}', Goodbye().to_json(), Text(1, "x").to_json(), "[" * 50_000]
    )
    def test_whatever_it_says_is_a_message(self, text: str) -> None:
        assert Conversation(invited=False).receive(text) == [MessageReceived(text)]

    def test_a_message_as_long_as_possible_is_heard_and_a_longer_one_is_not(self) -> None:
        ours = Conversation(invited=False)
        assert ours.receive("é" * (LONGEST_MESSAGE // 2)) == [MessageReceived("é" * (LONGEST_MESSAGE // 2))]
        assert ours.receive("é" * (LONGEST_MESSAGE // 2) + "x") == [TOO_LONG]

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
        channel.other.receive(Ping().to_json())
        assert channel.other.take() == [Pong().to_json()]

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
        for text in (HELLO, Typing().to_json(), '{"type":"text","id":1,"text":"x"}'):
            channel.opener.say(text)
        channel.carry_all()
        assert channel.messages(channel.other) == [HELLO, Typing().to_json(), '{"type":"text","id":1,"text":"x"}']

    @pytest.mark.parametrize("text", ["x", '"', "\x00", "é", "\uffff", "\U0001f600"], ids=ascii)
    def test_the_longest_message_arrives_in_frames_that_every_engine_takes(self, channel: Channel, text: str) -> None:
        longest = text * (LONGEST_MESSAGE // len(text.encode()))
        channel.opener.say(longest)
        frames = channel.opener.take()
        assert max(len(frame.encode()) for frame in frames) <= AIORTC_TAKES
        assert len(frames) <= MOST_PARTS
        assert [event for frame in frames for event in channel.other.receive(frame)] == [MessageReceived(longest)]

    def test_only_the_last_part_of_a_message_says_that_it_is_the_last(self, channel: Channel) -> None:
        channel.opener.say("x" * (2 * PART))
        assert [parse_chat(frame) for frame in channel.opener.take()] == [
            Text(1, "x" * PART, more=True),
            Text(1, "x" * PART, more=False),
        ]

    @pytest.mark.parametrize("text", ["plain text", "{}", "[" * 50_000, '{"type":"dance"}', '{"type":"text"}'])
    def test_a_frame_that_cannot_be_read_is_told_in_words(self, channel: Channel, text: str) -> None:
        (notice,) = channel.other.receive(text)
        assert isinstance(notice, Notice)
        assert notice.text.startswith("The stranger sent a frame that cannot be read: ")


class TestAMessageInParts:
    """As one that nobody here wrote may send it."""

    @pytest.fixture
    def ours(self) -> Iterator[Conversation]:
        ours = Conversation(invited=True)
        ours.receive(HELLO)
        ours.take()
        return ours

    def hear(self, ours: Conversation, *parts: Text) -> list[Heard]:
        return [event for part in parts for event in ours.receive(part.to_json())]

    def test_is_heard_once_it_is_whole(self, ours: Conversation) -> None:
        assert self.hear(ours, Text(1, "hel", more=True)) == []
        assert not ours.owes_acknowledgement
        assert self.hear(ours, Text(1, "lo")) == [MessageReceived("hello")]
        assert ours.owes_acknowledgement

    def test_may_be_crossed_by_other_frames(self, ours: Conversation) -> None:
        assert self.hear(ours, Text(1, "hel", more=True), Typing(), Text(1, "lo")) == [
            StrangerTyping(),
            MessageReceived("hello"),
        ]

    def test_is_given_up_for_the_next_message(self, ours: Conversation) -> None:
        assert self.hear(ours, Text(1, "hel", more=True), Text(2, "you")) == [MessageReceived("you")]

    def test_that_together_is_too_long_is_left_out_in_words(self, ours: Conversation) -> None:
        half = "x" * (LONGEST_MESSAGE // 2)
        assert self.hear(ours, Text(1, half, more=True), Text(1, half + "x")) == [TOO_LONG]
        assert not ours.owes_acknowledgement
        assert self.hear(ours, Text(2, "short")) == [MessageReceived("short")]

    def test_may_have_as_many_as_allowed(self, ours: Conversation) -> None:
        parts = [Text(1, "x", more=number < MOST_PARTS) for number in range(1, MOST_PARTS + 1)]
        assert self.hear(ours, *parts) == [MessageReceived("x" * MOST_PARTS)]

    @pytest.mark.parametrize("too_many", [1, 2, MOST_PARTS, 10 * MOST_PARTS])
    def test_of_too_many_is_left_out_whole_and_told_once(self, ours: Conversation, too_many: int) -> None:
        most = MOST_PARTS + too_many
        parts = [Text(1, "x", more=number < most) for number in range(1, most + 1)]
        assert self.hear(ours, *parts, Text(2, "next")) == [TOO_LONG, MessageReceived("next")]

    def test_that_never_ends_costs_no_more_than_the_most_parts(self, ours: Conversation) -> None:
        for _ in range(10_000):
            assert self.hear(ours, Text(1, "x", more=True)) == []
        held = sum(len(value) for value in vars(ours).values() if isinstance(value, list))
        assert held <= MOST_PARTS + 1

    def test_may_be_cut_through_a_character(self, ours: Conversation) -> None:
        """JavaScript counts UTF-16 units, so its slices may end between the two halves of a character."""
        assert self.hear(ours, Text(1, "a\ud83d", more=True), Text(1, "\ude00b")) == [MessageReceived("a\U0001f600b")]

    def test_with_half_a_character_is_made_text(self, ours: Conversation) -> None:
        assert self.hear(ours, Text(1, "a\ud83d"), Text(2, "\ude00b")) == [
            MessageReceived("a\N{REPLACEMENT CHARACTER}"),
            MessageReceived("\N{REPLACEMENT CHARACTER}b"),
        ]

    def test_may_be_numbered_as_the_stranger_likes(self, ours: Conversation) -> None:
        self.hear(ours, Text(-(10**99), "x"))
        ours.acknowledge()
        assert ours.take() == [Received(-(10**99)).to_json()]


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
        check_message("x" * LONGEST_MESSAGE)
        check_message("\U0001f600" * (LONGEST_MESSAGE // 4))


# --- properties --------------------------------------------------------------------------------------------------

SAYABLE = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip) | st.builds(
    lambda letter, length: letter * length, st.sampled_from("xé\U0001f600"), st.integers(1, LONGEST_MESSAGE // 4)
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
        assert channel.opener.understood is channel.other.understood is not plain


@settings(deadline=None)
@given(
    invited=st.booleans(),
    frames=st.lists(
        st.text(st.characters(exclude_categories=()))
        | st.binary()
        | st.sampled_from([HELLO, Goodbye().to_json(), Ping().to_json(), Received(7).to_json(), '{"type":"text"}'])
        | st.builds(lambda *part: Text(*part).to_json(), st.integers(0, 2), st.text(min_size=1), st.booleans())
        | st.dictionaries(st.sampled_from(["type", "id", "text", "more"]), st.integers() | st.text()).map(json.dumps)
    ),
)
def test_whatever_comes_is_understood_or_told_and_always_text(invited: bool, frames: list[str | bytes]) -> None:
    ours = Conversation(invited=invited)
    for frame in frames:
        for event in ours.receive(frame):
            if isinstance(event, MessageReceived | Notice):
                event.text.encode()
        ours.acknowledge()
    for frame in ours.take():
        parse_chat(frame)
