"""The chat widget without a browser: buttons are clicked and texts said as the front end would, on real servers."""

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from p2pchat import ChatError, ChatPeer, ChatWidget, Servers, State, Timeouts
from p2pchat.views import presenter
from p2pchat.views.widgets import chat_widget

IMPATIENT = Timeouts(server=60.0, lonely=0.05, goodbye=0.2)


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    async with Servers(static_port=None) as running:
        yield running


@pytest.fixture
async def make(servers: Servers) -> AsyncIterator[Callable[[str], ChatWidget]]:
    """Makes chat widgets, and closes them after the test."""
    widgets: list[ChatWidget] = []

    def make(name: str = "you") -> ChatWidget:
        peer = ChatPeer(servers.matchmaking_url, servers.signaling_url, name=name, timeouts=IMPATIENT)
        widgets.append(ChatWidget(peer))
        return widgets[-1]

    yield make
    for widget in widgets:
        widget.close()
        await widget.peer.leave()


def button(chat: ChatWidget, word: str) -> chat_widget.Button:
    (found,) = (child for child in chat.children[0].children if getattr(child, "description", "") == word)
    return found


def enabled(chat: ChatWidget) -> set[str]:
    """The words on the buttons that can be pressed."""
    words = {word for word in ("START", "NEXT", "LEAVE") if not button(chat, word).disabled}
    return words | ({"SEND"} if chat.box.can_send else set())


def said(chat: ChatWidget, author: str) -> list[str]:
    return [line.text for line in chat.record.lines if line.author == author]


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that has no event of its own: what a widget shows."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def meet(*chats: ChatWidget) -> None:
    for chat in chats:
        button(chat, "START").click()
    await until(lambda: all(chat.state.state == "open" for chat in chats))


def say(chat: ChatWidget, text: str) -> None:
    chat.box._handle_custom_msg({"send": text}, [])


Make = Callable[..., ChatWidget]


async def test_start_start_hello(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    await meet(ann, ben)
    say(ann, "hello")
    await until(lambda: said(ben, "Stranger") == ["hello"])
    await until(lambda: [line.delivered for line in ann.record.lines if line.author == "You"] == [True])
    say(ben, "hello back")
    await until(lambda: said(ann, "Stranger") == ["hello back"])
    assert said(ann, "You") == ["hello"]


async def test_each_state_is_shown_and_says_what_can_be_pressed(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    seen: list[tuple[str, set[str]]] = []
    ann.peer.listen(lambda _: seen.append((ann.state.state, enabled(ann))))
    assert (ann.state.state, enabled(ann)) == ("idle", {"START"})
    await meet(ann, ben)
    button(ben, "LEAVE").click()
    await until(lambda: ann.state.state == "closed")
    shown = dict(seen)
    assert shown == {
        "waiting": {"LEAVE"},
        "matched": {"NEXT", "LEAVE"},
        "connecting": {"NEXT", "LEAVE"},
        "open": {"NEXT", "LEAVE", "SEND"},
        "closed": {"START"},
    }
    assert said(ann, "Sys")[-1] == ann.peer.why == ann.state.why


async def test_start_pressed_twice_is_start_pressed_once(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    button(ann, "START").click()
    button(ann, "START").click()
    await meet(ben)
    await until(lambda: ann.state.state == "open")
    assert sum("Asking the matchmaking server" in line for line in said(ann, "Sys")) == 1


async def test_texts_are_sent_in_the_order_in_which_they_were_said(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    await meet(ann, ben)
    texts = [f"{number} " + "x" * 60_000 for number in range(30)]  # more than the channel takes at once
    for text in texts:
        say(ann, text)
    await until(lambda: len(said(ben, "Stranger")) == len(texts))
    assert said(ben, "Stranger") == said(ann, "You") == texts


async def test_a_refused_text_is_put_back_and_the_reason_told(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    await meet(ann, ben)
    back: list[object] = []
    ann.box.send = back.append
    novel = "x" * 70_000
    say(ann, novel)
    await until(lambda: back == [{"put_back": novel}])
    await until(lambda: said(ann, "Sys")[-1].startswith("The message is too long"))
    assert said(ann, "You") == []


async def test_typing_is_shown_until_the_message_comes(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    await meet(ann, ben)
    ann.box._handle_custom_msg({"typing": True}, [])
    await until(lambda: ben.record.typing)
    say(ann, "hello")
    await until(lambda: not ben.record.typing)
    assert said(ben, "Stranger") == ["hello"]


async def test_typing_is_forgotten_when_no_message_comes(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presenter, "TYPING_HOLDS", 0.05)
    ann, ben = make("ann"), make("ben")
    await meet(ann, ben)
    shown: list[bool] = []
    ben.record.observe(lambda change: shown.append(change["new"]), "typing")
    ann.box._handle_custom_msg({"typing": True}, [])
    await until(lambda: shown == [True, False])


async def test_a_failure_is_told_once(make: Make, servers: Servers) -> None:
    ann = make()
    await servers.stop()
    button(ann, "START").click()
    await until(lambda: ann.state.state == "closed" and not ann._presenter._tasks)
    assert sum("cannot be reached" in line for line in said(ann, "Sys")) == 1


async def test_a_fault_of_ours_is_told_too(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(ChatPeer, "start", lambda self: broken())
    ann = make()
    button(ann, "START").click()
    await until(lambda: "ZeroDivisionError('oh')" in " ".join(said(ann, "Sys")))


async def test_nobody_there_yet_is_told(make: Make) -> None:
    ann = make()
    button(ann, "START").click()
    await until(lambda: any("Nobody else is there yet" in line for line in said(ann, "Sys")))
    assert ann.state.state == "waiting"


async def test_a_cell_can_do_all_of_it_and_the_widget_shows_it(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    await ann.peer.start()
    await ben.peer.start()
    await ann.peer.wait_for(State.OPEN, 60)
    await ann.peer.send("from a cell")
    await until(lambda: said(ben, "Stranger") == ["from a cell"])
    assert said(ann, "You") == ["from a cell"]


async def test_callbacks_may_come_on_any_thread(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    asyncio.get_running_loop().set_debug(True)  # it then refuses what is not safe on another thread

    async def on_another_thread(call: Callable[..., object], *arguments: object) -> None:
        thread = threading.Thread(target=call, args=arguments)
        thread.start()
        await asyncio.to_thread(thread.join)

    await on_another_thread(button(ann, "START").click)
    await on_another_thread(button(ben, "START").click)
    await until(lambda: ann.state.state == ben.state.state == "open")
    await on_another_thread(ann.box._handle_custom_msg, {"typing": True}, [])
    await on_another_thread(say, ann, "hello")
    await until(lambda: said(ben, "Stranger") == ["hello"])
    await on_another_thread(ann.record._handle_custom_msg, {"ask": "lines"}, [])
    await on_another_thread(ann.close)
    await until(lambda: ben.state.state == "closed")


async def test_closing_the_widget_ends_the_chat_and_takes_all_away(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    await meet(ann, ben)
    ann.close()
    ann.close()
    await until(lambda: said(ben, "Sys")[-1] == "The stranger left.")
    await until(lambda: ann.peer.state is State.CLOSED)
    parts = [ann, *ann.children, *ann.children[0].children]
    assert [part for part in parts if part.comm is not None] == []
    lines = len(ann.record.lines)
    await ann.peer.start()
    assert len(ann.record.lines) == lines, "it listens no more"


async def test_the_name_of_a_peer_labels_its_widget(make: Make) -> None:
    ann, nameless = make("ann"), make()
    assert (ann.state.name, ann.record.label, ann.box.label) == ("ann", "Chat of ann", "Message of ann")
    assert (nameless.state.name, nameless.record.label, nameless.box.label) == ("", "Chat", "Message")


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
async def test_where_the_strangers_are_is_told(make: Make, servers: Servers) -> None:
    assert make().where.value == f"You meet strangers at {servers.matchmaking_url.split('/')[2]}."
    peer = ChatPeer("tabs:matchmaking", "tabs:signaling")
    chat = ChatWidget(peer)
    assert chat.where.value == "You meet strangers in this browser."
    assert chat.where in chat.children
    chat.close()


def test_without_an_event_loop_it_says_what_it_needs() -> None:
    with pytest.raises(ChatError, match="needs a running event loop"):
        ChatWidget(ChatPeer())
    gc.collect()


def test_who_uses_no_widget_imports_no_ipywidgets() -> None:
    check = "import p2pchat, sys; assert 'ipywidgets' not in sys.modules; p2pchat.ChatWidget; p2pchat.nothing"
    ended = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, timeout=60)
    assert "module 'p2pchat' has no attribute 'nothing'" in ended.stderr
