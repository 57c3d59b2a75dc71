"""Rooms of two and what is relayed between them: the Ayame protocol as a state machine without I/O.

Who registers first waits in the room; who comes second is told so (``isExistClient``) and makes the offer. From then
on an offer, an answer and the candidates of one pass to the other byte for byte and in order. A third is turned away
("full"). When one leaves, the other is told (``bye``) and its connection is closed; one who has said ``connected``
in standalone mode leaves in peace, for the two have their DataChannel and need no server.

Frames of the protocol: https://github.com/OpenAyame/ayame, and `p2pchat.messages`.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from p2pchat.core import Action, ClientId, Close, Send
from p2pchat.errors import FrameError
from p2pchat.messages import (
    Accept,
    Answer,
    Bye,
    Candidate,
    Connected,
    JsonObject,
    Offer,
    Ping,
    Pong,
    Register,
    Reject,
    parse_signaling,
)

PING, PONG, BYE = Ping().to_json(), Pong().to_json(), Bye().to_json()


@dataclass(eq=False, slots=True)
class _Room:
    id: str
    members: "list[_Member]" = field(default_factory=list)
    was_full: bool = False  # two have met here: nobody else comes in, even when one of them has left


@dataclass(eq=False, slots=True)
class _Member:
    client: ClientId  # None once it has left: its place among the next pings must not keep a connection in memory
    room: _Room
    standalone: bool
    last_frame: float  # when it came


class Signaling:
    """All rooms of a signaling server: a `p2pchat.core.Core`.

    Args:
        ice_servers: W3C RTCIceServer dictionaries, told to everybody who is let in.
        ping_every: seconds between two pings to one client.
        dead_after: seconds of silence after which a client is given up; both numbers are Ayame's.
        new_connection: makes connection ids.
    """

    def __init__(
        self,
        *,
        ice_servers: Sequence[JsonObject] = (),
        ping_every: float = 5.0,
        dead_after: float = 60.0,
        new_connection: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self._ice_servers = tuple(ice_servers)
        self._ping_every = ping_every
        self._dead_after = dead_after
        self._new_connection = new_connection
        self._members: dict[ClientId, _Member] = {}
        self._rooms: dict[str, _Room] = {}
        # Everybody is pinged at the same interval, so this stays sorted; who left meanwhile is passed over.
        self._next_pings: deque[tuple[float, _Member]] = deque()

    @property
    def rooms(self) -> int:
        """How many rooms somebody is in now."""
        return len(self._rooms)

    def receive(self, client: ClientId, text: str, now: float) -> list[Action]:
        """Take a frame: let in, turn away, relay or answer."""
        try:
            frame = parse_signaling(text)
        except FrameError as error:
            return self._dismiss(client, error.code, str(error), now)
        member = self._members.get(client)
        if member is not None:
            member.last_frame = now
        match frame, member:
            case ((Offer() | Answer() | Candidate()), _Member()):
                return [Send(other.client, text) for other in member.room.members if other is not member]
            case Ping(), _:
                return [Send(client, PONG)]
            case Pong(), _:
                return []
            case Connected(), _Member():
                return self._connected(member)
            case Register(), None:
                return self._register(client, frame, now)
            case Register(), _Member():
                return self._dismiss(client, 1008, "you are registered already", now)
            case ((Offer() | Answer() | Candidate() | Connected()), None):
                return self._dismiss(client, 1008, "register first: no other frame comes before it", now)
            case _:
                return self._dismiss(client, 1008, f"only a server says {type(frame).__name__.lower()!r}", now)

    def leave(self, client: ClientId, now: float) -> list[Action]:
        """Take a client out of its room; whoever is left there is told and goes too."""
        member = self._members.pop(client, None)
        if member is None:
            return []
        room = member.room
        room.members.remove(member)
        left_alone = list(room.members)
        room.members.clear()
        del self._rooms[room.id]
        actions: list[Action] = []
        for other in left_alone:
            del self._members[other.client]
            actions += [Send(other.client, BYE), Close(other.client, 1000, "the other one left")]
            other.client = None
        member.client = None
        return actions

    def tick(self, now: float) -> list[Action]:
        """Ping those whose turn it is, and give up those who have been silent for too long."""
        actions: list[Action] = []
        while self._next_pings and self._next_pings[0][0] <= now:
            _, member = self._next_pings.popleft()
            if self._members.get(member.client) is not member:
                continue
            if member.last_frame + self._dead_after <= now:
                reason = f"nothing heard from you for {self._dead_after:g} seconds, not even a pong"
                actions += self._dismiss(member.client, 1008, reason, now)
            else:
                actions.append(Send(member.client, PING))
                self._next_pings.append((now + self._ping_every, member))
        return actions

    def wake_at(self) -> float | None:
        """When the next ping is due."""
        return self._next_pings[0][0] if self._next_pings else None

    def _register(self, client: ClientId, frame: Register, now: float) -> list[Action]:
        room = self._rooms.setdefault(frame.room_id, _Room(frame.room_id))
        if room.was_full:
            return [
                Send(client, Reject("full").to_json()),
                Close(client, 1000, "the room is full: a room is for two"),
            ]
        member = _Member(client, room, frame.standalone, now)
        room.members.append(member)
        room.was_full = len(room.members) == 2
        self._members[client] = member
        self._next_pings.append((now + self._ping_every, member))
        return [Send(client, Accept(self._new_connection(), room.was_full, self._ice_servers).to_json())]

    def _connected(self, member: _Member) -> list[Action]:
        if not member.standalone:
            return []
        del self._members[member.client]
        member.room.members.remove(member)
        if not member.room.members:
            del self._rooms[member.room.id]
        client, member.client = member.client, None
        return [Close(client, 1000, "connected: you need no server now")]

    def _dismiss(self, client: ClientId, code: int, reason: str, now: float) -> list[Action]:
        """Answer a broken rule: in words for who broke it, with a bye for who shares its room."""
        return [Send(client, Reject(reason).to_json()), Close(client, code, reason), *self.leave(client, now)]
