"""How often one client may do a thing: the token bucket (RFC 2697 calls its numbers rate and burst size)."""


class TokenBucket:
    """So many at once, and so many a second in the long run.

    Args:
        rate: tokens that come back in a second; 0 allows all.
        burst: tokens that a full bucket holds; 0 allows all.
    """

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
