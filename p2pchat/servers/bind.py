"""The sockets that a server listens on."""

import socket

from tornado.netutil import bind_sockets

from p2pchat.errors import ServerFailed
from p2pchat.sockets.ports import CANNOT_LISTEN, check_port, why_not

BACKLOG = 1024  # connections that wait to be accepted: a classroom that presses START at once; Linux allows 4096


def bind(name: str, host: str, port: int) -> list[socket.socket]:
    """One socket for each address that ``host`` has, all on one port; 0 is any free one.

    Args:
        name: of the server, for the error.

    Raises: ServerFailed.
    """
    check_port(name, port)
    try:
        return bind_sockets(port, host, backlog=BACKLOG)
    except CANNOT_LISTEN as error:
        raise ServerFailed(why_not(name, host, port, error)) from None
