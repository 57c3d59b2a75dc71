"""``servers.json``: where the real servers of a site are. The static server writes it, a tab of the site reads it.

It is one JSON object: the name of each server, and its URL.
"""

from urllib.parse import urlsplit

from p2pchat.sockets.ports import in_url

FILE = "servers.json"
NEEDED = ("matchmaking", "signaling")  # a chat needs both


def seen_from(host: str, url: str) -> str:
    """The address of a server, for a client that wrote ``host`` in its Host header (RFC 9110, section 7.2).

    A server that listens on 127.0.0.1 or on all addresses is reached by whatever name this one was reached by.
    """
    parts = urlsplit(url)
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        name = None
    return parts._replace(netloc=f"{in_url(name)}:{parts.port}").geturl() if name else url


def named_in(found: object) -> dict[str, str]:
    """What the file says of the two servers that a chat needs, or nothing if it does not name both.

    Args:
        found: the JSON value; it may have been written by anybody.
    """
    if not isinstance(found, dict):
        return {}
    urls = {name: found.get(name) for name in NEEDED}
    fit = all(isinstance(url, str) and url.startswith(("ws://", "wss://")) for url in urls.values())
    return {name: str(url) for name, url in urls.items()} if fit else {}
