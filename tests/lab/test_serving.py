"""A coroutine over one socket, put on a port by one call."""

import asyncio

import pytest
from websockets.asyncio.client import connect as websocket_connect
from websockets.exceptions import InvalidStatus

from p2pchat import Trace
from p2pchat.errors import SocketClosed, SocketNotOpened
from p2pchat.lab import LessonSocket, connect, serve_lesson


async def echo(socket: LessonSocket) -> None:
    async for text in socket:
        await socket.send(text)


async def test_each_client_has_a_conversation_of_its_own() -> None:
    async with await serve_lesson(echo) as server:
        ada, bob = await connect(server.url), await connect(server.url)
        await ada.send("from Ada")
        await bob.send("from Bob")
        assert await bob.recv() == "from Bob"
        assert await ada.recv() == "from Ada"


async def test_what_stands_after_the_coroutine_is_shared_by_all_conversations() -> None:
    async def count(socket: LessonSocket, guests: list[str]) -> None:
        guests.append(await socket.recv())
        await socket.send(" ".join(guests))

    async with await serve_lesson(count, []) as server:
        for expected in ("Ada", "Ada Bob"):
            socket = await connect(server.url)
            await socket.send(expected.split()[-1])
            assert await socket.recv() == expected


async def test_the_socket_is_closed_when_the_coroutine_returns() -> None:
    async def greet(socket: LessonSocket) -> None:
        await socket.send("good day")

    async with await serve_lesson(greet) as server:
        socket = await connect(server.url)
        assert [text async for text in socket] == ["good day"]
        assert socket.ended is not None
        assert socket.ended.code == 1000


async def test_the_loop_over_a_socket_ends_when_the_client_leaves() -> None:
    left = asyncio.Event()

    async def listen(socket: LessonSocket) -> None:
        async for _ in socket:
            pass
        left.set()

    async with await serve_lesson(listen) as server:
        socket = await connect(server.url)
        await socket.close()
        await asyncio.wait_for(left.wait(), 60)
        assert server.troubles == []


class TestACoroutineThatRaises:
    async def test_tells_its_client_what_and_where(self) -> None:
        async def clumsy(socket: LessonSocket) -> None:
            {}["roomId"]

        async with await serve_lesson(clumsy) as server:
            socket = await connect(server.url)
            with pytest.raises(SocketClosed) as caught:
                await socket.recv()
        assert caught.value.code == 1011
        assert caught.value.reason.startswith("clumsy raised KeyError: 'roomId' (line ")
        assert 'of its cell: {}["roomId"])' in caught.value.reason

    async def test_is_remembered_by_the_server_which_goes_on(self) -> None:
        async def sometimes(socket: LessonSocket) -> None:
            await socket.send(str(1 / int(await socket.recv())))

        async with await serve_lesson(sometimes) as server:
            for number in ("0", "1"):
                socket = await connect(server.url)
                await socket.send(number)
                frames = [text async for text in socket]
            assert frames == ["1.0"]
            assert len(server.troubles) == 1
            assert repr(server).startswith("Your server runs. Troubles: 1\nsometimes raised ZeroDivisionError")
        assert repr(server).startswith("Your server is stopped.")

    async def test_with_a_very_long_message_still_closes_properly(self) -> None:
        async def wordy(socket: LessonSocket) -> None:
            raise ValueError("é" * 1000)

        async with await serve_lesson(wordy) as server:
            socket = await connect(server.url)
            with pytest.raises(SocketClosed) as caught:
                await socket.recv()
        assert caught.value.code == 1011

    async def test_is_no_trouble_when_only_its_own_client_left(self) -> None:
        async def waits(socket: LessonSocket) -> None:
            await socket.recv()

        async with await serve_lesson(waits) as server:
            await (await connect(server.url)).close()
        assert server.troubles == []

    async def test_is_one_when_it_sends_to_somebody_else_who_left(self) -> None:
        async def gossip(socket: LessonSocket, guests: list[LessonSocket]) -> None:
            guests.append(socket)
            await socket.recv()
            await guests[0].send("psst")

        async with await serve_lesson(gossip, []) as server:
            await (await connect(server.url)).close()
            socket = await connect(server.url)
            await socket.send("tell it")
            with pytest.raises(SocketClosed):
                await socket.recv()
        (trouble,) = server.troubles
        assert trouble.startswith("gossip raised SocketClosed: closed with code 1000 (line ")


async def test_running_the_cell_again_stops_the_server_of_the_last_time() -> None:
    first = await serve_lesson(echo)
    async with await serve_lesson(echo) as second:
        with pytest.raises(SocketNotOpened, match="nobody listens there"):
            await connect(first.url)
        await (await connect(second.url)).close()
        await first.stop()  # harmless


def test_a_server_of_a_loop_that_is_closed_is_in_nobodys_way() -> None:
    async def start() -> None:
        await serve_lesson(echo)

    asyncio.run(start())

    async def start_again() -> None:
        async with await serve_lesson(echo) as server:
            await (await connect(server.url)).close()

    asyncio.run(start_again())


async def test_a_client_reports_its_frames_to_a_trace_by_their_kind() -> None:
    trace = Trace()
    frames = {
        '{"user_id":"a","created_at":"2026-01-31T12:00:00Z"}': "join",
        '{"type":"MATCH","room_id":"r","user_id":"a","created_at":"2026-01-31T12:00:00Z"}': "MATCH",
        '{"type":"offer","sdp":"v=0"}': "offer",
        "anything else": "anything else",
    }
    async with await serve_lesson(echo, name="signaling") as server:
        socket = await connect(server.url, name="Ada", trace=trace)
        for text in frames:
            await socket.send(text)
            await socket.recv()
    arrows = [(arrow.source, arrow.target, arrow.what) for arrow in trace]
    expected = [("Ada", "signaling", kind) for kind in frames.values()]
    assert arrows[::2] == expected
    assert arrows[1::2] == [(target, source, kind) for source, target, kind in expected]


async def test_web_pages_are_not_let_in() -> None:
    async with await serve_lesson(echo) as server:
        with pytest.raises(InvalidStatus) as caught:
            await websocket_connect(server.url, origin="https://example.org")
        assert caught.value.response.status_code == 403
