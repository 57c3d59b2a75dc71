"""How much one client may ask of a server: each limit is a number, and 0 means none.

The defaults are such that honest use never meets them; each has a flag of its own on the command line.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the matchmaking and the signaling server."""

    matchmaking_frame: int = 4 * 1024  # bytes in one frame; above it close 1009
    signaling_frame: int = 1024 * 1024  # bytes; session descriptions pass 32 KiB, Ayame's cap is 1 MiB
    first_frame: float = 10.0  # seconds from the handshake to the first frame
    frames_per_second: float = 500.0  # from one client, on average
    frames_at_once: float = 1000.0  # from one client, in a burst
    connections: int = 1000  # from one address to one server; loopback is exempt
    queued: int = 4 * 1024 * 1024  # bytes waiting for a client that does not read


class TokenBucket:
    """A token bucket: so many at once, and so many a second in the long run; 0 for either allows all."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst and max(burst, 1.0)
        self._left = self._burst
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Use up one. Returns: whether there was one left at the time ``now``, in seconds."""
        if not (self._rate and self._burst):
            return True
        if self._at is not None:
            self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
