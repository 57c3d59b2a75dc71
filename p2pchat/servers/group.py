"""What servers have in common whether they are on ports or on tabs: addresses by name, a start and a stop."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Self

from p2pchat.errors import ServerFailed


class ServerGroup(ABC):
    """Servers that are started and stopped as one thing; an async context manager does both."""

    @property
    @abstractmethod
    def urls(self) -> Mapping[str, str]:
        """The address of each server that runs, by its name."""

    @abstractmethod
    async def start(self) -> None:
        """Start them; those of an earlier start are stopped first.

        Raises: ServerFailed, and then none is left running.
        """

    @abstractmethod
    async def stop(self) -> None:
        """Stop them; harmless when nothing is running."""

    @property
    def static_url(self) -> str:
        """Where the site is, for instance ``http://127.0.0.1:8080/``."""
        return self._url("static")

    @property
    def matchmaking_url(self) -> str:
        """What a `ChatPeer` takes as ``matchmaking``; in a browser for instance ``tabs:matchmaking``."""
        return self._url("matchmaking")

    @property
    def signaling_url(self) -> str:
        """What a `ChatPeer` takes as ``signaling``."""
        return self._url("signaling")

    def _url(self, name: str) -> str:
        if name not in self.urls:
            raise ServerFailed(f"The {name} server is not running.")
        return self.urls[name]

    def __repr__(self) -> str:
        return f"Servers({dict(self.urls) or 'stopped'})"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
