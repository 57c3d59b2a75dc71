"""How much one client may ask of a server: each limit is a number, and 0 means no limit.

The defaults are such that honest use never meets them; each has a flag of its own on the command line.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the matchmaking and the signaling server."""

    matchmaking_frame: int = 4 * 1024  # bytes in one message, above it close 1009; a Join in ASCII has 1.2 KiB at most
    signaling_frame: int = 1024 * 1024  # bytes, likewise; session descriptions pass 32 KiB, Ayame's cap is 1 MiB
    first_frame: float = 10.0  # seconds from TCP to the handshake, and as many from there to the first frame
    frames_per_second: float = 500.0  # frames of any kind from one client, on average; honest ones send 20
    frames_at_once: float = 1000.0  # from one client, in a burst: many times the candidates of one machine
    connections: int = 1000  # from one address to one server: a school behind one router; loopback is exempt
    queued: int = 4 * 1024 * 1024  # bytes unsent to a client that does not read: four of the largest frames
