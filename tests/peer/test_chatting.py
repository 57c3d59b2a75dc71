"""Two strangers over real servers and a real DataChannel: what one says, the other hears."""

import asyncio
from functools import partial

import pytest
from aiortc import RTCDataChannel, RTCDataChannelParameters

from p2pchat import (
    ChatPeer,
    Delivered,
    MessageReceived,
    MessageSent,
    Notice,
    SaidGoodbye,
    State,
    StateChanged,
    StrangerTyping,
    Trace,
)
from p2pchat.errors import MessageRefused
from p2pchat.peer.events import Event
from tests.support.clock import Clock
from tests.support.events import Log, until

Talking = tuple[ChatPeer, ChatPeer, Log, Log]

OPEN = StateChanged(State.OPEN, "You are talking to a stranger, with no server between you.")

TEXTS = {
    "plain": "hello",
    "spaces around": "  hello \n",
    "lines": "one\ntwo\r\nthree\x85four\u2028five",
    "controls": "\x00\x01\x07\x1b[31m\x7f\x9f",
    "right to left": "שלום \u202eolleh\u202c مرحبا",
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈🇫🇷",
    "combining": "e\u0301 \u0e01\u0e33 Z̴̢̛a̵l̶g̷o̸",
    "beyond the basic plane": "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \U0010ffff",
    "no characters": "\ufeff\ufffe\uffff",
    "markup": "<script>alert('&amp;')</script>",
    "looks like a frame": '{"type":"goodbye"}',
    "JSON inside JSON": '{"type":"text","id":1,"text":"\\u0000"}',
    "64 KiB": "x" * 65_536,
    "64 KiB of what JSON escapes": "\x01" * 65_536,
    "64 KiB of emoji": "😀" * 16_384,
}


def channel_of(peer: ChatPeer) -> RTCDataChannel:
    """The channel itself, for what no peer of ours would send."""
    return peer._meeting.talk._channel


class TestWhatIsSaid:
    async def test_arrives_at_the_other_one_whatever_it_is(self, talking: Talking) -> None:
        ada, bob, of_ada, of_bob = talking
        for text in TEXTS.values():
            await ada.send(text)
            await bob.send(text)
        await of_bob.until(lambda: len(of_bob.texts) >= len(TEXTS))
        await of_ada.until(lambda: len(of_ada.texts) >= len(TEXTS))
        for heard in (of_ada.texts, of_bob.texts):
            assert dict(zip(TEXTS, heard, strict=True)) == TEXTS
        assert not of_ada.notices + of_bob.notices

    async def test_arrives_in_order(self, talking: Talking) -> None:
        ada, _, _, of_bob = talking
        many = [str(number) for number in range(2_000)]
        for text in many:
            await ada.send(text)
        await of_bob.until(lambda: len(of_bob.texts) >= len(many))
        assert of_bob.texts == many

    async def test_keeps_its_order_when_it_has_to_wait_for_room(self, talking: Talking) -> None:
        ada, _, _, of_bob = talking
        many = [str(number) + "x" * 60_000 for number in range(60)]
        await asyncio.gather(*(ada.send(text) for text in many))
        await of_bob.until(lambda: len(of_bob.texts) >= len(many))
        assert of_bob.texts == many

    async def test_is_told_to_the_one_who_said_it_and_then_that_it_arrived(self, talking: Talking) -> None:
        ada, _, of_ada, _ = talking
        assert await ada.send("one") == 1
        assert await ada.send("two") == 2
        await of_ada.until(lambda: Delivered(2) in of_ada.events)
        assert of_ada.of(MessageSent) == [MessageSent(1, "one"), MessageSent(2, "two")]
        assert of_ada.of(Delivered)[-1] == Delivered(2), "one acknowledgement may serve several messages"


class TestSend:
    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "blank"),
            (" \t\n\u3000", "blank"),
            ("x" * 65_537, "65,537 bytes"),
            ("😀" * 16_384 + "x", "65,537 bytes"),
            ("half \ud83d", "lone surrogate"),
        ],
    )
    async def test_refuses_before_anything_is_sent(self, talking: Talking, text: str, why: str) -> None:
        ada, _, of_ada, of_bob = talking
        with pytest.raises(MessageRefused, match=why):
            await ada.send(text)
        assert await ada.send("the chat goes on") == 1, "a refused message takes no number"
        await of_bob.until(lambda: of_bob.texts)
        assert of_bob.texts == ["the chat goes on"]
        assert of_ada.of(MessageSent) == [MessageSent(1, "the chat goes on")]

    async def test_refuses_while_nobody_is_there(self, new_peer) -> None:
        peer = new_peer()
        with pytest.raises(MessageRefused, match="idle"):
            await peer.send("hello?")
        await peer.start()
        with pytest.raises(MessageRefused, match="waiting"):
            await peer.send("hello?")

    async def test_refuses_after_the_goodbye_of_the_stranger(self, talking: Talking) -> None:
        ada, bob, of_ada, _ = talking
        refused: list[str] = []

        async def answer() -> None:
            with pytest.raises(MessageRefused) as error:
                await ada.send("wait!")
            refused.append(str(error.value))

        answers = []
        ada.listen(lambda event: answers.append(asyncio.create_task(answer())) if event == SaidGoodbye() else None)
        await bob.leave()
        await of_ada.closed()
        await asyncio.gather(*answers)
        assert len(refused) == 1
        assert "Nobody is there to hear it" in refused[0]

    async def test_waits_while_more_than_a_mebibyte_is_on_its_way(self, talking: Talking) -> None:
        ada, _, _, of_bob = talking
        waited = 0
        for _ in range(40):
            sending = asyncio.create_task(ada.send("x" * 65_536))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            waited += not sending.done()
            await sending
            assert channel_of(ada).bufferedAmount < 2**20 + 2 * 65_536
        assert waited, "2.5 MiB never fit into 1 MiB at once"
        await of_bob.until(lambda: len(of_bob.texts) == 40)

    async def test_that_waits_ends_when_the_chat_does(self, talking: Talking) -> None:
        ada, _, of_ada, _ = talking
        many = [asyncio.create_task(ada.send("x" * 65_536)) for _ in range(200)]
        await of_ada.event(MessageSent)
        await ada.leave()
        results = await asyncio.gather(*many, return_exceptions=True)
        refused = [result for result in results if not isinstance(result, int)]
        assert refused, "13 MiB cannot all have left"
        assert {type(error) for error in refused} == {MessageRefused}


class TestSay:
    """What `send` does, for where nothing can be awaited."""

    async def test_answers_from_a_listener(self, talking: Talking) -> None:
        ada, bob, of_ada, of_bob = talking
        bob.listen(lambda event: bob.send_nowait(f"re: {event.text}") if isinstance(event, MessageReceived) else None)
        await ada.send("hello")
        await of_ada.until(lambda: of_ada.texts)
        assert of_ada.texts == ["re: hello"]
        assert of_bob.of(MessageSent) == [MessageSent(1, "re: hello")]

    async def test_says_something_from_a_listener_the_moment_the_chat_opens(self, new_peer) -> None:
        peers = new_peer(name="Ada"), new_peer(name="Bob")
        logs = [Log(peer) for peer in peers]

        def greet(peer: ChatPeer) -> None:
            peer.listen(lambda event: peer.send_nowait(f"{peer.name} was first") if event == OPEN else None)

        for peer in peers:
            greet(peer)
        await asyncio.gather(*(peer.start() for peer in peers))
        for log, text in zip(logs, ["Bob was first", "Ada was first"], strict=True):
            await log.until(lambda log=log: log.texts)
            assert log.texts == [text]

    async def test_refuses_what_send_would_wait_for_and_never_overtakes(self, talking: Talking) -> None:
        ada, _, _, of_bob = talking
        sending = [asyncio.create_task(ada.send("x" * 65_536)) for _ in range(40)]
        await until(lambda: ada._meeting.talk._turn.locked(), "a message waits for room")
        with pytest.raises(MessageRefused, match="Too much is on its way"):
            ada.send_nowait("me first")
        await asyncio.gather(*sending)
        assert ada.send_nowait("now") == 41
        await of_bob.until(lambda: len(of_bob.texts) == 41)
        assert of_bob.texts[-1] == "now"

    async def test_refuses_while_nobody_is_there(self, new_peer) -> None:
        with pytest.raises(MessageRefused, match="idle"):
            new_peer().send_nowait("hello?")


class TestBetweenTwoOfOurs:
    async def test_typing_shows_at_most_every_other_second(self, talking: Talking) -> None:
        ada, _, _, of_bob = talking
        for _ in range(20):
            ada.typing()
        await ada.send("done")
        await of_bob.until(lambda: of_bob.texts)
        assert [type(e) for e in of_bob.events if isinstance(e, StrangerTyping | MessageReceived)] == [
            StrangerTyping,
            MessageReceived,
        ]

    async def test_typing_shows_though_it_begins_the_moment_the_chat_opens(self, talking: Talking) -> None:
        """Also at the one who made the offer, and does not know yet what the stranger understands."""
        ada, bob, of_ada, of_bob = talking
        ada.typing()
        bob.typing()
        await of_ada.event(StrangerTyping)
        await of_bob.event(StrangerTyping)

    @pytest.mark.parametrize("second", [True, False], ids=["who offers", "who answers"])
    async def test_leaving_the_moment_the_chat_opens_says_goodbye(self, new_peer, second: bool) -> None:
        trace = Trace()
        ada, bob = new_peer(name="Ada", trace=trace), new_peer(name="Bob", trace=trace)
        leaving: list[asyncio.Task[None]] = []

        def leave(peer: ChatPeer, event: Event) -> None:
            if event != OPEN:
                return
            offered = next(arrow for arrow in trace if arrow.what == "offer").source == peer.name
            if offered is second:
                leaving.append(asyncio.create_task(peer.leave()))

        for peer in (ada, bob):
            peer.listen(partial(leave, peer))
        await asyncio.gather(ada.start(), bob.start())
        await asyncio.gather(*(peer.wait_for(State.CLOSED, 10) for peer in (ada, bob)))
        assert {ada.why, bob.why} == {"You left.", "The stranger left."}
        await asyncio.gather(*leaving)

    async def test_typing_while_nobody_is_there_is_harmless(self, new_peer) -> None:
        peer = new_peer()
        peer.typing()
        await peer.start()
        peer.typing()
        await peer.leave()
        peer.typing()

    async def test_goodbye_ends_the_chat_of_both_at_once(self, talking: Talking, clock: Clock) -> None:
        ada, bob, of_ada, of_bob = talking
        await ada.send("the last words")
        with clock.standing_still():  # at once: no timer is needed
            await ada.leave()
            assert await of_bob.closed() == "The stranger left."
        assert of_bob.texts == ["the last words"]
        assert of_bob.of(SaidGoodbye) == [SaidGoodbye()]
        assert ada.why == "You left."
        assert bob.state is State.CLOSED
        assert not of_ada.of(SaidGoodbye)

    async def test_last_words_of_a_mebibyte_arrive_before_the_goodbye(self, talking: Talking) -> None:
        ada, _, _, of_bob = talking
        for _ in range(16):
            await ada.send("x" * 65_536)
        await ada.leave()
        await of_bob.closed()
        assert len(of_bob.texts) == 16
        assert of_bob.of(SaidGoodbye)

    async def test_both_may_leave_at_the_same_time(self, talking: Talking) -> None:
        ada, bob, _, _ = talking
        await asyncio.gather(ada.leave(), bob.leave())
        assert ada.state is bob.state is State.CLOSED

    async def test_both_leave_the_signaling_server(self, cores, talking: Talking) -> None:
        ada, bob, *_ = talking
        await until(lambda: not cores["signaling"].rooms, "the room is empty")
        await ada.send("still there?")
        assert ada.state is bob.state is State.OPEN


class TestAListenerThatRaises:
    async def test_disturbs_neither_the_chat_nor_other_listeners(self, talking: Talking, caplog) -> None:
        ada, bob, of_ada, of_bob = talking

        def faulty(event: Event) -> None:
            raise RuntimeError(f"my own fault at {type(event).__name__}")

        for peer in (ada, bob):
            peer._events._listeners.insert(0, faulty)
        for number in range(3):
            await ada.send(f"{number}")
            await bob.send(f"{number}")
        await of_ada.until(lambda: len(of_ada.texts) == 3)
        await of_bob.until(lambda: len(of_bob.texts) == 3)
        assert ada.state is bob.state is State.OPEN
        assert "my own fault at MessageReceived" in caplog.text
        assert "A listener of the peer" in caplog.text


class TestAStrangerWhoBreaksTheRules:
    async def test_is_answered_by_a_notice_and_the_chat_goes_on(self, talking: Talking) -> None:
        ada, _, of_ada, of_bob = talking
        await ada.send("handshake")
        await of_ada.until(lambda: of_ada.of(Delivered))
        channel = channel_of(ada)
        for data in (b"no frame", b'{"type":"received"}', b"[" * 50_000, b"\xff\xfe", b"\x00" * 65_536):
            channel.send(data)
        await ada.send("still there")
        await of_bob.until(lambda: "still there" in of_bob.texts)
        assert len(of_bob.of(Notice)) == 5
        assert of_bob.texts == ["handshake", "still there"]

    async def test_more_channels_are_not_listened_to(self, talking: Talking) -> None:
        ada, _, _, of_bob = talking
        second = RTCDataChannel(channel_of(ada).transport, RTCDataChannelParameters(label="matchmaking-example"))
        await until(lambda: second.readyState == "open", "the second channel is open")
        second.send("psst")
        second.close()
        await until(lambda: second.readyState == "closed", "the second channel is closed")
        await ada.send("the only one")
        await of_bob.until(lambda: of_bob.texts)
        assert of_bob.texts == ["the only one"]

    async def test_closing_the_channel_without_a_goodbye_ends_the_chat(self, talking: Talking) -> None:
        ada, _, _, of_bob = talking
        channel_of(ada).close()
        assert "closed" in await of_bob.closed()


class TestTheTrace:
    async def test_tells_the_whole_story_of_a_meeting(self, new_peer) -> None:
        trace = Trace()
        ada, bob = new_peer(name="Ada", trace=trace), new_peer(name="Bob", trace=trace)
        of_bob = Log(bob)
        for peer in (ada, bob):
            await peer.start()
        await asyncio.gather(*(peer.wait_for(State.OPEN, 60) for peer in (ada, bob)))
        await ada.send("hello")
        await of_bob.until(lambda: of_bob.texts)
        arrows = [(arrow.source, arrow.target, arrow.what) for arrow in trace]
        wanted = [
            ("Ada", "matchmaking", "join"),
            ("Bob", "matchmaking", "join"),
            ("matchmaking", "Bob", "MATCH"),
            ("Bob", "signaling", "register"),
            ("signaling", "Bob", "accept"),
            ("Ada", "stranger", "message"),
            ("stranger", "Bob", "message"),
        ]
        places = [arrows.index(arrow) for arrow in wanted]
        assert places == sorted(places)
        for what in ("offer", "answer"):
            kinds = {("signaling" in (s, t), s, t) for s, t, w in arrows if w == what}
            assert len(kinds) == 2, f"the {what} goes to the signaling server and from there to the other one"
        assert len({arrow.room for arrow in trace if arrow.what in ("offer", "answer")}) == 1
        assert [arrow.at for arrow in trace] == sorted(arrow.at for arrow in trace)
