"""Listening on a port: what it is called in a URL, and why it could not be had, in words."""

import errno

from p2pchat.errors import ServerFailed

DEFAULT_PORTS = {"static": 8080, "matchmaking": 8081, "signaling": 8082}  # the last two are those of the original

# What `asyncio` and `tornado` raise for an address that cannot be had, or is none at all.
CANNOT_LISTEN = (OSError, UnicodeError)


def check_port(name: str, port: int) -> None:
    """See that ``port`` is one: some systems take 70000 for 4464.

    Raises: ServerFailed.
    """
    if not 0 <= port <= 65535:
        raise ServerFailed(
            f"The {name} server cannot start: {port} is not a valid port. Choose one from 0 (any free one) to 65535."
        )


def why_not(name: str, host: str, port: int, error: Exception) -> str:
    """Why a server could not listen, in one sentence for a person."""
    if not isinstance(error, OSError):
        return f"The {name} server cannot start: {host!r} is not a valid host name."
    if error.errno == errno.EADDRINUSE:
        return (
            f"The {name} server cannot start: port {port} on {host} is in use, perhaps by another p2pchat. "
            f"Stop that one, or choose another with --{name}-port (0 takes any free one)."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"The {name} server cannot start: ports below 1024 need privileges. Choose one above 1023, not {port}."
    return f"The {name} server cannot start on {host}, port {port}: {error.strerror or error}."


def in_url(host: str) -> str:
    """The host as a browser on this machine can reach it."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1" if host == "0.0.0.0" else "[::1]"
    return f"[{host}]" if ":" in host else host
