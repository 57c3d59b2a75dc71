"""The chat of the page /chat/, without a page: its view remembers what was drawn."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from p2pchat import ChatPeer, Servers, State, start_servers
from p2pchat.views.page import lines_of_code, open_chat
from p2pchat.views.presenter import ChatStatus, Presenter

LIMIT = 60.0  # seconds


class Drawn:
    """A view that remembers what was drawn, as JavaScript draws it."""

    def __init__(self) -> None:
        self.status = ChatStatus("", "", "", False, False, False, False)
        self.lines: dict[int, tuple[str, str]] = {}
        self.delivered: set[int] = set()
        self.is_typing = False
        self.given_back: list[str] = []
        self._changed = asyncio.Event()

    @property
    def can(self) -> set[str]:
        """What can be pressed."""
        return {word for word in ("start", "next", "leave", "send") if getattr(self.status, f"can_{word}")}

    def show_status(self, status: ChatStatus) -> None:
        self.status = status
        self._changed.set()

    def write(self, author: str, text: str) -> int:
        self.lines[len(self.lines)] = (author, text)
        self._changed.set()
        return len(self.lines) - 1

    def mark_delivered(self, numbers: Sequence[int]) -> None:
        self.delivered.update(numbers)
        self._changed.set()

    def show_typing(self, typing: bool) -> None:
        self.is_typing = typing
        self._changed.set()

    def put_back(self, text: str) -> None:
        self.given_back.append(text)
        self._changed.set()

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(LIMIT):
            while not holds():
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    running = await start_servers()
    yield running
    await running.stop()


@pytest.fixture
async def page(servers: Servers) -> AsyncIterator[tuple[Presenter, Drawn]]:
    drawn = Drawn()
    chat = Presenter(ChatPeer(servers.matchmaking_url, servers.signaling_url), drawn)
    yield chat, drawn
    await chat.peer.leave()


@pytest.fixture
async def stranger(servers: Servers) -> AsyncIterator[ChatPeer]:
    async with ChatPeer(servers.matchmaking_url, servers.signaling_url, name="stranger") as peer:
        yield peer


async def test_it_begins_with_start_and_nothing_said(page: tuple[Presenter, Drawn]) -> None:
    _, drawn = page
    assert (drawn.status.state, drawn.can, drawn.lines) == ("idle", {"start"}, {})


async def test_a_whole_conversation(page: tuple[Presenter, Drawn], stranger: ChatPeer) -> None:
    chat, drawn = page
    chat.start()
    await drawn.until(lambda: drawn.status.state == "waiting")
    assert drawn.can == {"leave"}
    await stranger.start()
    await drawn.until(lambda: drawn.status.state == "open")
    assert drawn.can == {"next", "leave", "send"}
    chat.send("hello")
    await drawn.until(lambda: drawn.delivered)
    assert [drawn.lines[number] for number in drawn.delivered] == [("You", "hello")]
    stranger.typing()
    await drawn.until(lambda: drawn.is_typing)
    await stranger.send("hello back")
    await drawn.until(lambda: ("Stranger", "hello back") in drawn.lines.values())
    assert not drawn.is_typing
    chat.next()
    await stranger.wait_for(State.CLOSED, LIMIT)
    await drawn.until(lambda: drawn.status.state == "waiting")
    chat.leave()
    await drawn.until(lambda: drawn.status.state == "closed")
    assert drawn.can == {"start"}


async def test_the_stranger_is_told_that_somebody_types(page: tuple[Presenter, Drawn], stranger: ChatPeer) -> None:
    chat, drawn = page
    typed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    stranger.listen(lambda event: type(event).__name__ == "StrangerTyping" and typed.set_result(None))
    chat.start()
    await stranger.start()
    await drawn.until(lambda: drawn.status.state == "open")
    chat.typing()
    async with asyncio.timeout(LIMIT):
        await typed


async def test_what_cannot_be_said_comes_back_with_the_reason(page: tuple[Presenter, Drawn]) -> None:
    chat, drawn = page
    chat.send("is anybody there?")
    await drawn.until(lambda: drawn.given_back)
    assert drawn.given_back == ["is anybody there?"]
    await drawn.until(lambda: drawn.lines)
    assert "Nobody is there to hear it" in drawn.lines[0][1]


async def test_servers_that_are_down_are_told_of_once(page: tuple[Presenter, Drawn], servers: Servers) -> None:
    chat, drawn = page
    await servers.stop()
    chat.start()
    await drawn.until(lambda: drawn.status.state == "closed")
    assert "cannot be reached" in drawn.status.why
    assert [text for _, text in drawn.lines.values()].count(drawn.status.why) == 1


async def test_it_finds_its_servers_by_itself() -> None:
    chat = await open_chat(Drawn())
    chat.start()
    await chat.peer.wait_for(State.WAITING, LIMIT)
    await chat.peer.leave()
    assert chat.peer.where.startswith("strangers ")
    await (await start_servers()).stop()  # which stops those of before, too


def test_the_lines_are_those_that_run() -> None:
    import p2pchat.peer.chat_peer

    with open(p2pchat.peer.chat_peer.__file__, encoding="utf-8") as file:
        assert lines_of_code() > len(file.readlines()) > 100
