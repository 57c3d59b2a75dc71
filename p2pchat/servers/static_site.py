"""The static server: hands out the files of the site, and has no part in any chat. With `tornado`."""

import logging
import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.web import Application, RequestHandler, StaticFileHandler

from p2pchat.errors import ServerFailed
from p2pchat.servers.bind import bind
from p2pchat.servers.servers_json import seen_from
from p2pchat.sockets.ports import in_url

# What a browser refuses to run or to read with another type; the lists of some machines have other ones, or none.
TYPES = {
    ".css": "text/css",
    ".ipynb": "application/json",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".whl": "application/octet-stream",
}
ENCODINGS = {"br": ".br", "gzip": ".gz"}  # the smaller first

# A file named by a digest of its content (``4680.34db628.js``) never changes; of others the browser asks each time
# whether they have, and is mostly told 304, Not Modified.
HASH = re.compile(r"[.-](?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,}[./-]")
FOR_GOOD = "public, max-age=31536000, immutable"  # seconds: a year (RFC 8246 has `immutable`)
ASK_AGAIN = "no-cache"

MAX_REQUEST = 64 * 1024  # bytes of an upload that are read at most: nobody has anything to upload here
IDLE_TIMEOUT = 60.0  # seconds that a connection may stay open without a request; browsers keep theirs for 60 to 300

NO_SITE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>p2pchat: no site here yet</title>
<style>
  :root { color-scheme: light dark }
  body { font: 1.1em/1.5 sans-serif; margin: 2em auto; max-width: 40em; padding: 0 1em }
</style>
<h1>The server runs; it has no site to show</h1>
<p>This is the static server of p2pchat. It was started without a site, so there is only this page.</p>
<p>The site is made of p2pchat's sources: in a checkout of them <code>make site</code> builds it, and then
<code>p2pchat serve</code>, started there, shows it. A site that lies elsewhere:
<code>p2pchat serve --site DIR</code>.</p>
<p>To chat without one, open the notebooks with <code>make lab</code>, or run <code>p2pchat chat</code> in two
terminals.</p>
"""

Urls = Callable[[], Mapping[str, str]]


class _Page(RequestHandler):
    """A page that says how to get a site."""

    def get(self) -> None:
        self.set_header("Cache-Control", ASK_AGAIN)
        self.finish(NO_SITE)

    head = get


class _Health(RequestHandler):
    def get(self) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("ok\n")

    head = get


class _ServersJson(RequestHandler):
    """Where the servers are that run beside this one: a peer in a page of the site asks for it."""

    def initialize(self, urls: Urls) -> None:
        self._urls = urls

    def get(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.finish({name: seen_from(self.request.host, url) for name, url in self._urls().items() if name != "static"})

    head = get


class _File(StaticFileHandler):
    """A file, or its compressed copy that lies beside it as ``.br`` or ``.gz``."""

    _wanted = Path()  # the file that was asked for
    _encoding = ""

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        found = super().validate_absolute_path(root, absolute_path)
        if found is None:  # redirected to the folder's name with a slash
            return None
        self._wanted = Path(found)
        accepted = accepted_encodings(self.request.headers.get("Accept-Encoding", ""))
        for self._encoding, suffix in ENCODINGS.items():
            copy = Path(found + suffix)
            if self._encoding in accepted and copy.is_file() and copy.stat().st_mtime >= self._wanted.stat().st_mtime:
                return super().validate_absolute_path(root, str(copy))
        self._encoding = ""
        return found

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", FOR_GOOD if self._is_named_by_content() else ASK_AGAIN)
        self.set_header("Vary", "Accept-Encoding")
        self.set_header("X-Content-Type-Options", "nosniff")
        if self._encoding:
            self.set_header("Content-Encoding", self._encoding)

    def _is_named_by_content(self) -> bool:
        path = self._wanted.relative_to(self.root).as_posix()
        if path.startswith(("api/", "files/")):  # named by people
            return False
        return "_" in self.request.query_arguments or HASH.search(path) is not None  # bundle.js?_=c1d836f

    def get_content_type(self) -> str:
        self.absolute_path, packed = str(self._wanted), self.absolute_path
        try:
            return TYPES.get(self._wanted.suffix) or super().get_content_type()
        finally:
            self.absolute_path = packed

    def compute_etag(self) -> str | None:
        """Of the file as it is now, compressed or not: `tornado` would keep the one of its first look."""
        status = Path(self.absolute_path or "").stat()
        return f'"{status.st_mtime_ns:x}-{status.st_size:x}{self._encoding}"'


def accepted_encodings(header: str) -> set[str]:
    """What an Accept-Encoding header names (RFC 9110, section 12.5.3); ``q=0`` means: not that one."""
    accepted = set()
    for part in header.lower().split(","):
        name, _, weight = part.partition(";")
        if not re.fullmatch(r"\s*q=0(\.0*)?\s*", weight):
            accepted.add(name.strip())
    return accepted


def _is_of_use(record: logging.LogRecord) -> bool:
    """Keep out of the log what `tornado` says about a client that breaks HTTP or TLS, for its address is in it, and
    its surprise at a connection that a stop closes under its hands."""
    if record.exc_info and isinstance(record.exc_info[1], StreamClosedError):
        return False
    return not record.msg.startswith(("Malformed HTTP message", "Timeout reading body", "SSL Error"))


class StaticSite:
    """The files below a folder, on one port.

    Args:
        site: the folder; without one there is a page that says how to get one.
        urls: the servers that run beside it, by name; ``/servers.json`` tells them.
        log_private: let addresses into the log.
    """

    name = "static"

    def __init__(self, site: Path | None = None, *, urls: Urls = dict, log_private: bool = False) -> None:
        self._site = site
        self._urls = urls
        self._log_private = log_private
        self._server: HTTPServer | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """Where the site is, for instance ``http://127.0.0.1:8080/``."""
        return self._url

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Listen on ``host`` and ``port``, 0 for any free one.

        Raises: ServerFailed.
        """
        if self._site is not None and not (self._site / "index.html").is_file():
            raise ServerFailed(f"The folder {self._site} holds no built site: there is no index.html in it.")
        handlers: list[tuple[str, type[RequestHandler], dict[str, Any]]] = [
            (r"/\.ok", _Health, {}),
            (r"/servers\.json", _ServersJson, {"urls": self._urls}),
        ]
        if self._site is None:
            handlers.append((r"/", _Page, {}))
        else:
            files = {"path": str(self._site.absolute()), "default_filename": "index.html"}
            handlers.append((r"/(.*)", _File, files))
        sockets = bind(self.name, host, port)
        if not self._log_private:
            logging.getLogger("tornado.general").addFilter(_is_of_use)
        self._server = HTTPServer(
            Application(handlers, log_function=lambda _: None),
            ssl_options=tls,
            max_body_size=MAX_REQUEST,
            idle_connection_timeout=IDLE_TIMEOUT,
            body_timeout=IDLE_TIMEOUT,
        )
        self._server.add_sockets(sockets)
        address, actual_port = sockets[0].getsockname()[:2]
        self._url = f"{'https' if tls else 'http'}://{in_url(address)}:{actual_port}/"

    async def stop(self) -> None:
        """Close; harmless when it is not running."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()
            await server.close_all_connections()
