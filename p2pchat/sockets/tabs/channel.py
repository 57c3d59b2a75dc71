"""A BroadcastChannel for texts, under a name that belongs to this site alone."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from js import BroadcastChannel
from pyodide.ffi import create_proxy

from p2pchat.sockets.site_url import site


class Channel:
    """A BroadcastChannel that carries texts; what is none is ignored.

    Args:
        name: of the channel, see `scoped`.
        on_message: called with each text that another end of the channel has posted.
    """

    def __init__(self, name: str, on_message: Callable[[str], None]) -> None:
        self._on_message = on_message
        self._channel: Any = BroadcastChannel.new(name)
        self._listener = create_proxy(self._receive)
        self._channel.onmessage = self._listener

    def post(self, message: str) -> None:
        """Send it to all others on this channel; harmless when it is closed."""
        if self._channel is not None:
            self._channel.postMessage(message)

    def close(self) -> None:
        """Send and receive no more; harmless when it is closed already."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.onmessage = None
            channel.close()
            self._listener.destroy()

    def _receive(self, event: Any) -> None:
        if self._channel is not None and isinstance(event.data, str):
            self._on_message(event.data)


def scoped(name: str) -> str:
    """What the channel or the lock ``name`` of this site is called among those of all sites on this origin."""
    return f"p2pchat {urlsplit(site()).path} {name}"
