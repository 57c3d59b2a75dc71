"""Chats between tabs that serve each other: nobody is lost, whenever the tab that serves is closed."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext

from tests.support.python_tabs import BEGIN, OpenTab, Tab

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIMIT = 60.0  # seconds until two are open, on a busy machine

# A tab that serves, and dies at the moment that a test names: in the Worker, `close` ends everything at once.
DIES = """
import js
from p2pchat.servers import on_tabs
from p2pchat.matchmaking import Matchmaking
from p2pchat.signaling import Signaling

class Dead(BaseException):
    pass

def mortal(core, when, kind, number):
    "The core, which ends this Worker before or after it handles so many frames of a kind."
    receive, seen = core.receive, []

    def die():
        js.close()
        raise Dead

    def received(who, text, now):
        seen.append(json.loads(text).get("type", "join"))
        last = seen[-1] == kind and seen.count(kind) == number
        if last and when == "before":
            die()
        actions = receive(who, text, now)
        if last:
            asyncio.get_running_loop().call_soon(die)  # when it has said what it has to say
        return actions

    core.receive = received
    return core
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ada_and_bob(context: BrowserContext, sites: dict[str, Any]) -> Any:
    """Two tabs whose Python is on the main thread, for all tests of this module."""
    tabs = []
    for _ in range(2):
        tab = await Tab.open(await context.new_page(), sites["/one/"])
        await tab.run(f"{BEGIN}\nNone")
        tabs.append(tab)
    yield tabs
    assert [error for tab in tabs for error in tab.errors] == []


@pytest_asyncio.fixture(loop_scope="session")
async def both(ada_and_bob: Any) -> Any:
    yield ada_and_bob
    for tab in ada_and_bob:
        await tab.run("await peer.leave(); await servers.stop()")
    await ada_and_bob[0].until_no_locks()


async def begin(*tabs: Tab, options: str = "") -> None:
    """Stand for election, and make a peer."""
    for tab in tabs:
        await tab.run(f"""
            servers = await start_servers()
            peer = ChatPeer(servers.matchmaking_url, servers.signaling_url{options})
            states = []
            peer.listen(lambda event: states.append(event.state.value) if hasattr(event, "state") else None)
            None""")


async def talk(*tabs: Tab) -> None:
    """All are open, and each hears what the other says."""
    await asyncio.gather(*(tab.run(f"await peer.wait_for(State.OPEN, {LIMIT})") for tab in tabs))
    for one, other in (tabs, tabs[::-1]):
        await other.run("""
            heard = asyncio.get_running_loop().create_future()
            stop = peer.listen(lambda e: heard.set_result(e.text) if isinstance(e, MessageReceived) else None)
            None""")
        await one.run("await peer.send('hello é👋')")
        assert await other.run("text = await asyncio.wait_for(heard, 60); stop(); text") == "hello é👋"


async def test_start_start_hello(both: list[Tab]) -> None:
    await begin(*both)
    assert await both[0].run("peer.where") == "strangers in this browser"
    await asyncio.gather(*(tab.run("await peer.start()") for tab in both))
    await talk(*both)
    await both[0].run("await peer.next()")
    await both[1].run("await peer.wait_for(State.CLOSED, 60); await peer.start()")
    await talk(*both)


async def test_one_tab_may_serve_and_talk_to_itself(both: list[Tab]) -> None:
    """As the lessons do; and when the servers are stopped, the two talk on."""
    ada, _ = both
    await begin(*both)
    told = await ada.run(f"""
        other = ChatPeer(servers.matchmaking_url, servers.signaling_url)
        heard = []
        other.listen(lambda event: heard.append(event.text) if isinstance(event, MessageReceived) else None)
        await peer.start()
        await other.start()
        for one in (peer, other):
            await one.wait_for(State.OPEN, {LIMIT})
        None""")
    await both[1].run("await servers.stop()")
    told = await ada.run("""
        await servers.stop()
        await peer.send("still there?")
        async def came(): return heard
        await until(came)
        try: await peer.next()
        except ChatError as error: said = [type(error).__name__, str(error)]
        await other.leave()
        [heard, said]""")
    assert told == [
        ["still there?"],
        [
            "MatchmakingFailed",
            "Matchmaking failed (tabs:matchmaking): the server cannot be reached: no tab of this browser serves it. "
            "Is it running? `await start_servers()` starts one.",
        ],
    ]


class TestTheTabThatServes:
    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize(
        ("kind", "number"), [("join", 1), ("join", 2), ("register", 1), ("register", 2), ("offer", 1), ("answer", 1)]
    )
    async def test_may_die_at_this_moment(
        self, open_tab: OpenTab, both: list[Tab], kind: str, number: int, when: str
    ) -> None:
        host = await open_tab(worker=True, begin=DIES)
        await host.run(f"""
            on_tabs.Matchmaking = lambda: mortal(Matchmaking(), {when!r}, {kind!r}, {number})
            on_tabs.Signaling = lambda **options: mortal(Signaling(**options), {when!r}, {kind!r}, {number})
            servers = await start_servers()
            async def serves(): return all(server._listener.serves for server in servers._servers.values())
            await until(serves)""")
        await begin(*both)
        await asyncio.gather(*(tab.run("await peer.start()") for tab in both))
        await talk(*both)
        served = [await tab.run("any(s._listener.serves for s in servers._servers.values())") for tab in both]
        assert True in served  # the host is dead

    async def test_may_be_closed_while_two_wait(self, open_tab: OpenTab, both: list[Tab]) -> None:
        """They have no interest in common: they are paired when their patience ends, by the next that serves."""
        host = await open_tab()
        await host.run("servers = await start_servers(); None")
        for tab, interest in zip(both, ("chess", "go"), strict=True):
            await begin(tab, options=f", interests=[{interest!r}]")
            await tab.run("await peer.start()")
        assert await host.run("len(servers._servers['matchmaking']._listener._sockets)") == 2
        await host.close()
        await talk(*both)
        for tab in both:
            assert await tab.run("states") == ["waiting", "matched", "connecting", "open"]

    async def test_may_be_the_one_who_waits(self, open_tab: OpenTab, both: list[Tab]) -> None:
        """Its own waiting ends with it: nobody is matched with a ghost."""
        host = await open_tab()
        await begin(host, *both)
        await host.run("await peer.start()")
        await host.close()
        await asyncio.gather(*(tab.run("await peer.start()") for tab in both))
        await talk(*both)

    async def test_may_be_closed_one_after_the_other(self, open_tab: OpenTab, both: list[Tab]) -> None:
        hosts = [await open_tab(worker=True) for _ in range(3)]
        for host in hosts:
            await host.run("servers = await start_servers(); None")
        await begin(*both)
        await both[0].run("await peer.start()")
        for host in hosts:
            await host.close()
        await both[1].run("await peer.start()")
        await talk(*both)

    async def test_may_stop_while_others_stand_ready(self, open_tab: OpenTab, both: list[Tab]) -> None:
        host = await open_tab()
        await host.run("servers = await start_servers(); None")
        await begin(*both)
        await both[0].run("await peer.start()")
        await host.run("await servers.stop()")
        await both[1].run("await peer.start()")
        await talk(*both)

    async def test_may_be_closed_when_the_channel_is_open(self, open_tab: OpenTab, both: list[Tab]) -> None:
        host = await open_tab()
        await host.run("servers = await start_servers(); None")
        await begin(*both)
        await asyncio.gather(*(tab.run("await peer.start()") for tab in both))
        await talk(*both)
        await host.close()
        await talk(*both)

    async def test_that_stops_alone_tells_who_waits(self, both: list[Tab]) -> None:
        await begin(*both)
        await both[0].run("await peer.start()")
        await both[1].run("await servers.stop()")
        said = await both[0].run("""
            await servers.stop()
            try: await peer.wait_for(State.OPEN, 60)
            except ChatError as error: said = str(error)
            said""")
        assert "closed with code 1001: the server is going away" in said


async def test_a_stranger_whose_tab_is_closed_is_noticed(open_tab: OpenTab, both: list[Tab]) -> None:
    stranger = await open_tab()
    await begin(*both, stranger)
    for tab in (both[0], stranger):
        await tab.run("await peer.start()")
    await talk(both[0], stranger)
    await stranger.close()
    await both[0].run("await peer.wait_for(State.CLOSED, 60); await peer.start()")
    await both[1].run("await peer.start()")
    await talk(*both)
