"""What the two cores, matchmaking and signaling, have in common.

A core is a state machine that does no I/O: it is told who said what at which time, and answers with a list of
actions for whoever owns the sockets. So one core serves real ports, a browser tab and a test alike, and needs
neither a socket nor a clock to be understood (the sans-I/O style: https://sans-io.readthedocs.io).

``client`` is any hashable object that stands for one connection; ``now`` is in seconds of a clock that never goes back,
whatever it began at (`time.monotonic`, `asyncio.loop.time`). A core that must tell the time of day is given a function.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

ClientId: TypeAlias = Hashable


@dataclass(frozen=True, slots=True)
class Send:
    """Send this text frame to this connection."""

    client: ClientId
    text: str


@dataclass(frozen=True, slots=True)
class Close:
    """Close this connection with a WebSocket close code (RFC 6455, section 7.4.1) and a reason in words.

    The core has forgotten the connection already.
    """

    client: ClientId
    code: int
    reason: str


Action: TypeAlias = Send | Close


class Core(Protocol):
    """A server without its sockets."""

    def receive(self, client: ClientId, text: str, now: float) -> list[Action]:
        """``client`` sent the text frame ``text``. Never raises: a bad frame is answered with a ``Close``."""

    def leave(self, client: ClientId, now: float) -> list[Action]:
        """The connection of ``client`` ended, with or without a close. Harmless for one who is not known."""

    def tick(self, now: float) -> list[Action]:
        """Do what has become due; to be called at ``wake_at()`` or later."""

    def wake_at(self) -> float | None:
        """When ``tick`` has to be called next, or None if nothing is due."""
