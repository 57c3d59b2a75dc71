"""`p2pchat serve` shows the site that was built here, without being told where it is."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest


@pytest.fixture
def address(site: Path, tmp_path: Path) -> Iterator[str]:
    """Of a static server that was started in another folder."""
    command = [sys.executable, "-m", "p2pchat", "static", "--static-port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        try:
            name, url = server.stdout.readline().split()
            assert name == "static"
            yield url
        finally:
            server.terminate()
            server.wait(10)


def test_the_built_site_is_shown(site: Path, address: str) -> None:
    with urlopen(address, timeout=10) as answer:
        assert answer.read() == (site / "index.html").read_bytes()


def test_its_files_go_out_compressed(site: Path, address: str) -> None:
    (wasm,) = site.glob("static/pyodide-*/pyodide.asm.wasm")
    path = wasm.relative_to(site).as_posix()
    with urlopen(Request(address + path, headers={"Accept-Encoding": "br"}), timeout=10) as answer:
        assert answer.headers["Content-Type"] == "application/wasm"
        assert answer.headers["Content-Encoding"] == "br"
        assert "immutable" in answer.headers["Cache-Control"]
        assert len(answer.read()) < wasm.stat().st_size / 2


def test_a_page_learns_of_the_servers_that_run_beside_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "p2pchat", "serve"]
    ports = [option for name in ("static", "matchmaking", "signaling") for option in (f"--{name}-port", "0")]
    with subprocess.Popen([*command, *ports], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        try:
            urls = dict(server.stdout.readline().split() for _ in range(3))
            with urlopen(f"{urls.pop('static')}servers.json", timeout=10) as answer:
                assert json.load(answer) == urls
        finally:
            server.terminate()
            server.wait(10)


def test_a_static_server_alone_names_none(address: str) -> None:
    with urlopen(f"{address}servers.json", timeout=10) as answer:
        assert json.load(answer) == {}
