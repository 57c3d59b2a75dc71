"""What a peer tells of: where it stands, and what was said. Each is one line of a chat's record.

A peer goes through the states from top to bottom, and from ``closed`` back to ``waiting``::

    idle ──start──► waiting ──MATCH──► matched ──room──► connecting ──channel──► open ──leave, stranger──► closed
                       ▲                                                                                     │
                       └───────────────────────────── start, next ───────────────────────────────────────────┘
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class State(Enum):
    """Where a peer stands."""

    IDLE = "idle"  # never started
    WAITING = "waiting"  # asks the matchmaking server for a stranger, or waits in its line
    MATCHED = "matched"  # has a room, and enters it
    CONNECTING = "connecting"  # offer, answer, candidates
    OPEN = "open"  # talks to the stranger
    CLOSED = "closed"  # it is over; `start` and `next` begin again


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The peer is in a new state, and why, in words for a person."""

    state: State
    why: str


@dataclass(frozen=True, slots=True)
class MessageSent:
    """You said something; `Delivered` will name its ``id`` if the stranger's program can tell."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """The stranger said something."""

    text: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """All that you said up to the message with this ``id`` has arrived."""

    id: int


@dataclass(frozen=True, slots=True)
class StrangerTyping:
    """The stranger is writing; it holds for some seconds or until the next message."""


@dataclass(frozen=True, slots=True)
class SaidGoodbye:
    """The stranger leaves on purpose."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something worth a line of [Sys], in words."""

    text: str


StrangerEvent: TypeAlias = MessageReceived | Delivered | StrangerTyping | SaidGoodbye | Notice  # from the channel
Event: TypeAlias = StateChanged | MessageSent | StrangerEvent
