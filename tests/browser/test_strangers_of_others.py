"""Tabs of the site and what others wrote: plain-text clients, and servers that keep to the protocol and no more."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

import pytest
from playwright.async_api import Page, expect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.utils import accept_key

from benchmarks import bare
from p2pchat import Servers
from tests.support.events import until
from tests.support.fake_servers import MATCH, says, websocket_server
from tests.support.jupyterlab import ROOT
from tests.support.notebook import PATIENCE, Chat, meet
from tests.support.static_host import NO_CONNECTION, StaticHost, Tabs, talk
from tests.support.third_party import PlainPartner, enter

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLAIN_CLIENT = ROOT / "benchmarks" / "plain.js"
SAYINGS = ["hello", '{"type":"goodbye"}', "👋🏽 שלום \u202eabc", "x" * 60_000]
PING_EVERY = 0.05  # seconds; Ayame's five are too long for a test

OpenTabs = Callable[[str], Tabs]
Window = tuple[Page, Chat]
OpenWindow = Callable[[Tabs], Awaitable[Window]]


async def a_page(tabs: Tabs) -> Window:
    opened = await tabs.open_chat()
    return opened.page, opened.chat


async def a_notebook(tabs: Tabs) -> Window:
    notebook = await tabs.open_windows()
    return notebook.page, notebook.chat("Ada")


@pytest.fixture(scope="module")
def naming_host(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StaticHost]:
    """A static host whose servers.json each test writes."""
    before = (site / "servers.json").read_bytes()
    with StaticHost(tmp_path_factory.mktemp("naming-host"), site) as host:
        yield host
    assert (site / "servers.json").read_bytes() == before, "a test wrote into the built site"


# --- clients ---------------------------------------------------------------------------------------------------------


class Plain(Protocol):
    """A client that sends each message as one text frame, and knows of nothing else."""

    async def say(self, text: str) -> None: ...
    async def has_heard(self, texts: list[str]) -> None:
        """This came over the channel, and nothing else."""

    async def leave(self) -> None: ...
    async def is_left(self) -> None: ...


class PlainPython:
    """On aiortc."""

    def __init__(self) -> None:
        self.partner = PlainPartner()

    async def say(self, text: str) -> None:
        assert self.partner.channel is not None
        self.partner.channel.send(text)

    async def has_heard(self, texts: list[str]) -> None:
        heard = self.partner.heard
        await until(lambda: len(heard) >= len(texts), "the plain client hears it")
        assert heard == texts

    async def leave(self) -> None:
        await self.partner.close()

    async def is_left(self) -> None:
        channel = self.partner.channel
        assert channel is not None
        await until(lambda: channel.readyState == "closed", "the channel of the plain client is closed")


class PlainJavaScript:
    """`plain.js` in a page without Python."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def start(self, servers: Servers) -> None:
        await self.page.evaluate(
            """async (urls) => {
                await start(...urls);
                window.heard = [];
                channel.onmessage = ({ data }) => heard.push(data);
            }""",
            [servers.matchmaking_url, servers.signaling_url],
        )

    async def say(self, text: str) -> None:
        await self.page.evaluate("(text) => channel.send(text)", text)

    async def has_heard(self, texts: list[str]) -> None:
        await self.page.wait_for_function("(count) => heard.length >= count", arg=len(texts), timeout=PATIENCE)
        assert await self.page.evaluate("() => heard") == texts

    async def leave(self) -> None:
        await self.page.evaluate("() => leave()")

    async def is_left(self) -> None:
        await self.page.wait_for_function("() => channel.readyState === 'closed'", timeout=PATIENCE)


async def talk_plainly(chat: Chat, plain: Plain) -> None:
    """Text both ways, and no frames of ours: the other would take them for messages."""
    for text in SAYINGS:
        await plain.say(text)
        await chat.shows("Stranger", text)
        assert await chat.lines("Stranger").last.text_content() == text
    await chat.box.press_sequentially("abc")  # who types says so to those only who understand it
    for text in SAYINGS:
        await chat.say(text)
    await plain.has_heard(SAYINGS)


async def both_leave(chat: Chat, first: Plain, again: Callable[[], Awaitable[Plain]]) -> None:
    """The plain client leaves, and in the next meeting we do."""
    await talk_plainly(chat, first)
    await first.leave()
    await chat.is_in_state("closed")
    second = await again()
    await talk_plainly(chat, second)
    await chat.leave.click()
    await chat.is_in_state("closed")
    await second.is_left()
    await second.has_heard(SAYINGS)  # and no goodbye
    await second.leave()


@pytest.mark.parametrize("open_window", [a_page, a_notebook])
async def test_a_plain_client_in_javascript(
    open_tabs: OpenTabs, site_servers: Servers, open_window: OpenWindow
) -> None:
    tabs = open_tabs(site_servers.static_url)
    page, chat = await open_window(tabs)
    other = await tabs.blank()
    await other.goto(f"{tabs.url}docs/glossary.html")  # a page of the site, for the servers let in no other
    await other.add_script_tag(path=PLAIN_CLIENT)

    async def meeting() -> Plain:
        plain = PlainJavaScript(other)
        await asyncio.gather(chat.start.click(), plain.start(site_servers))
        await chat.is_in_state("open")
        return plain

    await both_leave(chat, await meeting(), meeting)
    await page.wait_for_function(NO_CONNECTION, timeout=PATIENCE)


@pytest.mark.parametrize("open_window", [a_page, a_notebook])
async def test_a_plain_client_in_python_whoever_offers(
    open_tabs: OpenTabs, naming_host: StaticHost, open_window: OpenWindow
) -> None:
    async with (
        websocket_server(says(MATCH)) as matchmaking,
        websocket_server(bare.signaling) as signaling,
        AsyncExitStack() as meetings,
    ):
        naming_host.name_servers(matchmaking, signaling)
        page, chat = await open_window(open_tabs(naming_host.url))
        room = MATCH["room_id"]

        async def meeting(we_offer: bool) -> Plain:
            plain = PlainPython()
            meetings.push_async_callback(plain.leave)
            await until(lambda: not bare.rooms.get(room), "the room is empty")
            if not we_offer:
                await chat.start.click()
                await until(lambda: bare.rooms.get(room), "our peer is in the room")
            async with enter(signaling, room) as inside:
                if we_offer:
                    await chat.start.click()
                await plain.partner.negotiate(inside)
                await chat.is_in_state("open")
            return plain

        await both_leave(chat, await meeting(we_offer=True), lambda: meeting(we_offer=False))
        await page.wait_for_function(NO_CONNECTION, timeout=PATIENCE)


# --- servers ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def original_matchmaking() -> AsyncIterator[str]:
    """A server that reads one frame of each client and never again: no close is answered, and no socket closed."""
    waiting: list[asyncio.StreamWriter] = []
    writers: list[asyncio.StreamWriter] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        request = await reader.readuntil(b"\r\n\r\n")
        key = re.search(rb"Sec-WebSocket-Key: *(\S+)", request, re.IGNORECASE)
        assert key is not None
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept_key(key[1].decode()).encode() + b"\r\n\r\n"
        )
        try:
            user_id = json.loads(await read_text(reader))["user_id"]
        except (EOFError, ValueError):  # who only looks whether somebody answers
            return
        if not waiting:
            return waiting.append(writer)
        other = waiting.pop()
        for who, name in ((other, "peer"), (writer, user_id)):
            match = MATCH | {"room_id": f"room {len(writers)}", "user_id": name}
            text = json.dumps(match).encode()
            length = bytes([len(text)]) if len(text) < 126 else bytes([126]) + len(text).to_bytes(2)
            who.write(b"\x81" + length + text)

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/matchmaking"
    finally:
        for writer in writers:
            writer.close()
        server.close()
        await server.wait_closed()


async def read_text(reader: asyncio.StreamReader) -> str:
    """One frame of a client (RFC 6455, section 5.2). Raises: ValueError, if it is no text."""
    first, length = await reader.readexactly(2)
    length &= 0x7F
    if length == 126:
        length = int.from_bytes(await reader.readexactly(2))
    mask = await reader.readexactly(4)
    masked = await reader.readexactly(length)
    if first != 0x81:
        raise ValueError(f"not a whole text frame: {first:#x}")
    return bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked)).decode()


class Ayame:
    """A signaling server as Ayame is: it pings, names no ICE servers, says bye, and relays to two in a room.

    Args:
        flag: the only one of ``isExistClient`` and ``isExistUser`` that it sends.
    """

    def __init__(self, flag: str) -> None:
        self._flag = flag
        self._rooms: dict[str, list[ServerConnection]] = {}
        self.entered: list[ServerConnection] = []
        self.answered_pings: set[ServerConnection] = set()

    async def __call__(self, socket: ServerConnection) -> None:
        register = json.loads(await socket.recv())
        assert register["type"] == "register"
        room = self._rooms.setdefault(register["roomId"], [])
        if len(room) == 2:
            return await socket.send('{"type": "reject", "reason": "full"}')
        accept = {"type": "accept", "connectionId": str(len(self.entered)), self._flag: bool(room), "iceServers": []}
        await socket.send(json.dumps(accept))
        room.append(socket)
        self.entered.append(socket)
        pinging = asyncio.create_task(self._ping(socket))
        try:
            async for text in socket:
                kind = json.loads(text)["type"]
                if kind == "pong":
                    self.answered_pings.add(socket)
                elif kind in ("offer", "answer", "candidate"):
                    await self._tell(room, socket, str(text))
        finally:
            pinging.cancel()
            room.remove(socket)
            await self._tell(room, socket, '{"type": "bye"}')
            for other in room:
                await other.close()

    async def _tell(self, room: list[ServerConnection], speaker: ServerConnection, text: str) -> None:
        for other in room:
            if other is not speaker:
                with suppress(ConnectionClosed):
                    await other.send(text)

    async def _ping(self, socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                await socket.send('{"type": "ping"}')
                await asyncio.sleep(PING_EVERY)


async def meet_and_meet_again(one: Chat, other: Chat) -> None:
    """Two of ours: all that they can do does not depend on whose servers they met at."""
    await meet(one, other)
    await talk(one, other, *SAYINGS)
    await one.next.click()
    await other.is_in_state("closed")
    await other.start.click()
    for chat in (one, other):
        await chat.is_in_state("open")
    await talk(one, other, "again")
    await other.leave.click()
    await one.shows("Sys", "The stranger left.")


async def test_bare_servers(open_tabs: OpenTabs, naming_host: StaticHost) -> None:
    async with (
        websocket_server(bare.matchmaking) as matchmaking,
        websocket_server(bare.signaling) as signaling,
    ):
        naming_host.name_servers(matchmaking, signaling)
        tabs = open_tabs(naming_host.url)
        (page, one), (_, other) = await a_page(tabs), await a_notebook(tabs)
        where = matchmaking.removeprefix("ws://").removesuffix("/")
        await expect(page.locator("#where")).to_have_text(f"You meet strangers at {where}.")
        await meet_and_meet_again(one, other)


@pytest.mark.parametrize("flag", ["isExistClient", "isExistUser"])
async def test_a_matchmaking_server_that_never_closes_and_a_signaling_server_that_pings(
    open_tabs: OpenTabs, naming_host: StaticHost, flag: str
) -> None:
    ayame = Ayame(flag)
    async with original_matchmaking() as matchmaking, websocket_server(ayame) as signaling:
        naming_host.name_servers(matchmaking, signaling)
        tabs = open_tabs(naming_host.url)
        (_, one), (_, other) = await a_page(tabs), await a_page(tabs)
        await meet_and_meet_again(one, other)
    assert len(ayame.entered) == 4
    assert ayame.answered_pings == set(ayame.entered)
