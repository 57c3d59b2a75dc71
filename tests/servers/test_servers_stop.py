"""Starting and stopping: who is connected is told, and nothing stays behind."""

import asyncio
import gc
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from p2pchat import servers as servers_module
from p2pchat.errors import ServerFailed
from p2pchat.servers import Servers, start_servers
from p2pchat.servers.websocket_server import WebSocketServer
from p2pchat.signaling import Signaling
from tests.support.clock import Clock
from tests.support.raw_clients import a_room, candidate, listening, register, until, waiting
from tests.support.raw_websocket import LIMIT, RawWebSocket, ask, open_raw, raw_connection

GOING_AWAY = (1001, "the server is going away")


@pytest_asyncio.fixture(autouse=True)
async def nothing_stays() -> AsyncIterator[None]:
    """After each test here there are no more tasks and open files than before."""
    gc.collect()
    tasks, files = asyncio.all_tasks(), open_files()
    yield
    await until(lambda: asyncio.all_tasks() - {asyncio.current_task()} <= tasks, "all tasks end")
    gc.collect()
    await until(lambda: len(open_files()) <= len(files), f"{open_files()} become {files}")


@pytest.fixture(autouse=True)
def no_servers_of_another_test() -> Iterator[None]:
    servers_module._of_this_process = None
    yield
    servers_module._of_this_process = None


def open_files() -> list[str]:
    return os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def stopped(servers: Servers | WebSocketServer) -> None:
    """Stop them, and wait for the end: that there is one, whoever is connected, is what these tests are about."""
    async with asyncio.timeout(LIMIT):
        await servers.stop()


async def test_whoever_is_connected_is_told() -> None:
    async with Servers() as servers:
        stranger = await waiting(servers.matchmaking_url, "a")
        room = await a_room(servers.signaling_url, "a")
        ends = [asyncio.create_task(_agrees(client)) for client in (stranger, *room)]
        async with connect(servers.signaling_url) as ours:
            await stopped(servers)
            assert await asyncio.gather(*ends) == [GOING_AWAY] * 3
            with pytest.raises(ConnectionClosed, match=r"1001.*the server is going away"):
                await ours.recv()


async def _agrees(client: RawWebSocket) -> tuple[int, str]:
    """Wait for the close, answer it and end."""
    said = await client.closed()
    await client.leave()
    return said


async def test_it_waits_for_no_timer_when_everybody_agrees(clock: Clock) -> None:
    async with Servers() as servers:
        clients = [await connect(servers.signaling_url) for _ in range(50)]
        with clock.standing_still():  # so nobody can be cut off
            await servers.stop()
        assert [client.close_code for client in clients] == [1001] * 50


async def test_one_who_never_reads_cannot_hold_it_up() -> None:
    async with listening(WebSocketServer("signaling", Signaling(), max_frame=2**20)) as server:
        one, deaf = await open_raw(server.url), await open_raw(server.url, receive_buffer=4096)
        one.send(register("a"))
        await one.text()
        deaf.send(register("a"))
        big = candidate("x" * 300_000)
        while not server.unsent:
            one.send(big)
            await one.writer.drain()
        await stopped(server)
        assert server.connections == 0
        one.kill()
        deaf.kill()


async def test_nor_can_one_who_was_dismissed_and_does_not_go() -> None:
    async with Servers(static_port=None) as servers:
        stays = await open_raw(servers.signaling_url)
        stays.send("no JSON")
        assert (await stays.closed())[0] == 1007
        await stopped(servers)
        stays.kill()


@pytest.mark.parametrize("said", [b"", b"GET /", b"GET /signaling HTTP/1.1\r\n"])
async def test_nor_can_one_who_never_finishes_its_request(said: bytes) -> None:
    async with Servers() as servers:
        writers = []
        for url in servers.urls.values():
            _, writer = await raw_connection(url)
            writer.write(said)
            writers.append(writer)
        await ask(servers.static_url, path="/.ok")
        await stopped(servers)
        for writer in writers:
            writer.close()


async def test_the_ports_are_free_afterwards() -> None:
    ports = [free_port() for _ in range(3)]
    for _ in range(3):
        servers = Servers(static_port=ports[0], matchmaking_port=ports[1], signaling_port=ports[2])
        await servers.start()
        async with connect(servers.matchmaking_url):
            await servers.stop()
        for port in ports:
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)


async def test_a_stop_may_come_twice_and_before_the_start() -> None:
    servers = Servers()
    await servers.stop()
    await servers.start()
    await servers.stop()
    await servers.stop()
    with pytest.raises(ServerFailed, match="not running"):
        _ = servers.signaling_url


async def test_the_same_servers_can_start_again() -> None:
    servers = Servers()
    for _ in range(2):
        await servers.start()
        one, other = await a_room(servers.signaling_url, "a")
        one.kill()
        assert json.loads(await other.text()) == {"type": "bye"}
        await other.leave()
    await servers.start()  # and while they run
    await servers.stop()


async def test_only_those_that_were_asked_for_run() -> None:
    async with Servers(static_port=None, signaling_port=None) as servers:
        assert list(servers.urls) == ["matchmaking"]
        with pytest.raises(ServerFailed, match="The static server is not running"):
            _ = servers.static_url


# --- in a notebook ------------------------------------------------------------------------------------------------


async def test_a_cell_that_is_run_again_stops_the_servers_of_the_last_run() -> None:
    ports = {f"{name}_port": free_port() for name in servers_module.NAMES}
    first = await start_servers(**ports)
    old = await waiting(first.matchmaking_url, "a")
    second = await start_servers(**ports)
    assert await old.closed() == GOING_AWAY
    assert first.urls == {}
    assert (await ask(second.static_url, path="/.ok"))[2] == "ok\n"
    await old.leave()
    await second.stop()


def test_a_loop_that_was_closed_without_a_stop_keeps_no_port() -> None:
    ports = {f"{name}_port": free_port() for name in servers_module.NAMES}

    async def forgets_to_stop() -> None:
        await start_servers(**ports)

    async def starts_anew() -> None:
        await (await start_servers(**ports)).stop()

    asyncio.run(forgets_to_stop())
    asyncio.run(starts_anew())


def test_a_loop_that_stands_still_cannot_be_waited_for() -> None:
    loop = asyncio.new_event_loop()
    server = WebSocketServer("signaling", Signaling(), max_frame=2**20)
    loop.run_until_complete(server.start("127.0.0.1", 0))
    with pytest.raises(RuntimeError, match="belongs to another event loop"):
        asyncio.run(server.stop())
    loop.run_until_complete(server.stop())
    loop.close()


# --- what cannot start --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", servers_module.NAMES)
async def test_a_port_in_use_is_one_clear_sentence_and_nothing_is_left_running(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        others = {f"{other}_port": free_port() for other in servers_module.NAMES if other != name}
        servers = Servers(**others, **{f"{name}_port": port})  # type: ignore[arg-type]
        with pytest.raises(ServerFailed) as failed:
            await servers.start()
        message = str(failed.value)
        assert message.startswith(f"The {name} server cannot start: port {port} on 127.0.0.1 is in use")
        assert f"--{name}-port" in message
        assert "\n" not in message
        assert servers.urls == {}
        for other in others.values():
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", other)


@pytest.mark.parametrize("name", servers_module.NAMES)
@pytest.mark.parametrize(
    ("host", "port", "says"),
    [
        ("127.0.0.1", 70_000, "70000 is not a valid port"),
        ("127.0.0.1", -1, "-1 is not a valid port"),
        ("192.0.2.7", 0, "cannot start on 192.0.2.7"),
        ("no-such-host.invalid", 0, "cannot start on no-such-host.invalid"),
        ("a" * 64 + ".example", 0, "is not a valid host name"),
        ("a..b", 0, "is not a valid host name"),
    ],
)
async def test_what_is_no_address_or_no_port_is_told(name: str, host: str, port: int, says: str) -> None:
    ports: dict[str, int | None] = {f"{other}_port": None for other in servers_module.NAMES}
    with pytest.raises(ServerFailed, match=says) as failed:
        await Servers(host=host, **(ports | {f"{name}_port": port})).start()  # type: ignore[arg-type]
    assert f"The {name} server cannot start" in str(failed.value)
    assert "\n" not in str(failed.value)


async def test_a_folder_that_holds_no_site_is_told(tmp_path: object) -> None:
    with pytest.raises(ServerFailed, match="holds no built site"):
        await Servers(site=tmp_path).start()  # type: ignore[arg-type]
