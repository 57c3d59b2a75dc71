"""The text socket between tabs: what a connection does, how it ends, and what it leaves behind."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.python_tabs import OpenTab, Tab

pytestmark = pytest.mark.asyncio(loop_scope="session")

Pair = tuple[Tab, Tab]


@pytest_asyncio.fixture(loop_scope="session", params=["other tab", "same tab"])
async def ends(pair: Pair, request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    """The tab of a server and the tab of its clients; all is closed afterwards, and nothing is left behind."""
    server, client = pair if request.param == "other tab" else (pair[0], pair[0])
    yield server, client
    await server.run("""
        for task in background: task.cancel()
        background.clear()
        await listener.stop()
    """)
    await server.until_no_locks()


async def serve(tab: Tab, conversation: str = "echo") -> str:
    """Start a server, whose conversations' ends come into the list ``ended``. Returns: its URL, as Python writes it."""
    return repr(
        await tab.run(f"""
ended = []
async def converse(socket):
    try:
        await ({conversation})(socket)
    except SocketClosed as error:
        ended.append([error.code, error.reason])
        raise
listener = await listen("lesson", converse)
listener.url""")
    )


async def until_ended(tab: Tab, count: int = 1) -> list[list[object]]:
    ended: list[list[object]] = await tab.run(f"""
        async def so_many(): return len(ended) >= {count}
        await until(so_many)
        ended
    """)
    return ended


class TestASocket:
    async def test_carries_text_both_ways_in_order(self, ends: Pair) -> None:
        url = await serve(ends[0])
        assert await ends[1].run(f"""
            socket = await connect({url}, 60)
            texts = ["", "hello", "\\x00é👋", " close 1000 ", "close 1000 x", "frame", "x" * 2**20, "é" * 2**19]
            texts += [str(number) for number in range(1000)]
            for text in texts:
                await socket.send(text)
            echoed = [await socket.recv() for _ in texts]
            await socket.close()
            echoed == texts
        """)

    async def test_has_a_url_that_ends_in_the_name_of_the_server(self, ends: Pair) -> None:
        url = await serve(ends[0])
        assert url.startswith("'tabs:")
        assert url.endswith("/lesson'")

    @pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1000, "done"), (1008, "too fast"), (4000, "é a b")])
    async def test_tells_how_the_other_side_closed_it(self, ends: Pair, code: int, reason: str) -> None:
        url = await serve(ends[0], f"lambda socket: socket.close({code}, {reason!r})")
        told = await ends[1].run(f"""
            socket = await connect({url}, 60)
            told = [await end_of(socket), await end_of(socket)]
            try: await socket.send("still there?")
            except SocketClosed as error: told.append([error.code, error.reason])
            await socket.close()
            told
        """)
        assert told == [[code, reason]] * 3

    @pytest.mark.parametrize(("code", "reason"), [(1000, ""), (4001, "enough")])
    async def test_tells_the_other_side_why_it_closes(self, ends: Pair, code: int, reason: str) -> None:
        url = await serve(ends[0])
        await ends[1].run(f"""
            socket = await connect({url}, 60)
            await socket.close({code}, {reason!r})
            await socket.close()  # harmless
        """)
        assert await until_ended(ends[0]) == [[code, reason]]

    async def test_cuts_a_reason_to_what_a_close_frame_holds(self, ends: Pair) -> None:
        url = await serve(ends[0])
        await ends[1].run(f"await (await connect({url}, 60)).close(1008, 'é' * 100)")
        assert await until_ended(ends[0]) == [[1008, "é" * 61]]

    async def test_is_closed_when_the_conversation_returns(self, ends: Pair) -> None:
        url = await serve(ends[0], "lambda socket: socket.send('good day')")
        told = await ends[1].run(f"""
            socket = await connect({url}, 60)
            [await socket.recv(), *await end_of(socket)]
        """)
        assert told == ["good day", 1000, ""]

    async def test_that_has_come_to_its_end_still_gives_what_came_before(self, ends: Pair) -> None:
        url = await serve(ends[0], "lambda socket: asyncio.gather(*(socket.send(str(n)) for n in range(100)))")
        assert await ends[1].run(f"""
            socket = await connect({url}, 60)
            while not socket._inbox.ended:
                await asyncio.sleep(0)
            [await socket.recv() for _ in range(100)] == [str(n) for n in range(100)] and await end_of(socket)
        """) == [1000, ""]

    @pytest.mark.parametrize("from_server", [False, True])
    async def test_refuses_frames_that_are_too_large(self, ends: Pair, from_server: bool) -> None:
        large = "'é' * 2**19 + 'x'"
        said = "a frame holds 1048576 bytes at most"
        if from_server:
            url = await serve(ends[0], f"lambda socket: asyncio.gather(socket.send({large}), end_of(socket))")
            assert await ends[1].run(f"await end_of(await connect({url}, 60))") == [1009, said]
        else:
            url = await serve(ends[0])
            assert await ends[1].run(f"""
                socket = await connect({url}, 60)
                await socket.send({large})
                await end_of(socket)
            """) == [1009, said]
            assert await until_ended(ends[0]) == [[1009, said]]

    async def test_whose_reader_is_cancelled_loses_no_frame(self, ends: Pair) -> None:
        url = await serve(ends[0])
        assert (
            await ends[1].run(f"""
            socket = await connect({url}, 60)
            try: await asyncio.wait_for(socket.recv(), 0.01)
            except TimeoutError: pass
            await socket.send("hello")
            await socket.recv()
        """)
            == "hello"
        )
        await ends[1].run("await socket.close()")

    async def test_that_is_closed_is_forgotten_by_all(self, ends: Pair) -> None:
        url = await serve(ends[0])
        assert (
            await ends[1].run(f"""
            sockets = [await connect({url}, 60) for _ in range(5)]
            remembered = [weakref.ref(socket) for socket in sockets]
            for socket in sockets:
                await socket.close()
            del socket, sockets
            await asyncio.sleep(0)
            gc.collect()
            [ref() for ref in remembered]
        """)
            == [None] * 5
        )
        await until_ended(ends[0], 5)
        assert await ends[0].run("""
            async def forgotten(): return not listener._sockets and not listener._tasks
            await until(forgotten)
            await locks()
        """) == [(await ends[0].run("listener.url")).removeprefix("tabs:")]


class TestClosing:
    async def test_from_both_sides_at_once_is_no_trouble(self, ends: Pair) -> None:
        url = await serve(ends[0], "lambda socket: together(socket)")
        await ends[0].run("""
            async def together(socket):
                await socket.recv()
                await socket.close(4001, "I first")
            None""")
        assert await ends[1].run(f"""
            socket = await connect({url}, 60)
            await socket.send("now")
            await socket.close(4002, "no, I")
            (await end_of(socket))[0] in (4001, 4002)
        """)


class TestClosingWithoutAnAnswer:
    """Where the server accepts a connection by hand, and then answers nothing."""

    @pytest_asyncio.fixture(loop_scope="session")
    async def ends(self, ends: Pair) -> AsyncIterator[Pair]:
        await serve(ends[0])  # what the fixture `ends` stops
        await ends[0].run("""
            from p2pchat.sockets.locks import Lock
            from p2pchat.sockets.tabs.protocol import requested_id
            held = [Lock(scoped("mute"))]
            def accept(message):
                id = requested_id(message)
                held.append(Lock(f"{scoped(id)} server"))
                channels.append(Channel(scoped(id), lambda message: None))
                channels[-1].post("accept")
            channels = [Channel(scoped("mute"), accept)]
            await held[0].granted""")
        yield ends
        await ends[0].run("""
            for channel in channels: channel.close()
            for lock in held: await lock.wait_released()""")

    async def test_does_not_wait_without_end_where_nobody_agrees(self, ends: Pair) -> None:
        assert await ends[1].run("""
            socket = await connect("tabs:mute", 60)
            await socket.close(4000, "I go")
            [(await end_of(socket)), [name for name in await locks() if name.endswith("client")]]
        """) == [[4000, "I go"], []]

    async def test_that_is_cancelled_leaves_nothing_behind(self, ends: Pair) -> None:
        assert await ends[1].run("""
            socket = await connect("tabs:mute", 60)
            closing = later(socket.close())
            await asyncio.sleep(0)
            closing.cancel()
            await asyncio.wait({closing})
            [(await end_of(socket)), [name for name in await locks() if name.endswith("client")]]
        """) == [[1000, ""], []]


class TestConnectSaysInWordsThat:
    async def test_nobody_serves(self, pair: Pair) -> None:
        for tab in pair:
            assert await tab.run("await why_not('tabs:nowhere')") == "no tab of this browser serves it"
            assert await tab.run("await why_not('tabs:')") == "no tab of this browser serves it"
        await pair[0].until_no_locks()

    async def test_nobody_answers_in_time(self, pair: Pair) -> None:
        """For instance because the tab that serves computes something that takes long."""
        told = await pair[0].run("""
            from p2pchat.sockets.locks import Lock
            lock = Lock(scoped("silent"))
            await lock.granted
            told = await why_not("tabs:silent", 0.1)
            await lock.wait_released()
            told
        """)
        assert told == "no answer within 0.1 seconds: the tab that serves it may be busy with a cell that takes long"
        await pair[0].until_no_locks()

    async def test_who_served_has_stopped_meanwhile(self, pair: Pair) -> None:
        assert (
            await pair[0].run("""
            from p2pchat.sockets.locks import Lock
            lock = Lock(scoped("silent"))
            await lock.granted
            asking = later(why_not("tabs:silent"))
            await asyncio.sleep(0.05)
            await lock.wait_released()
            await asking
        """)
            == "no tab of this browser serves it"
        )

    async def test_who_served_was_closed_meanwhile(self, open_tab: OpenTab, pair: Pair) -> None:
        silent = await open_tab(worker=True)
        await silent.run("""
            from p2pchat.sockets.locks import Lock
            lock = Lock(scoped("silent"))
            await lock.granted""")
        await pair[1].run("""
            asking = later(why_not("tabs:silent", 60))
            async def asked(): return (await locks()).count("silent") == 2
            await until(asked)""")
        await silent.close()
        assert await pair[1].run("await asking") == "no tab of this browser serves it"
        await pair[0].until_no_locks()

    async def test_this_page_has_no_locks(self, pair: Pair) -> None:
        """As pages have that came by http from another machine."""
        told = await pair[0].run("""
            from unittest.mock import patch
            from types import SimpleNamespace
            with patch("p2pchat.sockets.locks.navigator", SimpleNamespace()):
                told = [await why_not("tabs:anything")]
                try: await start_servers()
                except ChatError as error: told.append(str(error))
            told
        """)
        assert told[0].startswith("this page has no Web Locks, which browsers give only to pages that came by https or")
        assert told[1].startswith("The matchmaking server cannot start: this page has no Web Locks")
        await pair[0].until_no_locks()

    async def test_nothing_where_it_is_cancelled_and_leaves_nothing(self, pair: Pair) -> None:
        await pair[0].run("""
            from p2pchat.sockets.locks import Lock
            lock = Lock(scoped("silent"))
            await lock.granted
            connecting = later(connect("tabs:silent", 60))
            await asyncio.sleep(0.05)
            connecting.cancel()
            await asyncio.wait({connecting})
            await lock.wait_released()
        """)
        await pair[0].until_no_locks()


class TestOtherScripts:
    JUNK = (
        "null, undefined, 7, '', 'frame', 'accept', 'open', 'shut', ['frame', 'x'], {frame: 'x'}, "
        "'close', 'listening', 'close x y', 'close 12', 'close 9999 x', 'close -1', 'close ' + '1'.repeat(1e5), "
        "'connect', 'connect connect', 'connect ' + 'x'.repeat(1e6), 'connect 00000000-0000-4000-8000-00000000000A', "
        "new ArrayBuffer(9), new Error('x'), /x/, new Date(), new Map(), 1n"
    )

    async def test_that_write_on_the_same_channels_do_no_harm(self, ends: Pair) -> None:
        url = await serve(ends[0])
        await ends[1].run(f"socket = await connect({url}, 60)")
        (id,) = {
            name.removesuffix(" client") for name in await ends[1].run("await locks()") if name.endswith(" client")
        }
        names = await ends[0].run(f"[scoped({id!r}), scoped(listener.url.removeprefix('tabs:'))]")
        await ends[0].page.evaluate(
            f"""names => {{
            for (const name of names) {{
                const channel = new BroadcastChannel(name);
                for (const junk of [{self.JUNK}]) channel.postMessage(junk);
                channel.close();
            }}
        }}""",
            names,
        )
        assert await ends[1].run(f"""
            await socket.send("hello")
            heard = []
            while "hello" not in heard:
                heard.append(await socket.recv())
            await socket.close()
            socket = await connect({url}, 60)
            await socket.send("hello again")
            heard.append(await socket.recv())
            await socket.close()
            heard
        """) == ["", "", "hello", "hello again"]  # the word "frame" alone is an empty frame; both ends heard it

    async def test_that_ask_for_a_connection_and_die_are_forgotten(self, ends: Pair) -> None:
        await serve(ends[0])
        assert (
            await ends[0].run("""
            from uuid import uuid4
            channel = Channel(scoped(listener.url.removeprefix("tabs:")), lambda message: None)
            for _ in range(20):
                channel.post(connect_request(str(uuid4())))
            async def came(): return len(ended) == 20
            await until(came)
            channel.close()
            [code for code, _ in ended]
        """)
            == [1006] * 20
        )


class TestAMistakeInTheServer:
    async def test_is_told_to_the_client_and_the_server_goes_on(self, ends: Pair) -> None:
        url = await serve(ends[0], "lambda socket: sometimes(socket)")
        await ends[0].run("""
            async def sometimes(socket):
                await socket.send(str(1 / int(await socket.recv())))
            import logging; logging.getLogger("p2pchat.sockets.tabs").setLevel(logging.CRITICAL)""")
        assert await ends[1].run(f"""
            told = []
            for number in ("0", "1"):
                socket = await connect({url}, 60)
                await socket.send(number)
                told.append(await end_of(socket))
            told
        """) == [[1011, "internal server error (see the console of the tab that serves)"], [1000, ""]]

    async def test_is_not_seen_where_a_client_leaves(self, ends: Pair) -> None:
        url = await serve(ends[0])
        await ends[0].run("""
            import logging
            logged = []
            class Keep(logging.Handler):
                def emit(self, record): logged.append(record.getMessage())
            logger = logging.getLogger("p2pchat.sockets.tabs")
            logger.setLevel(logging.INFO)
            logger.addHandler(keep := Keep())
            None""")
        await ends[1].run(f"await (await connect({url}, 60)).close()")
        await until_ended(ends[0])
        assert await ends[0].run("await listener.stop(); logger.removeHandler(keep); logged") == []


class TestStopping:
    async def test_tells_the_connected_and_ends_the_conversations(self, ends: Pair) -> None:
        url = await serve(ends[0])
        await ends[1].run(f"""
            sockets = [await connect({url}, 60) for _ in range(3)]
            ends = [later(end_of(socket)) for socket in sockets]
            None""")
        await ends[0].run("await listener.stop(); await listener.stop()")
        assert await ends[0].run("ended") == [[1001, "the server is going away"]] * 3
        assert await ends[1].run("await asyncio.gather(*ends)") == [[1001, "the server is going away"]] * 3
        assert await ends[1].run(f"await why_not({url})") == "no tab of this browser serves it"

    async def test_does_not_wait_for_a_conversation_without_end(self, ends: Pair) -> None:
        url = await serve(ends[0], "lambda socket: asyncio.sleep(60)")
        await ends[1].run(f"socket = await connect({url}, 60); None")
        await ends[0].run("await listener.stop()")  # it comes to an end

    async def test_at_any_moment_of_the_start_leaves_nothing_behind(self, pair: Pair) -> None:
        leaders = await pair[0].run("""
            leaders = []
            for turns in range(40):
                listener = TabListener("short-lived", echo)
                starting = later(listener.start())
                for _ in range(turns):
                    await asyncio.sleep(0)
                await listener.stop()
                starting.cancel()
                await asyncio.wait({starting})
                await listener.stop()
                await asyncio.sleep(0)
                leaders.append(listener.serves)
            leaders
        """)
        assert leaders == [False] * 40
        await pair[0].until_no_locks()


class TestATabThatIsClosed:
    @pytest.mark.parametrize("worker", [True, False])
    async def test_is_noticed_by_its_clients(self, open_tab: OpenTab, pair: Pair, worker: bool) -> None:
        tab = await open_tab(worker=worker)
        url = await serve(tab)
        for client in pair:
            await client.run(f"socket = await connect({url}, 60); ending = later(end_of(socket)); None")
        await tab.close()
        for client in pair:
            assert await client.run("await ending") == [1012, "the tab that served was closed"]
            assert await client.run(f"await why_not({url})") == "no tab of this browser serves it"
        await pair[0].until_no_locks()

    @pytest.mark.parametrize("how", ["closed", "reloaded", "Worker ended"])
    async def test_is_noticed_by_the_server(self, open_tab: OpenTab, pair: Pair, how: str) -> None:
        tab = await open_tab(worker=True)
        url = await serve(pair[0])
        await tab.run(f"sockets = [await connect({url}, 60) for _ in range(3)]; None")
        match how:
            case "closed":
                await tab.close()
            case "reloaded":
                await tab.page.reload()
            case "Worker ended":  # as when a kernel is restarted
                await tab.page.evaluate("worker.terminate()")
        assert await until_ended(pair[0], 3) == [[1006, "the tab of the client was closed"]] * 3
        await pair[0].run("await listener.stop()")
        await pair[0].until_no_locks()


async def test_twenty_clients_in_one_room_are_no_trouble(ends: Pair) -> None:
    url = await serve(ends[0], "lambda socket: to_all(socket)")
    await ends[0].run("""
        room = []
        async def to_all(socket):
            room.append(socket)
            while True:
                text = await socket.recv()
                for other in room:
                    await other.send(text)
        None""")
    heard = await ends[1].run(f"""
        sockets = await asyncio.gather(*(connect({url}, 60) for _ in range(20)))
        for number, socket in enumerate(sockets):
            await socket.send(str(number))
        heard = [sorted([int(await socket.recv()) for _ in sockets]) for socket in sockets]
        await asyncio.gather(*(socket.close() for socket in sockets))
        heard
    """)
    assert heard == [list(range(20))] * 20


async def test_two_sites_of_one_origin_do_not_meet(open_tab: OpenTab, pair: Pair) -> None:
    neighbour = await open_tab(site="/two/", worker=True)
    await neighbour.run("servers = await start_servers(); None")
    assert await pair[0].run("await why_not('tabs:matchmaking')") == "no tab of this browser serves it"
    assert json.loads(json.dumps(await neighbour.run("servers.urls")))["matchmaking"] == "tabs:matchmaking"
    await neighbour.run("socket = await connect('tabs:matchmaking', 60); await socket.close(); await servers.stop()")
