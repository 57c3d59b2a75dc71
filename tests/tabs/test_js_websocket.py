"""The text socket over the browser's own WebSocket, asked for the same as in `tests/sockets/test_websocket.py`."""

import asyncio
import http
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.support.python_tabs import Tab

pytestmark = pytest.mark.asyncio(loop_scope="session")

Pair = tuple[Tab, Tab]
NOT_OPENED = "no WebSocket was opened, and a browser does not say why. Perhaps nobody listens there, or"


async def echo(connection: ServerConnection) -> None:
    async for frame in connection:
        await connection.send(frame)


def address(server: Any) -> str:
    return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@pytest.fixture(params=["in a Worker", "on the page"])
def tab(pair: Pair, request: pytest.FixtureRequest) -> Tab:
    return pair[0] if request.param == "in a Worker" else pair[1]


async def why_not(tab: Tab, url: str, timeout: float = 60.0) -> str:
    return str(await tab.run(f"await why_not({url!r}, {timeout})"))


class TestConnectSaysInWordsThat:
    async def test_nobody_listens(self, tab: Tab) -> None:
        async with serve(echo, "127.0.0.1", 0) as server:
            url = address(server)
        said = await why_not(tab, url)
        assert said.startswith(NOT_OPENED)
        origin = await tab.page.evaluate("location.origin")
        assert said.endswith(f"the server lets in no pages from {origin}")

    async def test_the_server_refuses(self, tab: Tab) -> None:
        def refuse(connection: ServerConnection, request: object) -> object:
            return connection.respond(http.HTTPStatus.FORBIDDEN, "because\n")

        async with serve(echo, "127.0.0.1", 0, process_request=refuse) as server:
            assert (await why_not(tab, address(server))).startswith(NOT_OPENED)

    async def test_nothing_answers_in_time(self, tab: Tab) -> None:
        gone = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            await reader.read()
            writer.close()
            gone.set()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            assert await why_not(tab, address(server), 3) == "no answer within 3 seconds"
            await asyncio.wait_for(gone.wait(), 60)  # the browser was told to give up

    @pytest.mark.parametrize(
        "url",
        ["", "nonsense", "http://127.0.0.1/", "ws:", "ws://", "ws://[::1/", "ws://h:x/", "ws://h:99999/", "ws://h/#f"],
    )
    async def test_an_address_is_none(self, tab: Tab, url: str) -> None:
        assert f"{url!r} is not a WebSocket URL: " in await why_not(tab, url)

    async def test_the_browser_itself_finds_it_to_be_none(self, tab: Tab) -> None:
        assert "is not a WebSocket URL: " in await why_not(tab, "ws://exa<mple/")

    async def test_a_page_that_came_by_https_may_not(self, tab: Tab) -> None:
        said = await tab.run("""
            from unittest.mock import patch
            from p2pchat.sockets import js_websocket
            from pyodide.code import run_js
            refusing = "(class { constructor() { throw Object.assign(new Error('no'), { name: 'SecurityError' }); } })"
            with patch.object(js_websocket, "WebSocket", run_js(refusing)):
                said = await why_not("ws://chat.example/")
            said
        """)
        assert said.startswith("a page that came by https, as this one from http://127.0.0.1:")
        assert said.endswith(", may use wss:// only")


class TestASocket:
    async def test_carries_text_both_ways_in_order(self, tab: Tab) -> None:
        async with serve(echo, "127.0.0.1", 0) as server:
            assert await tab.run(f"""
                socket = await connect({address(server)!r}, 60)
                texts = ["", "hello", "\\x00é👋", "x" * 2**20, "é" * 2**19] + [str(number) for number in range(500)]
                for text in texts:
                    await socket.send(text)
                echoed = [await socket.recv() for _ in texts]
                await socket.close()
                echoed == texts
            """)

    @pytest.mark.parametrize(
        ("code", "reason"), [(1000, ""), (1000, "done"), (1008, "too fast"), (1011, ""), (1012, "again"), (4000, "é")]
    )
    async def test_tells_how_the_other_side_closed_it(self, tab: Tab, code: int, reason: str) -> None:
        async def close(connection: ServerConnection) -> None:
            await connection.send("last words")
            await connection.close(code, reason)

        async with serve(close, "127.0.0.1", 0) as server:
            told = await tab.run(f"""
                socket = await connect({address(server)!r}, 60)
                told = [await socket.recv(), await end_of(socket), await end_of(socket)]
                try: await socket.send("still there?")
                except SocketClosed as error: told.append([error.code, error.reason])
                await socket.close()
                told
            """)
        assert told == ["last words"] + [[code, reason]] * 3

    async def test_tells_that_it_broke(self, tab: Tab) -> None:
        async def abort(connection: ServerConnection) -> None:
            connection.transport.abort()

        async with serve(abort, "127.0.0.1", 0) as server:
            told = await tab.run(f"await end_of(await connect({address(server)!r}, 60))")
        assert told == [1006, "the connection broke"]

    @pytest.mark.parametrize(
        ("code", "sent"), [(1000, 1000), (4001, 4001), (3000, 3000), (1003, 4003), (1008, 4008), (1009, 4009)]
    )
    async def test_tells_the_other_side_why_it_closes(self, tab: Tab, code: int, sent: int) -> None:
        seen: asyncio.Future[tuple[int | None, str | None]] = asyncio.get_running_loop().create_future()

        async def watch(connection: ServerConnection) -> None:
            await connection.wait_closed()
            seen.set_result((connection.close_code, connection.close_reason))

        async with serve(watch, "127.0.0.1", 0) as server:
            await tab.run(f"""
                socket = await connect({address(server)!r}, 60)
                await socket.close({code}, "é" * 100)
                await socket.close()  # harmless
                try: await socket.send("x")
                except SocketClosed: pass
            """)
            assert await asyncio.wait_for(seen, 60) == (sent, "é" * 61)

    @pytest.mark.parametrize(
        ("frame", "code", "told"),
        [
            (b"\x00", 4003, [1003, "it sent a binary frame, and this protocol knows text frames only"]),
            ("é" * 2**19 + "x", 4009, [1009, "a frame holds 1048576 bytes at most"]),
        ],
        ids=["binary", "too large"],
    )
    async def test_refuses_frames_and_says_so(self, tab: Tab, frame: str | bytes, code: int, told: list[Any]) -> None:
        seen: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

        async def send(connection: ServerConnection) -> None:
            await connection.send("before")
            await connection.send(frame)
            await connection.wait_closed()
            seen.set_result(connection.close_code)

        async with serve(send, "127.0.0.1", 0) as server:
            heard = await tab.run(f"""
                socket = await connect({address(server)!r}, 60)
                [await socket.recv(), await end_of(socket)]
            """)
            assert heard == ["before", told]
            assert await asyncio.wait_for(seen, 60) == code

    async def test_does_not_wait_for_long_where_nobody_agrees_to_a_close(self, tab: Tab) -> None:
        over = asyncio.Event()

        async def deaf(connection: ServerConnection) -> None:
            connection.transport.pause_reading()
            await over.wait()

        async with serve(deaf, "127.0.0.1", 0, close_timeout=0.1) as server:
            assert await tab.run(f"""
                socket = await connect({address(server)!r}, 60)
                began = time.monotonic()
                await socket.close()
                time.monotonic() - began > 1.5  # it did wait, and it came to an end
            """)
            over.set()

    async def test_closing_or_connecting_that_is_cancelled_leaves_no_connection(self, tab: Tab) -> None:
        gone: list[ServerConnection] = []

        async def watch(connection: ServerConnection) -> None:
            await connection.wait_closed()
            gone.append(connection)

        async with serve(watch, "127.0.0.1", 0) as server:
            await tab.run(f"""
                socket = await connect({address(server)!r}, 60)
                tasks = [later(socket.close()), later(connect({address(server)!r}, 60))]
                await asyncio.sleep(0)
                for task in tasks: task.cancel()
                await asyncio.wait(tasks)
                None""")
            async with asyncio.timeout(60):
                while not gone or server.connections:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)

    async def test_that_is_closed_is_forgotten(self, tab: Tab) -> None:
        async with serve(echo, "127.0.0.1", 0) as server:
            assert (
                await tab.run(f"""
                sockets = [await connect({address(server)!r}, 60) for _ in range(5)]
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
