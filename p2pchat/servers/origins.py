"""Which web pages may talk to the servers.

A browser lets any page open a WebSocket to any server and only says where the page came from, in the Origin header
(RFC 6455, section 10.2). It is for the server to refuse. Let in are programs (they send no Origin), pages from this
machine, and pages from the very address the server is reached at: the site that is served beside it. A name instead of
an address is not enough for the last, because anybody can point a name at this machine (DNS rebinding).
"""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from p2pchat.sockets.loopback import is_loopback

ANY = "*"


def is_allowed(origin: str | None, host: str | None, more: Sequence[str] = ()) -> bool:
    """Whether a page from ``origin`` may come in.

    Args:
        origin: the Origin header of the request.
        host: its Host header.
        more: further origins that are allowed, or ``*`` for all.
    """
    if origin is None or ANY in more or origin in more:
        return True
    try:
        page = urlsplit(origin)
        name = page.hostname or ""
        server = urlsplit(f"//{host or ''}").hostname
    except ValueError:
        return False
    if page.scheme not in ("http", "https"):
        return False
    return is_loopback(name) or (name == server and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
