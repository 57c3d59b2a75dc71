"""What is where: paths, health, the static site, Origins, TLS and the addresses that one can listen on."""

import asyncio
import datetime
import ipaddress
import json
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import connect

from p2pchat.servers import NAMES, Servers
from p2pchat.servers.limits import Limits
from tests.support.raw_clients import a_room, candidate, join, register, relays, waiting
from tests.support.raw_websocket import LIMIT, ask, open_raw, raw_connection

CORES = ("matchmaking", "signaling")


@pytest.mark.parametrize("name", NAMES)
async def test_each_server_says_that_it_is_well(servers: Servers, name: str) -> None:
    status, _, body = await ask(servers.urls[name], path="/.ok")
    assert (status, body) == ("HTTP/1.1 200 OK", "ok\n")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("path", ["/nothing", "/signalin", "/signaling/", "/matchmaking/x", "/%2e%2e/", "//", "/.ok/"])
async def test_any_other_path_is_not_found(servers: Servers, name: str, path: str) -> None:
    status, _, _ = await ask(servers.urls[name], path=path)
    assert status == "HTTP/1.1 404 Not Found"


async def test_each_core_has_its_own_path_only(servers: Servers) -> None:
    for url, path in ((servers.matchmaking_url, "/signaling"), (servers.signaling_url, "/matchmaking")):
        with pytest.raises(ConnectionRefusedError, match="404 Not Found: there is only /"):
            await open_raw(url.rpartition("/")[0] + path)


@pytest.mark.parametrize("name", CORES)
async def test_a_query_is_allowed(servers: Servers, name: str) -> None:
    async with connect(f"{servers.urls[name]}?room=1"):
        pass


@pytest.mark.parametrize("name", CORES)
async def test_a_browser_that_was_pointed_at_a_websocket_is_told_so(servers: Servers, name: str) -> None:
    status, _, body = await ask(servers.urls[name])
    assert status == "HTTP/1.1 426 Upgrade Required"
    assert "WebSocket" in body


@pytest.mark.parametrize("name", CORES)
@pytest.mark.parametrize(
    ("rubbish", "answer"),
    [
        (b"hello\r\n\r\n", b""),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b""),
        (b"POST /matchmaking HTTP/1.1\r\n\r\n", b""),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", b"HTTP/1.1 414 "),
        (b"GET /.ok HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"HTTP/1.1 431 "),
        (b"GET /.ok HTTP/1.1\r\nA: " + b"b" * 9000 + b"\r\n\r\n", b"HTTP/1.1 431 "),
    ],
    ids=["no HTTP", "TLS", "POST", "a long line", "many headers", "a long header"],
)
async def test_what_is_no_handshake_ends(servers: Servers, name: str, rubbish: bytes, answer: bytes) -> None:
    reader, writer = await raw_connection(servers.urls[name])
    writer.write(rubbish)
    assert (await reader.read(-1)).startswith(answer)
    writer.close()
    async with connect(servers.urls[name]):
        pass  # the server goes on


# --- the static site ----------------------------------------------------------------------------------------------


async def test_without_a_site_there_is_a_page_that_says_how_to_get_one(servers: Servers) -> None:
    status, headers, body = await ask(servers.static_url)
    assert status == "HTTP/1.1 200 OK"
    assert "text/html; charset=UTF-8" in headers
    assert "--site DIR" in body


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with a site, and a secret beside it."""
    (tmp_path / "secret.txt").write_text("nobody may read this")
    folder = tmp_path / "site"
    (folder / "lab").mkdir(parents=True)
    (folder / "index.html").write_text("<h1>the site</h1>")
    (folder / "lab" / "index.html").write_text("<h1>the lab</h1>")
    for name in ("a.js", "a.mjs", "a.css", "a.json", "a.wasm", "a.svg", "a.whl", "a.ipynb", "a name.txt"):
        (folder / name).write_text("{}")
    return folder


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/index.html", "text/html"),
        ("/lab/", "text/html"),
        ("/a.js", "text/javascript"),
        ("/a.mjs", "text/javascript"),
        ("/a.css", "text/css"),
        ("/a.json", "application/json"),
        ("/a.wasm", "application/wasm"),
        ("/a.svg", "image/svg+xml"),
        ("/a.whl", "application/octet-stream"),
        ("/a.ipynb", "application/json"),
        ("/a%20name.txt", "text/plain"),
    ],
)
async def test_a_file_of_the_site_has_the_type_that_a_browser_needs(site: Path, path: str, kind: str) -> None:
    async with Servers(site=site, matchmaking_port=None, signaling_port=None) as servers:
        status, headers, body = await ask(servers.static_url, path=path)
        assert (status, bool(body)) == ("HTTP/1.1 200 OK", True)
        assert f"Content-Type: {kind}" in headers


async def test_a_folder_leads_to_its_page(site: Path) -> None:
    async with Servers(site=site, matchmaking_port=None, signaling_port=None) as servers:
        status, headers, _ = await ask(servers.static_url, path="/lab")
        assert status.startswith("HTTP/1.1 301")
        assert "Location: /lab/\r\n" in headers + "\r\n"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/lab/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/lab/%2e%2e/%2e%2e/secret.txt",
        "/..\\secret.txt",
        "//secret.txt",
        "/./../secret.txt",
        "/index.html/../../secret.txt",
        "/%00/../../secret.txt",
    ],
)
async def test_nothing_outside_of_the_site_is_handed_out(site: Path, path: str) -> None:
    async with Servers(site=site, matchmaking_port=None, signaling_port=None) as servers:
        for tried in (path, f"/{site.parent}/secret.txt"):
            status, _, body = await ask(servers.static_url, path=tried)
            assert status.split()[1] in ("400", "403", "404")
            assert "nobody may read this" not in body


async def test_only_get_and_head_are_served(site: Path) -> None:
    async with Servers(site=site, matchmaking_port=None, signaling_port=None) as servers:
        for method, path, expected in (("HEAD", "/", "200"), ("HEAD", "/.ok", "200"), ("POST", "/", "405")):
            reader, writer = await raw_connection(servers.static_url)
            writer.write(
                f"{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
            assert (await reader.read(-1)).split()[1].decode() == expected
            writer.close()


async def test_a_huge_upload_to_the_site_is_refused(servers: Servers) -> None:
    reader, writer = await raw_connection(servers.static_url)
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()


# --- Origins ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CORES)
@pytest.mark.parametrize(
    "origin",
    [None, "http://localhost", "http://localhost:8888", "https://localhost:1", "http://127.0.0.1:8080",
     "http://127.0.0.1", "http://[::1]:8080", "http://lab.localhost:8000"],
)  # fmt: skip
async def test_programs_and_pages_of_this_machine_are_welcome(servers: Servers, name: str, origin: str | None) -> None:
    await (await open_raw(servers.urls[name], origin=origin)).leave()


@pytest.mark.parametrize("name", CORES)
@pytest.mark.parametrize(
    "origin",
    ["null", "", "https://example.org", "http://localhost.example.org", "http://127.0.0.1.example.org",
     "file://", "chrome-extension://abc", "http://192.0.2.7:8080", "http://0x7f000001", "ftp://localhost",
     "http://[::1", "http://example.org@localhost.evil", "localhost"],
)  # fmt: skip
async def test_pages_from_elsewhere_are_not(servers: Servers, name: str, origin: str) -> None:
    with pytest.raises(ConnectionRefusedError, match=r"403 Forbidden: pages from .* are not allowed; --origin"):
        await open_raw(servers.urls[name], origin=origin)


@pytest.mark.parametrize("name", CORES)
async def test_pages_from_the_address_of_the_server_itself_are_welcome(name: str, servers: Servers) -> None:
    url = servers.urls[name]
    headers = {"Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    for origin, host, code in (
        ("http://192.0.2.7:8080", "192.0.2.7:8082", "101"),
        ("http://[2001:db8::7]:8080", "[2001:db8::7]:8082", "101"),
        ("http://192.0.2.8:8080", "192.0.2.7:8082", "403"),
        ("http://chat.example.org", "chat.example.org", "403"),  # anybody can point a name at this machine
    ):
        reader, writer = await raw_connection(url)
        lines = [f"GET /{name} HTTP/1.1", f"Host: {host}", "Connection: Upgrade", f"Origin: {origin}"]
        writer.write("\r\n".join([*lines, *(f"{k}: {v}" for k, v in headers.items()), "", ""]).encode())
        assert (await reader.readline()).split()[1].decode() == code, (origin, host)
        writer.close()


async def test_two_origins_are_one_too_many(servers: Servers) -> None:
    with pytest.raises(ConnectionRefusedError, match="400 Bad Request: more than one Origin header"):
        await open_raw(servers.signaling_url, origin="http://localhost\r\nOrigin: https://example.org")


async def test_a_star_lets_every_page_in() -> None:
    async with Servers(static_port=None, origins=["*"]) as servers:
        for origin in ("https://example.org", "null"):
            await (await open_raw(servers.matchmaking_url, origin=origin)).leave()


async def test_a_named_origin_is_let_in_and_no_other() -> None:
    async with Servers(static_port=None, origins=["https://example.org"]) as servers:
        await (await open_raw(servers.signaling_url, origin="https://example.org")).leave()
        with pytest.raises(ConnectionRefusedError, match="403"):
            await open_raw(servers.signaling_url, origin="https://example.org:444")


# --- TLS and addresses --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    return folder / "cert.pem", folder / "key.pem"


async def test_all_three_speak_tls(certificate: tuple[Path, Path]) -> None:
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(*certificate)
    theirs = ssl.create_default_context(cafile=str(certificate[0]))
    async with Servers(tls=ours) as servers:
        assert [url.partition(":")[0] for url in servers.urls.values()] == ["https", "wss", "wss"]
        reader, writer = await raw_connection(servers.static_url, tls=theirs)
        writer.write(b"GET /.ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await reader.read(-1)).endswith(b"ok\n")
        async with (
            connect(servers.matchmaking_url, ssl=theirs) as one,
            connect(servers.matchmaking_url, ssl=theirs) as two,
        ):
            await one.send(join("one"))
            await two.send(join("two"))
            rooms = {json.loads(await client.recv())["room_id"] for client in (one, two)}
            assert len(rooms) == 1
        raw = await open_raw(servers.signaling_url, tls=theirs)
        raw.send(register("a room"))
        assert json.loads(await raw.text())["type"] == "accept"
        writer.close()


async def test_who_speaks_no_tls_to_a_tls_port_disturbs_nobody(certificate: tuple[Path, Path]) -> None:
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(*certificate)
    theirs = ssl.create_default_context(cafile=str(certificate[0]))
    async with Servers(tls=ours) as servers:
        for url in servers.urls.values():
            reader, writer = await raw_connection(url)
            writer.write(b"GET /.ok HTTP/1.1\r\n\r\n")
            with suppress(ConnectionResetError):
                assert b"HTTP" not in await reader.read(-1)
            writer.close()
        async with connect(servers.signaling_url, ssl=theirs):
            pass


@pytest.mark.parametrize("name", CORES)
async def test_who_never_finishes_the_handshake_of_tls_is_cut_off(certificate: tuple[Path, Path], name: str) -> None:
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(*certificate)
    async with Servers(static_port=None, tls=ours, limits=Limits(first_frame=0.3)) as servers:
        reader, writer = await raw_connection(servers.urls[name])
        with suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(-1), LIMIT) == b""
        writer.close()


@pytest.mark.parametrize(
    ("host", "reached_at"),
    [("127.0.0.1", "127.0.0.1"), ("localhost", None), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]"), ("::", "[::1]")],
)
async def test_the_urls_can_be_reached_whatever_the_host(host: str, reached_at: str | None) -> None:
    if ":" in host and not _ipv6():
        pytest.skip("this machine has no IPv6")
    async with Servers(host=host) as servers:
        assert (await ask(servers.static_url, path="/.ok"))[2] == "ok\n"
        stranger = await waiting(servers.matchmaking_url, "a")
        one, other = await a_room(servers.signaling_url, "a")
        await relays(one, other, candidate())
        await stranger.leave()
        if reached_at:
            assert all(f"//{reached_at}:" in url for url in servers.urls.values())


def _ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True
