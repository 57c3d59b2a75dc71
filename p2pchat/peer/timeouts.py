"""How long a peer waits for what. Nothing waits for ever."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a peer waits for what, in seconds. Where no source is named, it is our choice."""

    server: float = 10.0  # until a server has answered
    lonely: float = 10.0  # until it says that nobody else is there yet
    match: float = 1800.0  # until it stops waiting for a stranger
    stranger: float = 15.0  # until the stranger of a match has come to the room
    connect: float = 20.0  # until ICE has found a way
    ping: float = 2.0  # of silence on the channel until it asks for a sign of life
    silence: float = 8.0  # of silence until the stranger has vanished: four pings
    goodbye: float = 3.0  # for the last words to arrive; one lost packet is sent again after 1 s (RFC 9260, section 16)
