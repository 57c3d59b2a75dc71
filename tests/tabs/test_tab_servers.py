"""The servers on the tabs: who serves, who takes over, and which servers are used."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Route

from p2pchat import Servers
from tests.support.python_tabs import OpenTab, Tab

Answer = Callable[..., Awaitable[None]]

pytestmark = pytest.mark.asyncio(loop_scope="session")

JOIN = """
async def join(name, timeout=60.0):
    "Wait for a match by hand."
    socket = await connect("tabs:matchmaking", timeout)
    await socket.send(json.dumps({"user_id": name, "created_at": "2026-01-31T12:00:00Z"}))
    return socket
"""


async def serving(tab: Tab) -> list[str]:
    """Which servers are in this tab now."""
    return list(await tab.run("[name for name, server in servers._servers.items() if server._listener.serves]"))


async def until_serving(tab: Tab) -> None:
    await tab.run("""
        async def both(): return all(server._listener.serves for server in servers._servers.values())
        await until(both)""")


class TestStartServers:
    @pytest.mark.parametrize("worker", [True, False])
    async def test_has_the_properties_that_it_has_on_ports(self, open_tab: OpenTab, worker: bool) -> None:
        tab = await open_tab(worker=worker)
        urls = await tab.run("servers = await start_servers(); servers.urls")
        assert urls["static"].endswith("/one/")
        assert urls == {"static": urls["static"], "matchmaking": "tabs:matchmaking", "signaling": "tabs:signaling"}
        assert await tab.run("[servers.static_url, servers.matchmaking_url, servers.signaling_url]") == [*urls.values()]
        assert "tabs:matchmaking" in await tab.run("repr(servers)")
        assert await tab.run("await servers.stop(); await servers.stop(); servers.urls") == {}
        assert (
            await tab.run("""
            try: servers.matchmaking_url
            except ChatError as error: said = str(error)
            said""")
            == "The matchmaking server is not running."
        )
        await tab.until_no_locks()

    async def test_takes_what_only_ports_know(self, open_tab: OpenTab) -> None:
        tab = await open_tab()
        assert (
            await tab.run("""
            from pathlib import Path
            from p2pchat.servers.limits import Limits
            servers = await start_servers(host="0.0.0.0", static_port=8080, matchmaking_port=8081, signaling_port=8082,
                                          site=Path("nowhere"), limits=Limits(connections=1))
            servers.matchmaking_url""")
            == "tabs:matchmaking"
        )

    async def test_tells_the_ice_servers(self, open_tab: OpenTab) -> None:
        tab = await open_tab()
        accept = await tab.run("""
            ice = [{"urls": ["stun:stun.example:3478"]}]
            servers = await start_servers(ice_servers=ice)
            socket = await connect(servers.signaling_url, 60)
            await socket.send(json.dumps({"type": "register", "roomId": "r"}))
            json.loads(await socket.recv())""")
        assert accept["iceServers"] == [{"urls": ["stun:stun.example:3478"]}]

    async def test_stops_those_of_the_last_run_of_the_cell(self, open_tab: OpenTab) -> None:
        tab = await open_tab()
        assert await tab.run("""
            first = await start_servers()
            second = await start_servers()
            [first.urls, list(second.urls)]""") == [{}, ["static", "matchmaking", "signaling"]]
        assert await tab.run("await why_not(second.matchmaking_url)") is None
        assert len(await tab.run("[name for name in await locks() if name == 'matchmaking']")) == 1

    async def test_who_makes_servers_by_hand_has_them_alone(self, open_tab: OpenTab) -> None:
        ada, bob = await open_tab(), await open_tab()
        for tab in (ada, bob):
            await tab.run("from p2pchat import Servers; servers = Servers(static_port=None); await servers.start()")
        urls = [await tab.run("servers.urls") for tab in (ada, bob)]
        assert list(urls[0]) == ["matchmaking", "signaling"]
        assert not {*urls[0].values()} & {*urls[1].values()}
        assert urls[0]["matchmaking"].endswith("/matchmaking")
        assert await bob.run(f"await why_not({urls[0]['matchmaking']!r})") is None  # who knows the address may come


class TestTheCores:
    async def test_pair_two_and_relay(self, open_tab: OpenTab) -> None:
        host, ada, bob = await open_tab(), await open_tab(begin=JOIN), await open_tab(begin=JOIN, worker=True)
        await host.run("servers = await start_servers(); None")
        await ada.run("socket = await join('ada'); None")
        await bob.run("socket = await join('bob'); None")
        rooms = [json.loads(await tab.run("await socket.recv()"))["room_id"] for tab in (ada, bob)]
        assert rooms[0] == rooms[1]
        for tab in (ada, bob):
            await tab.run(f"""
                await socket.close()
                socket = await connect("tabs:signaling", 60)
                await socket.send(json.dumps({{"type": "register", "roomId": {rooms[0]!r}}}))
                None""")
            assert json.loads(await tab.run("await socket.recv()"))["isExistClient"] is (tab is bob)
        offer = '{"type":"offer", "sdp":"v=0 é", "extra": [1,  2]}'
        await bob.run(f"await socket.send({offer!r})")
        assert await ada.run("await socket.recv()") == offer
        await bob.close()
        assert json.loads(await ada.run("await socket.recv()")) == {"type": "bye"}
        assert await ada.run("await end_of(socket)") == [1000, "the other one left"]

    async def test_forget_who_left_before_they_pair(self, open_tab: OpenTab) -> None:
        """Each way to leave: nobody is matched with one who is gone."""
        host, quiet = await open_tab(begin=JOIN), await open_tab(begin=JOIN)
        await host.run("servers = await start_servers(); None")
        await quiet.run("socket = await join('gone'); None")
        await quiet.close()
        await host.run("""
            async def alone(): return not servers._servers["matchmaking"]._listener._sockets
            await until(alone)
            left = await join("left")
            await left.close()
            dropped = await join("dropped")
            dropped.abort()
            await until(alone)
            None""")
        names = await host.run("""
            ada = await join("ada")
            bob = await join("bob")
            [json.loads(await socket.recv())["user_id"] for socket in (ada, bob)]""")
        assert names == ["peer", "bob"]

    async def test_dismiss_who_breaks_the_protocol(self, open_tab: OpenTab) -> None:
        tab = await open_tab()
        told = await tab.run("""
            servers = await start_servers()
            told = []
            for url in (servers.matchmaking_url, servers.signaling_url):
                socket = await connect(url, 60)
                await socket.send("no JSON")
                told.append((await end_of(socket))[0])
            told""")
        assert told == [1007, 1007]

    async def test_do_what_is_due(self, open_tab: OpenTab) -> None:
        """Two without a common interest are paired when their patience ends; the signaling server pings."""
        tab = await open_tab(begin=JOIN)
        rooms = await tab.run("""
            from p2pchat.servers import on_tabs
            from p2pchat.matchmaking import Matchmaking
            from p2pchat.signaling import Signaling
            on_tabs.Matchmaking = lambda: Matchmaking(patience=0.2)
            on_tabs.Signaling = lambda ice_servers: Signaling(ping_every=0.1)
            servers = await start_servers()
            sockets = []
            for name in ("ada", "bob"):
                sockets.append(await connect(servers.matchmaking_url, 60))
                join = {"user_id": name, "created_at": "2026-01-31T12:00:00Z", "interests": [name]}
                await sockets[-1].send(json.dumps(join))
            [json.loads(await socket.recv())["room_id"] for socket in sockets]""")
        assert rooms[0] == rooms[1]
        assert await tab.run("""
            socket = await connect(servers.signaling_url, 60)
            await socket.send(json.dumps({"type": "register", "roomId": "r"}))
            heard = [json.loads(await socket.recv())["type"] for _ in range(3)]
            heard""") == ["accept", "ping", "ping"]


class TestTheElection:
    async def test_has_one_winner_and_the_next_takes_over(self, open_tab: OpenTab) -> None:
        tabs = [await open_tab(worker=number % 2 == 1) for number in range(4)]
        client = await open_tab(begin=JOIN)
        await asyncio.gather(*(tab.run("servers = await start_servers(); None") for tab in tabs))
        await client.run("sockets = []")
        while tabs:
            hosts = {name: tab for tab in tabs for name in await serving(tab)}
            async with asyncio.timeout(60):
                while len(hosts) < 2:
                    await asyncio.sleep(0.01)
                    hosts = {name: tab for tab in tabs for name in await serving(tab)}
            assert await client.run("socket = await join('me'); socket._inbox.ended") is False
            host = hosts["matchmaking"]
            tabs.remove(host)
            if len(tabs) % 2:
                await host.close()
            else:
                await host.run("await servers.stop()")
            assert (await client.run("await end_of(socket)"))[0] == (1012 if tabs else 1001)
        assert await client.run("await why_not('tabs:matchmaking')") == "no tab of this browser serves it"

    async def test_stopping_ends_the_candidacy(self, open_tab: OpenTab) -> None:
        host, second = await open_tab(), await open_tab()
        for tab in (host, second):
            await tab.run("servers = await start_servers(); None")
        assert await second.run("(await locks()).count('matchmaking')") == 2
        await second.run("await servers.stop()")
        assert await host.run("(await locks()).count('matchmaking')") == 1
        await host.close()
        assert await second.run("await why_not('tabs:matchmaking')") == "no tab of this browser serves it"
        await second.until_no_locks()

    async def test_who_connects_while_it_is_decided_waits_for_the_winner(self, open_tab: OpenTab) -> None:
        """The tab that serves is closed at the very moment in which another asks for a connection."""
        client, host = await open_tab(begin=JOIN), await open_tab(worker=True)
        await host.run("servers = await start_servers(); None")
        for _ in range(3):
            successor = await open_tab(worker=True)
            await successor.run("servers = await start_servers(); None")
            joining = asyncio.create_task(client.run("socket = await join('me'); socket._inbox.ended"))
            await host.close()
            assert await joining in (False, True)  # let in by the one that died then, or by its successor
            await until_serving(successor)
            assert await client.run("""
                if socket._inbox.ended: socket = await join("me")
                later(end_of(socket))
                [socket._inbox.ended, await why_not("tabs:matchmaking")]""") in ([False, None], [True, None])
            host = successor


class TestRealServers:
    """What the site says in its ``servers.json``."""

    @pytest_asyncio.fixture(loop_scope="session")
    async def answer(self, context: BrowserContext) -> AsyncIterator[Answer]:
        """Sets what the site answers; without a call it has no such file. With nothing to say it never answers."""
        over, asked = asyncio.Event(), []

        async def answer(**said: Any) -> None:
            async def handle(route: Route) -> None:
                asked.append(route)
                if not said:
                    await over.wait()
                await route.fulfill(**said)

            await context.route("**/servers.json", handle)

        yield answer
        over.set()
        await context.unroute_all(behavior="ignoreErrors")
        assert asked

    async def test_are_used_where_they_answer(self, open_tab: OpenTab, answer: Answer) -> None:
        async with Servers(static_port=None) as real:
            assert repr(real) == f"Servers({real.urls})"
            await answer(json={**real.urls, "more": 1})
            tab = await open_tab()
            assert await tab.run("servers = await start_servers(); servers.urls") == {
                "static": await tab.run("servers.static_url"),
                **real.urls,
            }
            assert await tab.run("ChatPeer(servers.matchmaking_url, servers.signaling_url).where") == (
                "strangers at " + real.matchmaking_url.removeprefix("ws://").removesuffix("/matchmaking")
            )
            assert await tab.run("await locks()") == []
            await tab.run("await servers.stop()")
            assert await tab.run(f"await why_not({real.matchmaking_url!r})") is None  # they run on

    @pytest.mark.parametrize(
        "said",
        [
            {"status": 404, "body": "nothing here"},
            {"status": 500, "body": "{}"},
            {"body": "no JSON"},
            {"body": "<!doctype html>"},
            {"body": ""},
            {"json": {}},
            {"json": None},
            {"json": 7},
            {"json": ["ws://127.0.0.1:1/matchmaking"]},
            {"json": {"matchmaking": "ws://127.0.0.1:65535/matchmaking"}},
            {"json": {"matchmaking": 7, "signaling": 8}},
            {"json": {"matchmaking": "http://127.0.0.1:65535/", "signaling": "http://127.0.0.1:65535/"}},
            {
                "json": {
                    "matchmaking": "ws://127.0.0.1:65535/matchmaking",
                    "signaling": "ws://127.0.0.1:65535/signaling",
                }
            },
            {"json": {"matchmaking": "ws://h:x/", "signaling": "ws://[/"}},
        ],
        ids=str,
    )
    async def test_that_are_none_or_do_not_answer_are_not(self, pair: Any, answer: Answer, said: Any) -> None:
        await answer(**said)
        for tab in pair:
            assert (
                await tab.run("""
                servers = await start_servers()
                url = servers.matchmaking_url
                await servers.stop()
                url""")
                == "tabs:matchmaking"
            )

    async def test_that_are_silent_are_not_waited_for(self, pair: Any, answer: Answer) -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            await reader.read()
            writer.close()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            await answer(json={"matchmaking": url, "signaling": url})
            assert (
                await pair[0].run("""
                servers = await start_servers()
                url = servers.matchmaking_url
                await servers.stop()
                url""")
                == "tabs:matchmaking"
            )

    async def test_of_a_site_that_is_silent_are_not_waited_for(self, pair: Any, answer: Answer) -> None:
        await answer()
        assert (
            await pair[0].run("""
            servers = await start_servers()
            url = servers.matchmaking_url
            await servers.stop()
            url""")
            == "tabs:matchmaking"
        )
