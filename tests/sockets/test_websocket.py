"""The text socket over a WebSocket: what `connect` says when it fails, and how a connection ends."""

import asyncio
import http
import os

import pytest
from websockets.asyncio.server import ServerConnection, serve

from p2pchat.errors import SocketClosed, SocketNotOpened
from p2pchat.sockets import connect


async def echo(connection: ServerConnection) -> None:
    async for frame in connection:
        await connection.send(frame)


def address(server) -> str:
    return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def why_not(url: str, timeout: float = 60.0) -> str:
    with pytest.raises(SocketNotOpened) as error:
        await connect(url, timeout)
    assert str(error.value) == error.value.reason
    return error.value.reason


class TestConnectSaysInWordsThat:
    async def test_nobody_listens(self) -> None:
        async with serve(echo, "127.0.0.1", 0) as server:
            url = address(server)
        assert "nobody listens there" in await why_not(url)

    async def test_a_name_does_not_exist(self) -> None:
        assert "nobody" in await why_not("ws://nobody.invalid/", 10)

    async def test_nothing_answers_in_time(self) -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            assert await why_not(address(server), 0.1) == "no answer within 0.1 seconds"

    async def test_it_is_no_websocket_server(self) -> None:
        async def smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(b"220 mail.example ESMTP\r\n")
            writer.close()

        async with await asyncio.start_server(smtp, "127.0.0.1", 0) as server:
            assert "not a WebSocket server" in await why_not(address(server))

    @pytest.mark.parametrize("status", [200, 403, 404, 500])
    async def test_the_server_refuses(self, status: int) -> None:
        def refuse(connection: ServerConnection, request: object):
            return connection.respond(http.HTTPStatus(status), "because\n")

        async with serve(echo, "127.0.0.1", 0, process_request=refuse) as server:
            assert await why_not(address(server)) == f"it answered HTTP {status}, because"

    @pytest.mark.parametrize(
        "url",
        ["", "nonsense", "http://127.0.0.1/", "ws:", "ws://", "ws://[::1/", "ws://h:x/", "ws://h:99999/", "ws://h/#f"],
    )
    async def test_an_address_is_none(self, url: str) -> None:
        assert f"{url!r} is not a WebSocket URL: " in await why_not(url)


class TestASocket:
    async def test_carries_text_both_ways_in_order(self) -> None:
        async with serve(echo, "127.0.0.1", 0) as server:
            socket = await connect(address(server), 60)
            texts = ["", "hello", "\x00é👋", "x" * 500_000]
            for text in texts:
                await socket.send(text)
            assert [await socket.recv() for _ in texts] == texts
            await socket.close()

    @pytest.mark.parametrize(
        ("code", "reason"), [(1000, ""), (1000, "done"), (1008, "too fast"), (1011, ""), (4000, "é")]
    )
    async def test_tells_how_the_other_side_closed_it(self, code: int, reason: str) -> None:
        async def close(connection: ServerConnection) -> None:
            await connection.close(code, reason)

        async with serve(close, "127.0.0.1", 0) as server:
            socket = await connect(address(server), 60)
            for use in (socket.recv(), socket.recv(), socket.send("still there?")):
                with pytest.raises(SocketClosed) as error:
                    await use
                assert (error.value.code, error.value.reason) == (code, reason)
                assert str(error.value) == f"closed with code {code}" + (f": {reason}" if reason else "")
            await socket.close()

    async def test_tells_that_it_broke(self) -> None:
        async def abort(connection: ServerConnection) -> None:
            connection.transport.abort()

        async with serve(abort, "127.0.0.1", 0) as server:
            socket = await connect(address(server), 60)
            with pytest.raises(SocketClosed, match="the connection broke") as error:
                await socket.recv()
            assert error.value.code == 1006
            await socket.close()

    async def test_tells_the_other_side_why_it_closes(self) -> None:
        seen: asyncio.Future[tuple[int | None, str | None]] = asyncio.get_running_loop().create_future()

        async def watch(connection: ServerConnection) -> None:
            await connection.wait_closed()
            seen.set_result((connection.close_code, connection.close_reason))

        async with serve(watch, "127.0.0.1", 0) as server:
            socket = await connect(address(server), 60)
            await socket.close(4001, "enough")
            await socket.close()
            assert await asyncio.wait_for(seen, 60) == (4001, "enough")

    async def test_refuses_binary_frames_and_says_so(self) -> None:
        async def binary(connection: ServerConnection) -> None:
            await connection.send(b"\x00")
            await connection.wait_closed()
            codes.append(connection.close_code)

        codes: list[int | None] = []
        async with serve(binary, "127.0.0.1", 0) as server:
            socket = await connect(address(server), 60)
            with pytest.raises(SocketClosed, match="text frames only"):
                await socket.recv()
        assert codes == [1003]

    async def test_refuses_frames_that_are_too_large(self) -> None:
        async def large(connection: ServerConnection) -> None:
            await connection.send("x" * (2**20 + 1))
            await connection.wait_closed()
            codes.append(connection.close_code)

        codes: list[int | None] = []
        async with serve(large, "127.0.0.1", 0, max_size=None) as server:
            socket = await connect(address(server), 60)
            with pytest.raises(SocketClosed):
                await socket.recv()
        assert codes == [1009]

    async def test_closing_that_is_cancelled_leaves_no_open_connection(self, monkeypatch) -> None:
        monkeypatch.setattr("p2pchat.sockets.websocket.CLOSE_TIMEOUT", 60.0)
        over = asyncio.Event()

        async def deaf(connection: ServerConnection) -> None:
            connection.transport.pause_reading()
            await over.wait()

        async with serve(deaf, "127.0.0.1", 0, close_timeout=0.1) as server:
            socket = await connect(address(server), 60)
            closing = asyncio.create_task(socket.close())
            await asyncio.sleep(0)
            closing.cancel()
            await asyncio.wait({closing})
            async with asyncio.timeout(60):
                await socket._connection.wait_closed()
            over.set()


class TestProxies:
    @pytest.fixture(autouse=True)
    async def proxy(self, monkeypatch):
        """A proxy in the environment that refuses everything, and counts what it is asked."""
        self.asked: list[bytes] = []

        async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.asked.append(await reader.readline())
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
            for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy"):
                monkeypatch.setenv(name, address(server).replace("ws:", "http:"))
                monkeypatch.delenv(name.upper(), raising=False)
            for name in ("no_proxy", "NO_PROXY"):
                monkeypatch.delenv(name, raising=False)
            assert os.environ["http_proxy"]
            yield

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    async def test_are_not_asked_for_this_machine(self, host: str) -> None:
        async with serve(echo, "127.0.0.1", 0) as server:
            socket = await connect(address(server).replace("127.0.0.1", host), 60)
            await socket.send("hello")
            assert await socket.recv() == "hello"
            await socket.close()
        assert self.asked == []

    async def test_are_asked_for_others(self) -> None:
        assert "not a WebSocket server" in await why_not("ws://elsewhere.invalid/")
        assert self.asked[0].startswith(b"CONNECT elsewhere.invalid:80 ")
