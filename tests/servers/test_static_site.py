"""The static server as a browser sees it: compressed copies, what it may keep, and where the other servers are."""

import asyncio
import gzip
import json
import os
from collections.abc import AsyncIterator
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from p2pchat.servers import built_site
from p2pchat.servers.servers_json import seen_from
from p2pchat.servers.static_site import StaticSite, accepted_encodings

TEXT = b"let text = 1;\n" * 100
IMMUTABLE = "public, max-age=31536000, immutable"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text("<h1>the site</h1>")
    (tmp_path / "a.js").write_bytes(TEXT)
    (tmp_path / "a.js.br").write_bytes(b"as brotli")  # any bytes: the server looks at names
    (tmp_path / "a.js.gz").write_bytes(gzip.compress(TEXT))
    (tmp_path / "a.wasm").write_bytes(b"\0asm")
    (tmp_path / "a.wasm.br").write_bytes(b"wasm as brotli")
    (tmp_path / "plain.js").write_bytes(TEXT)
    return tmp_path


@pytest.fixture
async def site(folder: Path) -> AsyncIterator[StaticSite]:
    server = StaticSite(folder)
    await server.start("127.0.0.1", 0)
    yield server
    await server.stop()


async def ask(url: str, path: str, method: str = "GET", **headers: str) -> tuple[int, HTTPMessage, bytes]:
    def asked() -> tuple[int, HTTPMessage, bytes]:
        connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    return await asyncio.to_thread(asked)


# --- compressed ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepts", "encoding", "body"),
    [
        ("gzip, deflate, br, zstd", "br", b"as brotli"),
        ("br", "br", b"as brotli"),
        ("BR;q=0.5", "br", b"as brotli"),
        ("gzip", "gzip", TEXT),
        ("gzip;q=1.0, br;q=0", "gzip", TEXT),
        ("br;q=0.000, gzip; q=0.0", None, TEXT),
        ("deflate", None, TEXT),
        ("brotli, x-gzip", None, TEXT),
        ("", None, TEXT),
        (",;;q=,=", None, TEXT),
    ],
)
async def test_a_client_gets_the_smallest_copy_that_it_can_read(
    site: StaticSite, accepts: str, encoding: str | None, body: bytes
) -> None:
    status, headers, received = await ask(site.url, "/a.js", Accept_Encoding=accepts)
    assert (status, headers["Content-Encoding"], headers["Content-Type"]) == (200, encoding, "text/javascript")
    assert int(headers["Content-Length"]) == len(received)
    assert (gzip.decompress(received) if encoding == "gzip" else received) == body


async def test_a_compressed_file_keeps_its_type(site: StaticSite) -> None:
    _, headers, body = await ask(site.url, "/a.wasm", Accept_Encoding="br")
    assert (headers["Content-Type"], headers["Content-Encoding"], body) == ("application/wasm", "br", b"wasm as brotli")


async def test_a_file_without_a_copy_goes_out_as_it_is(site: StaticSite) -> None:
    _, headers, body = await ask(site.url, "/plain.js", Accept_Encoding="gzip, br")
    assert (headers["Content-Encoding"], body) == (None, TEXT)


async def test_a_copy_older_than_its_file_is_not_used(site: StaticSite, folder: Path) -> None:
    (folder / "a.js").write_bytes(b"changed")
    later = (folder / "a.js.br").stat().st_mtime + 10
    os.utime(folder / "a.js", (later, later))
    _, headers, body = await ask(site.url, "/a.js", Accept_Encoding="br, gzip")
    assert (headers["Content-Encoding"], body) == (None, b"changed")


async def test_caches_between_are_told_that_the_encoding_matters(site: StaticSite) -> None:
    for accepts in ("br", "gzip", ""):
        _, headers, _ = await ask(site.url, "/a.js", Accept_Encoding=accepts)
        assert headers["Vary"] == "Accept-Encoding"


async def test_head_says_what_get_would(site: StaticSite) -> None:
    status, headers, body = await ask(site.url, "/a.js", "HEAD", Accept_Encoding="br")
    assert (status, headers["Content-Encoding"], headers["Content-Length"], body) == (200, "br", "9", b"")


async def test_no_browser_guesses_a_type(site: StaticSite) -> None:
    _, headers, _ = await ask(site.url, "/a.js")
    assert headers["X-Content-Type-Options"] == "nosniff"


# --- kept ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "cache"),
    [
        ("build/4680.34db628.js", IMMUTABLE),
        ("build/notebooks/bundle.js?_=c1d836f", IMMUTABLE),
        ("extensions/anywidget/static/remoteEntry.698dcaf7.js", IMMUTABLE),
        ("static/packages/pyee-16.0.1-0f8c81c29-py3-none-any.whl", IMMUTABLE),
        ("static/packages/pyodide-lock-8a399374.json", IMMUTABLE),
        ("static/pyodide-314.0.6-2c1f9566/pyodide.asm.wasm", IMMUTABLE),
        ("index.html", "no-cache"),
        ("jupyter-lite.json", "no-cache"),
        ("build/notebooks/bundle.js", "no-cache"),
        ("build/schemas/all.json", "no-cache"),
        ("static/pyodide-314.0.6/pyodide.asm.wasm", "no-cache"),
        ("files/notes-of-20261123.ipynb", "no-cache"),
        ("files/a-deadbeef1.ipynb", "no-cache"),
        ("api/contents/34db628.json", "no-cache"),
        ("effaced.js", "no-cache"),
        ("20261123.js", "no-cache"),
    ],
)
async def test_what_is_named_by_its_content_is_kept_for_good_and_the_rest_asked_for_again(
    site: StaticSite, folder: Path, path: str, cache: str
) -> None:
    file = folder / path.partition("?")[0]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{}")
    status, headers, _ = await ask(site.url, f"/{path}")
    assert (status, headers["Cache-Control"]) == (200, cache)


@pytest.mark.parametrize("accepts", ["br", "gzip", ""])
async def test_what_has_not_changed_is_not_sent_again(site: StaticSite, accepts: str) -> None:
    _, headers, _ = await ask(site.url, "/a.js", Accept_Encoding=accepts)
    status, again, body = await ask(site.url, "/a.js", Accept_Encoding=accepts, If_None_Match=headers["ETag"])
    assert (status, body, again["ETag"]) == (304, b"", headers["ETag"])
    assert (again["Cache-Control"], again["Vary"]) == ("no-cache", "Accept-Encoding")


async def test_each_copy_has_an_etag_of_its_own(site: StaticSite) -> None:
    etags = {(await ask(site.url, "/a.js", Accept_Encoding=accepts))[1]["ETag"] for accepts in ("br", "gzip", "")}
    assert len(etags) == 3


async def test_what_changed_while_the_server_runs_is_sent_anew(site: StaticSite, folder: Path) -> None:
    _, headers, _ = await ask(site.url, "/plain.js")
    (folder / "plain.js").write_bytes(b"a new build")
    status, _, body = await ask(site.url, "/plain.js", If_None_Match=headers["ETag"])
    assert (status, body) == (200, b"a new build")


# --- servers.json -------------------------------------------------------------------------------------------------


async def servers_json(urls: dict[str, str], host: str | None = None) -> tuple[HTTPMessage, dict[str, str]]:
    server = StaticSite(urls=lambda: {"static": server.url, **urls})
    await server.start("127.0.0.1", 0)
    try:
        status, headers, body = await ask(server.url, "/servers.json", **({"Host": host} if host else {}))
        assert status == 200
        return headers, json.loads(body)
    finally:
        await server.stop()


URLS = {"matchmaking": "ws://127.0.0.1:8081/matchmaking", "signaling": "ws://127.0.0.1:8082/signaling"}


async def test_a_page_learns_where_the_servers_are() -> None:
    headers, told = await servers_json(URLS)
    assert told == URLS
    assert headers["Content-Type"] == "application/json; charset=UTF-8"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("host", "seen"),
    [
        ("localhost:8080", "localhost"),
        ("chat.example", "chat.example"),
        ("192.168.1.7:8080", "192.168.1.7"),
        ("[::1]:8080", "[::1]"),
        ("[fe80::1", "127.0.0.1"),
        (":8080", "127.0.0.1"),
    ],
)
async def test_by_the_name_that_the_page_itself_was_reached_by(host: str, seen: str) -> None:
    _, told = await servers_json(URLS, host)
    assert told["matchmaking"] == f"ws://{seen}:8081/matchmaking"
    assert told["signaling"] == f"ws://{seen}:8082/signaling"


def test_with_tls_where_the_servers_have_it() -> None:
    assert seen_from("chat.example", "wss://127.0.0.1:8081/matchmaking") == "wss://chat.example:8081/matchmaking"


async def test_only_of_servers_that_run() -> None:
    assert (await servers_json({}))[1] == {}
    assert (await servers_json({"signaling": URLS["signaling"]}))[1] == {"signaling": URLS["signaling"]}


async def test_with_a_site_too(folder: Path) -> None:
    server = StaticSite(folder, urls=lambda: URLS)
    await server.start("127.0.0.1", 0)
    try:
        assert json.loads((await ask(server.url, "/servers.json"))[2]) == URLS
    finally:
        await server.stop()


# --- parts --------------------------------------------------------------------------------------------------------


def test_an_accept_encoding_is_read_as_the_rfc_says() -> None:
    assert accepted_encodings("gzip;q=0.8 , BR, zstd;q=0") == {"gzip", "br"}


def test_the_built_site_is_found_in_a_checkout_only_when_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("p2pchat.servers.__file__", str(tmp_path / "p2pchat/servers/__init__.py"))
    assert built_site() is None
    (tmp_path / "build/site").mkdir(parents=True)
    assert built_site() is None
    (tmp_path / "build/site/index.html").touch()
    assert built_site() == tmp_path / "build/site"
