"""Firefox: what it can do, Pyodide in it, and chats with it at one end or at both."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright

from p2pchat import ChatPeer, MessageReceived, Servers, State
from p2pchat.webrtc import RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from tests.support import case_runner, in_a_browser
from tests.support.chromium import launch
from tests.support.firefox import ENTER, PATIENCE, Firefox, FirefoxFailed, PageError, Tab
from tests.support.pyodide_page import PyodideSite
from tests.webrtc import in_browsers_only, test_conformance

OpenTab = Callable[..., Awaitable[Tab]]
OpenPython = Callable[..., Awaitable["PeerInTab"]]
OpenChat = Callable[[Tab, str], Awaitable["ChatInTab"]]
Urls = tuple[str, str] | tuple[()]  # of the matchmaking and the signaling server; none: the tabs serve each other

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORM = """<!doctype html><meta charset="utf-8"><title>Form</title><input><button disabled>Say</button><ol></ol><script>
const button = document.querySelector("button");
const note = ({ type, key, isTrusted }) => document.querySelector("ol").append(`${type} ${key ?? ""} ${isTrusted};`);
document.querySelector("input").addEventListener("keydown", note);
button.addEventListener("click", note);
</script>"""

# A Worker that tells what it has and takes a lock when it is asked to, over a BroadcastChannel.
WORKER = """
const channel = new BroadcastChannel("workers");
channel.onmessage = ({ data: { to, call } }) => {
  if (to !== self.name) return;
  if (call === "have") channel.postMessage(`${self.name} has ${typeof RTCPeerConnection} ${typeof WebSocket}`);
  if (call === "host") navigator.locks.request("host", () => {
    channel.postMessage(`${self.name} hosts`);
    return new Promise(() => {});
  });
};
postMessage("ready");
"""
START_WORKER = """(name) => new Promise((resolve, reject) => {
  window.worker = new Worker("plain_worker.js", { name });
  worker.onmessage = resolve;
  worker.onerror = reject;
}).then(({ data }) => data)"""
LISTEN = """(name) => {
  window.heard = [];
  window.channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }) => heard.push(data);
}"""
TELL = "(data) => channel.postMessage(data)"
HEARD = "(data) => heard.includes(data)"
HOST = """(name) => new Promise((resolve) => navigator.locks.request(name, (lock) => {
  resolve(lock.name);
  return new Promise(() => {});
}))"""
HOST_IF_FREE = "(name) => navigator.locks.request(name, { ifAvailable: true }, (lock) => lock !== null)"

# The two ends of a DataChannel; descriptions and candidates go over a BroadcastChannel.
PEER = """async (offers) => {
  window.heard = [];
  window.candidates = [];
  const signaling = new BroadcastChannel("signaling");
  const peer = window.peer = new RTCPeerConnection();
  const use = (channel) => {
    window.data = channel;
    channel.onmessage = ({ data }) => heard.push(data);
  };
  peer.onicecandidate = ({ candidate }) => {
    if (candidate?.candidate) candidates.push(candidate.candidate);
    signaling.postMessage({ candidate: candidate?.toJSON() });
  };
  peer.ondatachannel = ({ channel }) => use(channel);
  signaling.onmessage = async ({ data: { description, candidate } }) => {
    if (candidate) await peer.addIceCandidate(candidate);
    if (!description) return;
    await peer.setRemoteDescription(description);
    if (description.type === "offer") {
      await peer.setLocalDescription();
      signaling.postMessage({ description: peer.localDescription.toJSON() });
    }
  };
  if (!offers) return;
  use(peer.createDataChannel("chat"));
  await peer.setLocalDescription();
  signaling.postMessage({ description: peer.localDescription.toJSON() });
}"""

# An end whose descriptions the test carries to and fro, complete with their candidates.
END = """() => {
  const peer = window.peer = new RTCPeerConnection();
  window.heard = [];
  const use = (channel) => {
    window.data = channel;
    channel.onmessage = ({ data }) => heard.push(data);
  };
  peer.ondatachannel = ({ channel }) => use(channel);
  const described = () => new Promise((resolve) => {
    const look = () => peer.iceGatheringState === "complete" && resolve(peer.localDescription.toJSON());
    peer.onicegatheringstatechange = look;
    look();
  });
  window.offer = async () => {
    use(peer.createDataChannel("chat"));
    await peer.setLocalDescription();
    return described();
  };
  window.answer = async (offer) => {
    await peer.setRemoteDescription(offer);
    await peer.setLocalDescription();
    return described();
  };
}"""
OFFER, ANSWER = "() => offer()", "(theirs) => answer(theirs)"
ACCEPT = "(theirs) => peer.setRemoteDescription(theirs)"
IS_OPEN = "() => window.data?.readyState === 'open'"
SAY = "(text) => data.send(text)"

RUN = "async (source) => (await window.python)(source)"
PYTHON = 60.0  # seconds for Pyodide to start on a busy machine

# A Firefox tells the other side that it takes messages of up to 1 GiB, so to Firefox this one is not too large.
TOO_LARGE_ELSEWHERE = "TestAChannel.test_refuses_a_message_larger_than_the_other_side_takes_and_stays_open"
ONE_MEBIBYTE = """
from tests.support.rtc_ends import opened, two_ends
async with two_ends(engine) as ends:
    ours, _ = await opened(*ends)
    ours.send(bytes(1024 * 1024))
    await ends[1].until(lambda: ends[1].messages)
    arrived = len(ends[1].messages[0])
arrived
"""

# A notebook of the site, and the chat in it or on the page /chat/.
NOTEBOOK_IS_READY = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
RUN_CELL = """async (source) => {
  const { sharedModel } = jupyterapp.shell.currentWidget.content.model;
  sharedModel.fromJSON({ ...sharedModel.toJSON(), cells: [{ cell_type: "code", source, metadata: {}, outputs: [] }] });
  return jupyterapp.commands.execute("notebook:run-all-cells");
}"""
OUTPUTS = "() => jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells[0].outputs"
CHAT_CELL = """from p2pchat import ChatPeer, ChatWidget, start_servers
servers = await start_servers()
ChatWidget(ChatPeer(servers.matchmaking_url, servers.signaling_url))"""
STATE_IS = "(state) => document.querySelector('.p2pchat-state')?.textContent === state"
SHOWS = """(who, text) => [...document.querySelectorAll(`.p2pchat-line[data-author="${who}"] .p2pchat-text`)].some(
  (line) => line.textContent === text)"""

# A peer of Python in a page; what it says and hears is asked for by `ask`, its chat by `meet`.
START_PEER = """
import asyncio
from p2pchat import ChatPeer, MessageReceived, State, start_servers
if not urls:
    servers = await start_servers()
    urls = (servers.matchmaking_url, servers.signaling_url)
peer = ChatPeer(*urls, name=name)
await peer.start()
"""
UNTIL_OPEN = "await peer.wait_for(State.OPEN, 60)"
LISTEN_TO_PEER = """
async with asyncio.timeout(60):
    async for event in peer:
        if isinstance(event, MessageReceived):
            break
event.text
"""


@pytest.fixture(scope="module")
def site(pyodide: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PyodideSite]:
    with PyodideSite(tmp_path_factory.mktemp("site"), in_a_browser.MODULES) as site:
        for name, text in {"form.html": FORM, "plain_worker.js": WORKER}.items():
            (site.folder / name).write_text(text)
        yield site


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def firefox(firefox_program: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Firefox]:
    async with await Firefox.launch(tmp_path_factory.mktemp("firefox")) as firefox:
        yield firefox


@pytest_asyncio.fixture(loop_scope="session")
async def open_tab(firefox: Firefox, site: PyodideSite) -> AsyncIterator[OpenTab]:
    """Opens a page of the site in a tab of its own, where nothing may fail or want to leave the machine."""

    async def open_tab(page: str = "blank.html", *, worker: bool = False, apart: bool = False) -> Tab:
        tab = await firefox.new_tab(apart=apart)
        await tab.goto(site.url(page, worker=worker))
        return tab

    yield open_tab

    for tab in firefox.tabs:
        await tab.close()
    seen = [*firefox.errors], firefox.strange_requests
    for news in (firefox.errors, firefox.requests, firefox.refused):
        news.clear()
    assert seen == ([], [])


@pytest.fixture
def open_python(open_tab: OpenTab) -> OpenPython:
    """Opens a tab with Python in it."""

    async def open_python(*, worker: bool = False) -> PeerInTab:
        tab = await open_tab("main.html", worker=worker)
        return PeerInTab(partial(tab.evaluate, timeout=PYTHON))

    return open_python


@pytest_asyncio.fixture(loop_scope="session")
async def chromium_page(chromium_program: str) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        chromium = await launch(playwright)
        yield await chromium.new_page()
        await chromium.close()


class PeerInTab:
    """A `ChatPeer` in the Python of a page."""

    def __init__(self, evaluate: Callable[[str, str], Awaitable[str]]) -> None:
        self._evaluate = evaluate

    async def run(self, source: str) -> Any:
        return json.loads(await self._evaluate(RUN, source))

    async def start(self, name: str, urls: Urls) -> None:
        await self.run(f"name, urls = {name!r}, {urls!r}\n{START_PEER}")

    async def is_open(self) -> None:
        await self.run(UNTIL_OPEN)

    async def say(self, text: str) -> None:
        await self.run(f"peer.send_nowait({text!r})")

    async def hear(self) -> str:
        return str(await self.run(LISTEN_TO_PEER))

    async def closed(self) -> str:
        return str(await self.run("await peer.wait_for(State.CLOSED, 60)\npeer.why"))

    async def leave(self) -> None:
        await self.run("await peer.leave()")


class PeerHere:
    """A `ChatPeer` in CPython."""

    async def start(self, name: str, urls: Urls) -> None:
        self.peer = ChatPeer(*urls, name=name)
        await self.peer.start()

    async def is_open(self) -> None:
        await self.peer.wait_for(State.OPEN, 60)

    async def say(self, text: str) -> None:
        self.peer.send_nowait(text)

    async def hear(self) -> str:
        async with asyncio.timeout(PATIENCE):
            async for event in self.peer:
                if isinstance(event, MessageReceived):
                    return event.text
        raise AssertionError(f"It heard nothing: {self.peer.why}")

    async def closed(self) -> str:
        await self.peer.wait_for(State.CLOSED, PATIENCE)
        return self.peer.why

    async def leave(self) -> None:
        await self.peer.leave()


async def talk(ann: PeerInTab | PeerHere, ben: PeerInTab | PeerHere) -> None:
    """They wait for each other, talk, and part."""
    await asyncio.gather(ann.is_open(), ben.is_open())
    for one, other in ((ann, ben), (ben, ann)):
        await one.say("hello, stranger ✓")
        assert await other.hear() == "hello, stranger ✓"
    await ann.leave()
    assert await ben.closed() == "The stranger left."


# --- the driver itself ---------------------------------------------------------------------------------------------


async def test_clicks_and_keys_are_those_of_a_user(open_tab: OpenTab, tmp_path: Path) -> None:
    tab = await open_tab("form.html")
    clicking = asyncio.create_task(tab.click("button"))
    await tab.type("input", "né")
    assert not clicking.done()  # the button is not enabled yet
    await tab.press(ENTER)
    await tab.evaluate("() => { button.disabled = false; }")
    await clicking
    assert await tab.evaluate("() => document.querySelector('input').value") == "né"
    seen = await tab.evaluate("() => document.querySelector('ol').textContent")
    assert seen == "keydown n true;keydown é true;keydown Enter true;click  true;"
    await tab.screenshot(tmp_path / "page.png")
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")


async def test_values_come_and_go_as_json(open_tab: OpenTab) -> None:
    tab = await open_tab()
    assert await tab.evaluate("async (a, b) => ({ sum: a + b, list: [a, null] })", 1, 2) == {
        "sum": 3,
        "list": [1, None],
    }
    assert await tab.evaluate("() => undefined") is None
    with pytest.raises(PageError, match=r"Error: first line\nsecond line"):
        await tab.evaluate("() => { throw new Error('first line\\nsecond line'); }")
    with pytest.raises(FirefoxFailed, match=r"document\.title = '' gave '' for 0.2 s"):
        await tab.wait_for("() => document.title = ''", timeout=0.2)
    with pytest.raises(FirefoxFailed, match=r"callFunction was not done within 0.2 s"):
        await tab.evaluate("() => new Promise(() => {})", timeout=0.2)


async def test_errors_of_a_page_and_of_its_worker_are_noticed(open_tab: OpenTab, firefox: Firefox) -> None:
    tab, other = await open_tab(), await open_tab()
    await tab.evaluate(
        """() => {
            setTimeout(() => { throw new Error("thrown in the page"); });
            Promise.reject(new Error("rejected in the page"));
            const throwing = "setTimeout(() => { throw new Error('thrown in the Worker'); })";
            new Worker(URL.createObjectURL(new Blob([throwing])));
            return new Promise((resolve) => addEventListener("error", ({ message }) =>
                message.includes("Worker") && resolve()));
        }"""
    )
    told = [f"Error: {what}" for what in ("rejected in the page", "thrown in the Worker", "thrown in the page")]
    assert sorted(tab.errors) == sorted(firefox.errors) == told
    assert other.errors == []
    firefox.errors.clear()


async def test_what_would_leave_the_machine_is_refused_and_noticed(open_tab: OpenTab, firefox: Firefox) -> None:
    tab = await open_tab()
    await tab.evaluate(
        """async () => {
            await fetch("http://page.test/").catch(() => {});
            await new Promise((resolve) => { new WebSocket("ws://socket.test/").onerror = resolve; });
            const asking = "fetch('https://worker.test/').catch(() => postMessage('done'))";
            const worker = new Worker(URL.createObjectURL(new Blob([asking])));
            await new Promise((resolve) => { worker.onmessage = resolve; });
        }"""
    )
    hosts = ("page.test", "socket.test", "worker.test")
    for host in hosts:
        assert [url for url in tab.requests if host in url]
        assert [line for line in firefox.refused if host in line]
        assert len([request for request in firefox.strange_requests if host in request]) >= 2
    assert [line for line in firefox.refused if not any(host in line for host in hosts)] == []
    for news in (firefox.errors, firefox.requests, firefox.refused):
        news.clear()


async def test_a_firefox_that_dies_says_so_and_leaves_nothing_behind(firefox_program: str, tmp_path: Path) -> None:
    async with await Firefox.launch(tmp_path) as firefox:
        tab = await firefox.new_tab()
        waiting = asyncio.create_task(tab.evaluate("() => new Promise(() => {})"))
        assert await tab.evaluate("() => 1") == 1  # so the one before has been sent
        os.kill(firefox.process_id, signal.SIGKILL)
        with pytest.raises(FirefoxFailed, match=r"It closed the connection\. Its last words:\n.*headless mode"):
            await waiting
        with pytest.raises(FirefoxFailed, match=r"could not be sent"):
            await firefox.new_tab()
    assert [*tmp_path.iterdir()] == []


async def test_a_firefox_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "firefox"
    program.write_text("#!/bin/sh\necho libgtk is missing >&2\n")
    program.chmod(0o700)
    monkeypatch.setenv("P2PCHAT_FIREFOX", str(program))
    with pytest.raises(FirefoxFailed, match=r"ended as soon as it was started\. Its last words:\n +libgtk is missing"):
        await Firefox.launch(tmp_path)
    assert [*tmp_path.iterdir()] == [program]


# --- what Firefox can do, by JavaScript alone ------------------------------------------------------------------------


async def test_two_tabs_open_a_data_channel(open_tab: OpenTab) -> None:
    ben, ann = await open_tab(), await open_tab()
    await ben.evaluate(PEER, False)
    await ann.evaluate(PEER, True)
    for tab in (ann, ben):
        await tab.wait_for(IS_OPEN)
    await ann.evaluate("() => { for (let n = 0; n < 1000; n++) data.send(`number ${n}`); }")
    await ben.evaluate("() => data.send('back')")
    await ben.wait_for("() => heard.length === 1000")
    assert await ben.evaluate("() => heard") == [f"number {number}" for number in range(1000)]
    await ann.wait_for(HEARD, "back")
    await ben.close()
    await ann.wait_for("() => data.readyState === 'closed'")


@pytest.mark.parametrize("how", ["closed", "reloaded", "gone elsewhere"])
async def test_a_lock_goes_to_the_next_tab_when_one_is(open_tab: OpenTab, site: PyodideSite, how: str) -> None:
    first, second, stranger = await open_tab(), await open_tab(), await open_tab(apart=True)
    assert await first.evaluate(HOST, "host") == "host"
    assert await second.evaluate(HOST_IF_FREE, "host") is False
    assert await stranger.evaluate(HOST_IF_FREE, "host") is True
    waiting = asyncio.create_task(second.evaluate(HOST, "host"))
    await second.wait_for("async () => (await navigator.locks.query()).pending.length === 1")
    if how == "closed":
        await first.close()
    else:
        await first.goto(site.url("blank.html" if how == "reloaded" else "form.html"))
    assert await waiting == "host"


async def test_a_broadcast_reaches_all_other_tabs_of_the_browser(open_tab: OpenTab) -> None:
    ann, ben, stranger = await open_tab(), await open_tab(), await open_tab(apart=True)
    for tab in (ann, ben, stranger):
        await tab.evaluate(LISTEN, "room")
    await ann.evaluate("() => channel.postMessage(new Uint8Array([1, 2, 3]).buffer)")
    await ann.evaluate(TELL, "hello")
    await ben.wait_for(HEARD, "hello")
    assert await ben.evaluate("() => [...new Uint8Array(heard[0])]") == [1, 2, 3]
    assert await ann.evaluate("() => heard") == []
    assert await stranger.evaluate("() => heard") == []


async def test_workers_share_locks_and_broadcasts_and_have_no_webrtc(open_tab: OpenTab) -> None:
    looker = await open_tab()
    await looker.evaluate(LISTEN, "workers")
    tabs = {name: await open_tab() for name in ("ann", "ben")}
    for name, tab in tabs.items():
        assert await tab.evaluate(START_WORKER, name) == "ready"
        await looker.evaluate(TELL, {"to": name, "call": "have"})
        await looker.wait_for(HEARD, f"{name} has undefined function")
        await looker.evaluate(TELL, {"to": name, "call": "host"})
        if name == "ann":
            await looker.wait_for(HEARD, "ann hosts")
    await looker.wait_for("async () => (await navigator.locks.query()).pending.length === 1")
    assert await looker.evaluate(HEARD, "ben hosts") is False
    await tabs["ann"].close()
    await looker.wait_for(HEARD, "ben hosts")


# --- Firefox and others ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("firefox_offers", [True, False], ids=["firefox-offers", "cpython-offers"])
async def test_firefox_and_cpython_open_a_data_channel(open_tab: OpenTab, firefox_offers: bool) -> None:
    tab = await open_tab()
    await tab.evaluate(END)
    peer = RTCPeerConnection()
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def described() -> dict[str, str]:
        await peer.setLocalDescription(await (peer.createAnswer if firefox_offers else peer.createOffer)())
        return {"type": peer.localDescription.type, "sdp": peer.localDescription.sdp}

    try:
        if firefox_offers:
            channels: asyncio.Queue[RTCDataChannel] = asyncio.Queue()
            peer.on("datachannel", channels.put_nowait)
            await peer.setRemoteDescription(RTCSessionDescription(**await tab.evaluate(OFFER)))
            await tab.evaluate(ACCEPT, await described())
            async with asyncio.timeout(PATIENCE):
                channel = await channels.get()
        else:
            channel = peer.createDataChannel("chat")
            answer = await tab.evaluate(ANSWER, await described())
            await peer.setRemoteDescription(RTCSessionDescription(**answer))
        await tab.wait_for(IS_OPEN)
        channel.on("message", heard.put_nowait)
        await tab.evaluate(SAY, "from Firefox")
        async with asyncio.timeout(PATIENCE):
            assert await heard.get() == "from Firefox"
        channel.send("from CPython")
        await tab.wait_for(HEARD, "from CPython")
    finally:
        await peer.close()


@pytest.mark.parametrize("firefox_offers", [True, False], ids=["firefox-offers", "chromium-offers"])
async def test_firefox_and_chromium_open_a_data_channel(
    open_tab: OpenTab, chromium_page: Page, firefox_offers: bool
) -> None:
    tab = await open_tab()
    await chromium_page.goto(await tab.evaluate("() => location.href"))
    for end in (tab, chromium_page):
        await end.evaluate(END)
    offerer, answerer = (tab, chromium_page) if firefox_offers else (chromium_page, tab)
    await offerer.evaluate(ACCEPT, await answerer.evaluate(ANSWER, await offerer.evaluate(OFFER)))
    await tab.wait_for(IS_OPEN)
    await chromium_page.wait_for_function(IS_OPEN)
    await tab.evaluate(SAY, "from Firefox")
    await chromium_page.wait_for_function(HEARD, arg="from Firefox")
    await chromium_page.evaluate(SAY, "from Chromium")
    await tab.wait_for(HEARD, "from Chromium")


# --- Pyodide in Firefox ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("worker", [False, True], ids=["main-thread", "worker"])
async def test_pyodide_starts(open_python: OpenPython, worker: bool) -> None:
    python = await open_python(worker=worker)
    assert await python.run("import sys; sys.platform, sys.version_info[:2]") == ["emscripten", [3, 14]]
    assert await python.run("import asyncio; await asyncio.sleep(0, 'awaited')") == "awaited"
    assert await python.run("from pyodide.ffi import run_sync; run_sync(asyncio.sleep(0, 'by JSPI'))") == "by JSPI"
    assert await python.run("import js; hasattr(js, 'RTCPeerConnection')") is not worker
    with pytest.raises(PageError, match="ZeroDivisionError: division by zero"):
        await python.run("1 / 0")


@pytest.mark.parametrize("worker", [False, True], ids=["main-thread", "worker"])
async def test_the_engine_is_what_all_engines_are(open_tab: OpenTab, worker: bool) -> None:
    tab = await open_tab("main.html", worker=worker)
    python = PeerInTab(partial(tab.evaluate, timeout=PYTHON))
    if worker:
        await tab.evaluate(in_a_browser.FRONT_END)
        await python.run(f"{in_a_browser.BACK_END}\nNone")
    await python.run(in_a_browser.SHIP)
    await python.run("from tests.webrtc import in_browsers_only, test_conformance\nNone")
    cases = [("test_conformance", case) for case in case_runner.cases(test_conformance) if case != TOO_LARGE_ELSEWHERE]
    refused = in_browsers_only.TestWhatTheBrowserRefuses.__name__
    cases += [("in_browsers_only", case) for case in case_runner.cases(in_browsers_only) if case.startswith(refused)]
    failed = {}
    for module, name in cases:
        try:
            await python.run(f"await case_runner.run({module}, engine, {name!r})")
        except PageError as error:
            failed[name] = str(error)
    assert failed == {}
    assert await python.run(ONE_MEBIBYTE) == 1024 * 1024


async def test_two_tabs_chat_over_real_servers(open_python: OpenPython, servers: Servers) -> None:
    ann, ben = await open_python(), await open_python()
    for name, peer in (("ann", ann), ("ben", ben)):
        await peer.start(name, (servers.matchmaking_url, servers.signaling_url))
    await talk(ann, ben)


async def test_two_tabs_chat_without_any_server(open_python: OpenPython, firefox: Firefox) -> None:
    ann, ben = await open_python(), await open_python()
    await ann.start("ann", ())
    await ben.start("ben", ())
    await talk(ann, ben)
    assert [url for url in firefox.requests if url.startswith("ws:")] == []


async def test_another_tab_takes_over_when_the_one_that_serves_closes(
    open_python: OpenPython, firefox: Firefox
) -> None:
    host = await open_python()
    await host.run("from p2pchat import start_servers\nservers = await start_servers()")
    ann, ben = await open_python(), await open_python()
    await ann.start("ann", ())
    await firefox.tabs[0].close()
    await ben.start("ben", ())
    await talk(ann, ben)


async def test_firefox_and_cpython_chat(open_python: OpenPython, servers: Servers) -> None:
    ann, ben = await open_python(), PeerHere()
    try:
        for name, peer in (("ann", ann), ("ben", ben)):
            await peer.start(name, (servers.matchmaking_url, servers.signaling_url))
        await talk(ann, ben)
    finally:
        await ben.leave()


async def test_firefox_and_chromium_chat(
    open_python: OpenPython, chromium_page: Page, site: PyodideSite, servers: Servers
) -> None:
    await chromium_page.goto(site.url())
    ann, ben = await open_python(), PeerInTab(chromium_page.evaluate)
    for name, peer in (("ann", ann), ("ben", ben)):
        await peer.start(name, (servers.matchmaking_url, servers.signaling_url))
    await talk(ann, ben)


# --- the site in Firefox ---------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="session")
async def static_host(built_site: Path) -> AsyncIterator[str]:
    """The address of the built site where nobody serves but for files."""
    async with Servers(site=built_site, matchmaking_port=None, signaling_port=None) as servers:
        yield servers.static_url


class ChatInTab:
    """The chat of a tab, as somebody sees it who clicks and types: on the page /chat/, or in a notebook."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab

    @classmethod
    async def on_page(cls, tab: Tab, site: str) -> "ChatInTab":
        await tab.goto(f"{site}chat/")
        return cls(tab)

    @classmethod
    async def in_notebook(cls, tab: Tab, site: str) -> "ChatInTab":
        await tab.goto(f"{site}notebooks/index.html?path=00_start_here.ipynb")
        await tab.wait_for(NOTEBOOK_IS_READY, timeout=PYTHON)
        assert await tab.evaluate(RUN_CELL, CHAT_CELL, timeout=PYTHON), await tab.evaluate(OUTPUTS)
        return cls(tab)

    async def start(self) -> None:
        await self.tab.click(".p2pchat-toolbar button:nth-of-type(1)", timeout=PYTHON)

    async def is_in_state(self, state: str) -> None:
        await self.tab.wait_for(STATE_IS, state)

    async def say(self, text: str) -> None:
        await self.tab.type(".p2pchat-box", text + ENTER)

    async def hears(self, text: str) -> None:
        await self.tab.wait_for(SHOWS, "Stranger", text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ChatInTab.on_page, ChatInTab.on_page),
        (ChatInTab.on_page, ChatInTab.in_notebook),
        (ChatInTab.in_notebook, ChatInTab.in_notebook),
    ],
    ids=["page-page", "page-notebook", "notebook-notebook"],
)
async def test_start_start_hello_on_a_static_host(
    open_tab: OpenTab, firefox: Firefox, static_host: str, one: OpenChat, other: OpenChat
) -> None:
    ann, ben = await one(await open_tab(), static_host), await other(await open_tab(), static_host)
    await ann.start()
    await ben.start()
    for chat in (ann, ben):
        await chat.is_in_state("open")
    await ann.say("hello, stranger")
    await ben.hears("hello, stranger")
    await ben.say("hello back")
    await ann.hears("hello back")
    await ann.tab.close()
    await ben.is_in_state("closed")
    assert [url for url in firefox.requests if url.startswith("ws:")] == []
