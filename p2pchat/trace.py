"""What happened, when, between whom: every part reports here, and every picture of a run is drawn from here.

A trace is a bounded list of arrows. Give one `Trace` to several peers and it holds the whole story of their meeting:
who asked the matchmaking server, what the signaling server relayed, and what went over the DataChannel without
any server.
"""

import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

MATCHMAKING = "matchmaking"
SIGNALING = "signaling"


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
    """The arrows of a run, oldest first; beyond ``longest`` the oldest are forgotten."""

    def __init__(self, longest: int = 10_000) -> None:
        self._arrows: deque[Arrow] = deque(maxlen=longest)
        self._began = time.monotonic()

    def report(self, source: str, target: str, what: str, *, room: str = "", received: bool = False) -> None:
        """Add an arrow that happened just now."""
        self._arrows.append(Arrow(time.monotonic() - self._began, source, target, what, room, received))

    def __iter__(self) -> Iterator[Arrow]:
        return iter(tuple(self._arrows))

    def __len__(self) -> int:
        return len(self._arrows)
