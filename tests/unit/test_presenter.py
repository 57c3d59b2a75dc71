"""Between a peer and a view, both of which are fakes."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from p2pchat import (
    Delivered,
    MessageReceived,
    MessageSent,
    Notice,
    SaidGoodbye,
    State,
    StateChanged,
    StrangerTyping,
)
from p2pchat.errors import MatchmakingFailed, MessageRefused
from p2pchat.peer.event_feed import EventFeed
from p2pchat.peer.events import Event
from p2pchat.views.presenter import TYPING_HOLDS, ChatStatus, Presenter
from tests.support.fake_time import pause


class FakePeer:
    """Remembers what was asked of it, and fails where ``fails`` says so."""

    def __init__(self) -> None:
        self.state = State.IDLE
        self.why = "Not started yet."
        self.calls: list[str] = []
        self.threads: set[int] = set()
        self.fails: dict[str, Exception] = {}
        self.feed = EventFeed("Ada")
        self.listen = self.feed.listen

    def become(self, state: State, why: str = "Because.") -> None:
        self.state, self.why = state, why
        self.feed.emit(StateChanged(state, why))

    async def start(self) -> None:
        self._called("start")

    async def next(self) -> None:
        self._called("next")

    async def leave(self) -> None:
        self._called("leave")

    async def send(self, text: str) -> int:
        self._called(f"send {text}")
        return 1

    def typing(self) -> None:
        self._called("typing")

    def _called(self, what: str) -> None:
        self.calls.append(what)
        self.threads.add(threading.get_ident())
        if what in self.fails:
            raise self.fails[what]


class Drawn:
    """A view that remembers what was drawn, in order."""

    def __init__(self) -> None:
        self.status: ChatStatus | None = None
        self.lines: list[tuple[str, str]] = []
        self.delivered: list[list[int]] = []
        self.typing: list[bool] = []
        self.given_back: list[str] = []

    def show_status(self, status: ChatStatus) -> None:
        self.status = status

    def write(self, author: str, text: str) -> int:
        self.lines.append((author, text))
        return 100 + len(self.lines)

    def mark_delivered(self, numbers: Sequence[int]) -> None:
        self.delivered.append(list(numbers))

    def show_typing(self, typing: bool) -> None:
        self.typing.append(typing)

    def put_back(self, text: str) -> None:
        self.given_back.append(text)

    @property
    def can(self) -> set[str]:
        return {word for word in ("start", "next", "leave", "send") if getattr(self.status, f"can_{word}")}


Parts = tuple[FakePeer, Drawn, Presenter]


@pytest.fixture
async def parts() -> Parts:
    peer, drawn = FakePeer(), Drawn()
    return peer, drawn, Presenter(peer, drawn)  # type: ignore[arg-type]


def press_all(presenter: Presenter) -> None:
    presenter.start()
    presenter.typing()
    presenter.send("hello")
    presenter.next()
    presenter.leave()


class TestWhatIsPressed:
    async def test_reaches_the_peer_in_order(self, parts: Parts) -> None:
        peer, drawn, presenter = parts
        press_all(presenter)
        assert peer.calls == [], "it is done on the loop"
        await pause()
        assert sorted(peer.calls) == ["leave", "next", "send hello", "start", "typing"]
        assert [call for call in peer.calls if call != "typing"] == ["start", "send hello", "next", "leave"]
        assert drawn.lines == []

    async def test_on_another_thread_is_done_on_the_loop_s(self, parts: Parts) -> None:
        peer, _, presenter = parts
        thread = threading.Thread(target=press_all, args=[presenter])
        thread.start()
        await asyncio.get_running_loop().run_in_executor(None, thread.join)
        await pause()
        assert len(peer.calls) == 5
        assert peer.threads == {threading.get_ident()}

    async def test_and_fails_becomes_a_line(self, parts: Parts) -> None:
        peer, drawn, presenter = parts
        peer.fails["start"] = MatchmakingFailed("Matchmaking failed.")
        peer.fails["next"] = ZeroDivisionError("oh")
        presenter.start()
        presenter.next()
        await pause()
        assert drawn.lines == [
            ("Sys", "Matchmaking failed."),
            ("Sys", "Something broke in p2pchat: ZeroDivisionError('oh'). Please report it."),
        ]

    async def test_and_fails_is_told_once_where_the_peer_has_told_it(self, parts: Parts) -> None:
        peer, drawn, presenter = parts
        peer.fails["start"] = MatchmakingFailed("Matchmaking failed.")
        peer.become(State.CLOSED, "Matchmaking failed.")
        presenter.start()
        await pause()
        assert drawn.lines == [("Sys", "Matchmaking failed.")]

    async def test_and_is_refused_is_given_back_with_the_reason(self, parts: Parts) -> None:
        peer, drawn, presenter = parts
        peer.fails["send too long"] = MessageRefused("The message is too long.")
        presenter.send("too long")
        await pause()
        assert drawn.given_back == ["too long"]
        assert drawn.lines == [("Sys", "The message is too long.")]


class TestWhatIsShown:
    @pytest.mark.parametrize(
        ("state", "can"),
        [
            (State.IDLE, {"start"}),
            (State.WAITING, {"leave"}),
            (State.MATCHED, {"next", "leave"}),
            (State.CONNECTING, {"next", "leave"}),
            (State.OPEN, {"next", "leave", "send"}),
            (State.CLOSED, {"start"}),
        ],
        ids=lambda value: value.value if isinstance(value, State) else "",
    )
    async def test_of_a_state_is_what_can_be_pressed(self, parts: Parts, state: State, can: set[str]) -> None:
        peer, drawn, _ = parts
        peer.become(state)
        assert drawn.can == can
        assert drawn.status is not None
        assert (drawn.status.state, drawn.status.why) == (state.value, "Because.")
        assert drawn.status.hint
        assert drawn.lines == ([] if state is State.IDLE else [("Sys", "Because.")])

    async def test_is_said_by_somebody(self, parts: Parts) -> None:
        peer, drawn, _ = parts
        for event in (MessageSent(1, "mine"), MessageReceived("theirs"), Notice("a notice"), SaidGoodbye()):
            peer.feed.emit(event)
        assert drawn.lines == [("You", "mine"), ("Stranger", "theirs"), ("Sys", "a notice")]

    async def test_as_delivered_is_each_line_once(self, parts: Parts) -> None:
        peer, drawn, _ = parts
        events: list[Event] = [
            MessageSent(1, "a"),
            MessageSent(2, "b"),
            Delivered(2),
            MessageSent(3, "c"),
            Delivered(3),
        ]
        for event in events:
            peer.feed.emit(event)
        assert drawn.delivered == [[101, 102], [103]]

    async def test_as_delivered_is_nothing_of_the_stranger_before(self, parts: Parts) -> None:
        peer, drawn, _ = parts
        peer.feed.emit(MessageSent(1, "to the first"))
        peer.become(State.CLOSED)
        peer.feed.emit(MessageSent(1, "to the second"))
        peer.feed.emit(Delivered(1))
        assert drawn.delivered == [[103]]


class TestTyping:
    async def test_is_shown_for_some_seconds_after_the_last_sign(self, parts: Parts) -> None:
        peer, drawn, _ = parts
        drawn.typing.clear()
        peer.feed.emit(StrangerTyping())
        await pause(TYPING_HOLDS - 1)
        peer.feed.emit(StrangerTyping())
        await pause(TYPING_HOLDS - 1)
        assert drawn.typing == [True, True]
        await pause(1)
        assert drawn.typing == [True, True, False]

    @pytest.mark.parametrize("event", [MessageReceived("done"), StateChanged(State.CLOSED, "The stranger left.")])
    async def test_ends_with_the_message_and_with_the_chat(self, parts: Parts, event: Event) -> None:
        peer, drawn, _ = parts
        peer.feed.emit(StrangerTyping())
        peer.feed.emit(event)
        assert drawn.typing[-1] is False
        shown = len(drawn.typing)
        await pause(60)
        assert len(drawn.typing) == shown


class TestClosing:
    @pytest.mark.parametrize("typing", [True, False])
    async def test_leaves_and_shows_no_more(self, parts: Parts, typing: bool) -> None:
        peer, drawn, presenter = parts
        if typing:
            peer.feed.emit(StrangerTyping())
        presenter.close()
        await pause()
        assert peer.calls == ["leave"]
        shown = len(drawn.lines), len(drawn.typing)
        peer.feed.emit(MessageReceived("late"))
        await pause(60)
        assert (len(drawn.lines), len(drawn.typing)) == shown


def test_closing_after_the_loop_has_ended_is_harmless() -> None:
    made: list[Presenter] = []

    async def make() -> None:
        made.append(Presenter(FakePeer(), Drawn()))  # type: ignore[arg-type]

    asyncio.run(make())
    made[0].close()
