"""A server that is restarted, or replaced by another: its clients connect again by themselves.

It says so with the close code 1012, Service Restart (the registry that RFC 6455, section 11.7, made). In a browser it
comes when the tab that served was closed and the next takes over. Whoever is told so connects again, after a moment
that chance makes different for each, and begins anew. A server that is stopped says 1001 (Going Away), as ours on ports
do: nobody is to take its place, and its clients say so.
"""

import asyncio
import random

from p2pchat.errors import SocketClosed, SocketError, SocketNotOpened
from p2pchat.sockets import TABS, TextSocket, connect

SERVICE_RESTART = 1012  # a WebSocket close code
FIRST_PAUSE = 0.02  # seconds before the first attempt; each further one waits twice as long (our choice)
MAX_PAUSE = 2.0  # seconds between two attempts (our choice)


class Reconnect:
    """Connecting again to the server at ``url``, as often as it is restarted.

    Args:
        url: of the server.
        timeout: seconds that it may take to be there again.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._pause = FIRST_PAUSE  # it only grows, so a server that restarts all the time is asked every other second

    async def after(self, error: SocketClosed) -> TextSocket:
        """Connect again if ``error`` says that the server is restarted.

        Raises: SocketClosed, ``error`` itself, if it says anything else; SocketNotOpened where the server cannot be
            reached again.
        """
        if error.code != SERVICE_RESTART:
            raise error
        last: SocketError = error
        try:
            async with asyncio.timeout(self._timeout):
                while True:
                    await asyncio.sleep(self._pause * (0.5 + random.random()))
                    self._pause = min(2 * self._pause, MAX_PAUSE)
                    try:
                        return await connect(self._url, self._timeout)
                    except SocketNotOpened as failed:
                        last = failed
        except TimeoutError:
            reason = f"it was restarted, and did not come back within {self._timeout:g} seconds: {last.reason}"
            raise SocketNotOpened(reason) from None


def is_it_running(url: str) -> str:
    """What a person can do about a server at ``url`` that does not do its part."""
    starts = "await start_servers()" if url.startswith(TABS) else "p2pchat serve"
    return f"Is it running? `{starts}` starts one."
