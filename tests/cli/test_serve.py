"""`p2pchat serve` and the single servers, as processes."""

import asyncio
import signal
import socket
import urllib.request

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from p2pchat.cli import main
from tests.support.processes import p2pchat, serving


async def test_serve_prints_one_line_for_each_server_that_is_ready():
    async with serving() as (_process, urls):
        assert list(urls) == ["static", "matchmaking", "signaling"]
        assert urls["static"].startswith("http://127.0.0.1:")
        assert urls["matchmaking"].endswith("/matchmaking")
        assert urls["signaling"].endswith("/signaling")
        for url in urls.values():
            host = url.split("/")[2]
            answer = await asyncio.to_thread(urllib.request.urlopen, f"http://{host}/.ok", timeout=60)
            assert answer.read() == b"ok\n"


@pytest.mark.parametrize("name", ["static", "matchmaking", "signaling"])
async def test_each_server_runs_alone_in_a_terminal_of_its_own(name):
    async with p2pchat(name, f"--{name}-port", "0") as process:
        assert (await process.line()).split(" ")[0] == name
        process.kill(signal.SIGINT)
        status, out, _ = await process.end()
        assert (status, out) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_tells_the_connected_and_ends_with_0(number):
    async with serving() as (process, urls):
        waiting = await connect(urls["matchmaking"])
        in_a_room = await connect(urls["signaling"])
        await in_a_room.send('{"type": "register", "roomId": "r"}')
        await in_a_room.recv()
        never_reads = socket.create_connection(urls["signaling"].split("/")[2].rsplit(":", 1))
        process.kill(number)
        for client in (waiting, in_a_room):
            with pytest.raises(ConnectionClosed) as closed:
                await client.recv()
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1001, "the server is going away")
        status, _, err = await process.end()
        assert status == 0
        assert "Traceback" not in err
        never_reads.close()


@pytest.mark.parametrize("name", ["static", "matchmaking", "signaling"])
async def test_a_port_in_use_is_one_clear_sentence(name):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with p2pchat(name, f"--{name}-port", str(port)) as process:
            status, out, err = await process.end()
    assert status == 1
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith(f"The {name} server cannot start: port {port} on 127.0.0.1 is in use")
    assert f"--{name}-port" in err


async def test_serve_hands_out_a_built_site(tmp_path):
    (tmp_path / "index.html").write_text("<h1>our site</h1>")
    async with serving("--site", str(tmp_path)) as (_, urls):
        answer = await asyncio.to_thread(urllib.request.urlopen, urls["static"], timeout=60)
        assert answer.read() == b"<h1>our site</h1>"


async def test_serve_tells_clients_of_its_ice_servers():
    async with (
        serving("--ice-server", "stun:127.0.0.1:3478", "turn:ann:p%40ss@127.0.0.1:3479") as (_, urls),
        connect(urls["signaling"]) as client,
    ):
        await client.send('{"type": "register", "roomId": "r"}')
        accept = await client.recv()
    assert (
        '"iceServers":[{"urls":"stun:127.0.0.1:3478"},'
        '{"urls":"turn:127.0.0.1:3479","username":"ann","credential":"p@ss"}]' in accept
    )


async def test_a_bound_is_a_flag():
    async with serving("--first-frame", "3") as (_, urls), connect(urls["matchmaking"]) as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
    assert closed.value.rcvd.reason == "no frame from you within 3 seconds"


async def test_an_origin_is_a_flag():
    async with serving("--origin", "https://chat.example") as (_, urls):
        async with connect(urls["signaling"], origin="https://chat.example"):
            pass


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serve", "--signaling-port", "70000"], "is not a valid port"),
        (["serve", "--queued", "-1"], "0 means no limit"),
        (["serve", "--frames-per-second", "nan"], "is not a valid limit"),
        (["serve", "--ice-server", "http://x"], "is not an ICE server"),
        (["serve", "--ice-server", "turn:127.0.0.1:3478"], "needs a user and a password"),
        (["chat", "--interest", "x" * 51], "1 to 50 characters"),
        ([], "COMMAND"),
    ],
)
def test_wrong_arguments_are_explained(arguments, words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tls-key", "key.pem"], "goes with --tls-cert"),
        (["--tls-cert", "nowhere.pem"], "cannot be used"),
        (["--site", "nowhere"], "there is no index.html in it"),
    ],
)
def test_files_that_cannot_be_used_are_explained(arguments, words, capsys):
    assert main(["static", "--static-port", "0", *arguments]) == 1
    assert words in capsys.readouterr().err
