"""The static server: hands out the files of the site, and has no part in any chat. With `tornado`."""

import logging
import ssl
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, StaticFileHandler

from p2pchat.errors import ServerFailed
from p2pchat.listening import CANNOT_LISTEN, check_port, in_url, why_not

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
LARGEST_REQUEST = 64 * 1024  # bytes; nobody has anything to upload here
IDLE = 60.0  # seconds that a connection may stay open without a request

NO_SITE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>p2pchat: no site here yet</title>
<style>
  :root { color-scheme: light dark }
  body { font: 1.1em/1.5 sans-serif; margin: 2em auto; max-width: 40em; padding: 0 1em }
</style>
<h1>The server runs; it has no site to show</h1>
<p>This is the static server of p2pchat. It was started without a site, so there is only this page.</p>
<p>To show a built site, start it with its folder: <code>p2pchat serve --site DIR</code>.</p>
<p>To chat without one, open the notebooks with <code>make lab</code>, or run <code>p2pchat chat</code> in two
terminals.</p>
"""


class _NoSite(RequestHandler):
    def get(self) -> None:
        self.finish(NO_SITE)

    head = get


class _Health(RequestHandler):
    def get(self) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("ok\n")

    head = get


class _File(StaticFileHandler):
    def get_content_type(self) -> str:
        path = Path(self.absolute_path or "")
        return TYPES.get(path.suffix) or super().get_content_type()


def _is_of_use(record: logging.LogRecord) -> bool:
    """Keep out of the log what `tornado` says about a client that breaks HTTP or TLS, for its address is in it, and
    its surprise at a connection that a stop closes under its hands."""
    if record.exc_info and isinstance(record.exc_info[1], StreamClosedError):
        return False
    return not record.msg.startswith(("Malformed HTTP message", "Timeout reading body", "SSL Error"))


class SiteServer:
    """The files below a folder, on one port.

    Args:
        site: the folder; without one there is a page that says how to get one.
        tell_all: let addresses into the log.
    """

    name = "static"

    def __init__(self, site: Path | None = None, *, tell_all: bool = False) -> None:
        self._site = site
        self._tell_all = tell_all
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
        check_port(self.name, port)
        if self._site is not None and not (self._site / "index.html").is_file():
            raise ServerFailed(f"The folder {self._site} holds no built site: there is no index.html in it.")
        handlers: list[tuple[str, type[RequestHandler], dict[str, str]]] = [("/.ok", _Health, {})]
        if self._site is None:
            handlers.append((r"/", _NoSite, {}))
        else:
            files = {"path": str(self._site), "default_filename": "index.html"}
            handlers.append((r"/(.*)", _File, files))
        try:
            sockets = bind_sockets(port, host)
        except CANNOT_LISTEN as error:
            raise ServerFailed(why_not(self.name, host, port, error)) from None
        if not self._tell_all:
            logging.getLogger("tornado.general").addFilter(_is_of_use)
        self._server = HTTPServer(
            Application(handlers, log_function=lambda _: None),
            ssl_options=tls,
            max_body_size=LARGEST_REQUEST,
            idle_connection_timeout=IDLE,
            body_timeout=IDLE,
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
