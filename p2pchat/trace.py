"""What happened, when, between whom: every part reports here, and every picture of a run is drawn from here.

A trace is a bounded list of arrows. Give one `Trace` to several peers and it holds the whole story of their meeting:
who asked the matchmaking server, what the signaling server relayed, and what went over the DataChannel without
any server.
"""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

MATCHMAKING = "matchmaking"
SIGNALING = "signaling"
STRANGER = "stranger"  # what a peer calls the other end of its DataChannel
MAX_ARROWS = 10_000  # in a trace (our choice); a meeting has about 15, and two for each message


class Arrow(NamedTuple):
    """Something that went from ``source`` to ``target``.

    ``at`` is in seconds since the trace began. Servers go by `MATCHMAKING` and `SIGNALING`, a peer by its name. What
    crosses the DataChannel stands twice when both peers report to one trace: once as sent, once as ``received``.
    """

    at: float
    source: str
    target: str
    what: str
    room: str = ""
    received: bool = False


class Trace:
    """The arrows of a run, oldest first; beyond ``max_arrows`` the oldest are forgotten."""

    def __init__(self, max_arrows: int = MAX_ARROWS) -> None:
        self._arrows: deque[Arrow] = deque(maxlen=max_arrows)
        self._began = time.monotonic()

    def report(self, source: str, target: str, what: str, *, room: str = "", received: bool = False) -> None:
        """Add an arrow that happened just now."""
        self._arrows.append(Arrow(time.monotonic() - self._began, source, target, what, room, received))

    def __iter__(self) -> Iterator[Arrow]:
        return iter(tuple(self._arrows))

    def __len__(self) -> int:
        return len(self._arrows)


@dataclass(frozen=True, slots=True)
class PeerTrace:
    """A trace as one peer writes it: from this peer, or to it, and about one room once there is one."""

    trace: Trace
    name: str
    room: str = ""

    def sent(self, target: str, what: str) -> None:
        """The peer sent something just now."""
        self.trace.report(self.name, target, what, room=self.room)

    def received(self, source: str, what: str) -> None:
        """Something has just come to the peer."""
        self.trace.report(source, self.name, what, room=self.room, received=True)
