"""The first answer of a server: who gets a WebSocket, and what the others are told in HTTP."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple

from websockets.http11 import Request

from p2pchat.servers.origins import is_allowed
from p2pchat.sockets.loopback import is_loopback

HEALTH = "/.ok"  # for whoever watches over the server: it answers 200


class Answer(NamedTuple):
    """An HTTP response in place of a WebSocket."""

    status: HTTPStatus
    words: str


def answer(request: Request, path: str, origins: Sequence[str]) -> Answer | None:
    """What a request is answered that is not let in; None lets it in.

    Args:
        request: an HTTP request. Whether it asks for a WebSocket (RFC 6455, section 4.2.1) is not looked at.
        path: the only path where there is a WebSocket.
        origins: web pages that are allowed besides those of `p2pchat.servers.origins`.
    """
    asked = request.path.partition("?")[0]
    if asked == HEALTH:
        return Answer(HTTPStatus.OK, "ok")
    if asked != path:
        return Answer(HTTPStatus.NOT_FOUND, f"there is only {path} here")
    try:
        origin, host = _one(request, "Origin"), _one(request, "Host")
    except ValueError as error:
        return Answer(HTTPStatus.BAD_REQUEST, str(error))
    if not is_allowed(origin, host, origins):
        page = str(origin).replace('"', "'")
        return Answer(HTTPStatus.FORBIDDEN, f'pages from "{page}" are not allowed; --origin allows them')
    return None


def too_many_connections(address: str, connections: int, limit: int) -> Answer | None:
    """What the next one is answered from an address that has too many connections; None lets it in.

    Args:
        connections: how many there are from it, this one included.
        limit: how many there may be, 0 for no bound. This machine may have any number.
    """
    if not 0 < limit < connections or is_loopback(address):
        return None
    return Answer(HTTPStatus.TOO_MANY_REQUESTS, f"more than {limit} connections from your address; close some first")


def _one(request: Request, name: str) -> str | None:
    """The value of a header that may be there once. Raises: ValueError when it is there more often."""
    values = request.headers.get_all(name)
    if len(values) > 1:
        raise ValueError(f"more than one {name} header")
    return values[0] if values else None
