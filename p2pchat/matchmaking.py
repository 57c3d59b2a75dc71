"""Who waits, who is paired: the waiting line as a state machine without I/O.

A stranger joins with one `Join` frame and is either paired at once or waits. Two can be paired when

* they are not the same user (somebody who pressed START in two tabs never meets themselves),
* they share an interest, or both will take anyone: at once without interests, after ``patience`` seconds with,
* they do not come from the same room, where they have just met; only when both have waited twice the
  ``patience``, so that nobody else was there, may they meet again.

Where more than one could be paired with the newcomer, chance decides.

**Why it stays quick.** Who waits stands in one pool for each of their interests, and in the pool ``ANYONE`` once
anyone will do. Whoever can be paired is paired at once, so those who stay in one pool exclude each other: they are
one user's tabs, or come from one room. A search passes over those of the newcomer's own kind and ends at the first
few who suit, so it is as short in a long line as in a short one. And nobody starves: the line never holds two who
could be paired.

**Why there are no ghosts.** Whoever leaves is taken out of every pool before the next frame is read.
"""

import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias
from uuid import uuid4

from p2pchat.core import Action, ClientId, Close, Send
from p2pchat.errors import FrameError
from p2pchat.messages import Match, parse_join, rfc3339_now

ANYONE = ""  # the pool of all who will take anyone; no interest is empty
CHOICE = 8  # among how many of a pool chance decides: enough to mix strangers, few enough to be quick
GRACE = 5.0  # seconds that a client has to close after MATCH, before the server does: many slow round trips


@dataclass(eq=False, slots=True)
class _Waiter:
    client: ClientId
    user_id: str
    interests: tuple[str, ...]
    previous_room: str | None
    joined: float
    pools: list[str] = field(default_factory=list)  # where it waits now; empty when it waits no more


# Who waits in a pool, by user: one user's tabs are passed over at once.
_Pool: TypeAlias = dict[str, dict[ClientId, _Waiter]]


class Matchmaking:
    """The waiting line: a `p2pchat.core.Core`.

    Args:
        patience: seconds to wait for a shared interest before anyone will do: long enough for another one to press
            START, short enough that nobody thinks it hangs.
        chance: picks among those who could be paired; seed it to make a test repeatable.
        new_room: makes room ids, which nobody must be able to guess.
        timestamp: tells the time of day, as an RFC 3339 text for the ``created_at`` of a MATCH.
    """

    def __init__(
        self,
        *,
        patience: float = 3.0,
        chance: random.Random | None = None,
        new_room: Callable[[], str] = lambda: str(uuid4()),
        timestamp: Callable[[], str] = rfc3339_now,
    ) -> None:
        self._patience = patience
        self._chance = chance or random.Random()
        self._new_room = new_room
        self._timestamp = timestamp
        self._waiting: dict[ClientId, _Waiter] = {}
        self._pools: dict[str, _Pool] = {}
        self._matched: dict[ClientId, float] = {}  # who has its MATCH, and when the server closes, soonest first
        # Everybody has the same patience, so these stay sorted by ``joined``; who left meanwhile is passed over.
        self._until_anyone: deque[_Waiter] = deque()
        self._until_again: deque[_Waiter] = deque()

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return len(self._waiting)

    def receive(self, client: ClientId, text: str, now: float) -> list[Action]:
        """Take the first frame of a client: pair it, or put it in the line."""
        if client in self._waiting or client in self._matched:
            self.leave(client, now)
            return [Close(client, 1008, "one frame is enough: after the first, only wait for MATCH and close")]
        try:
            join = parse_join(text)
        except FrameError as error:
            return [Close(client, error.code, str(error))]
        newcomer = _Waiter(client, join.user_id, join.interests, join.previous_room, now)
        self._waiting[client] = newcomer
        if newcomer.interests:
            self._until_anyone.append(newcomer)
        if newcomer.previous_room:
            self._until_again.append(newcomer)
        return self._pair_or_wait(newcomer, newcomer.interests or (ANYONE,), now)

    def leave(self, client: ClientId, now: float) -> list[Action]:
        """Take a client out of the line; nobody else has to be told."""
        self._matched.pop(client, None)
        if waiter := self._waiting.pop(client, None):
            self._leave_pools(waiter)
        return []

    def tick(self, now: float) -> list[Action]:
        """Widen the search of those whose patience ended, and close on those who stay after MATCH."""
        actions: list[Action] = []
        while self._until_anyone and self._until_anyone[0].joined + self._patience <= now:
            if (waiter := self._until_anyone.popleft()).pools:
                actions += self._pair_or_wait(waiter, (ANYONE,), now)
        while self._until_again and self._until_again[0].joined + 2 * self._patience <= now:
            if (waiter := self._until_again.popleft()).pools:
                actions += self._pair_or_wait(waiter, (), now)
        while self._matched and (first := next(iter(self._matched.items())))[1] <= now:
            del self._matched[first[0]]
            actions.append(Close(first[0], 1000, "you have your match: go on to the signaling server"))
        return actions

    def wake_at(self) -> float | None:
        """When somebody's patience or time to close ends next."""
        times = [next(iter(self._matched.values()))] if self._matched else []
        if self._until_anyone:
            times.append(self._until_anyone[0].joined + self._patience)
        if self._until_again:
            times.append(self._until_again[0].joined + 2 * self._patience)
        return min(times, default=None)

    def _pair_or_wait(self, newcomer: _Waiter, pools: tuple[str, ...], now: float) -> list[Action]:
        """Pair ``newcomer`` with one from the pools it waits in or from these; else let it wait in these too."""
        for pool in pools:
            newcomer.pools.append(pool)
        found = {
            waiter.client: waiter
            for pool in newcomer.pools
            for waiter in islice(self._suitable(newcomer, pool, now), CHOICE)
        }.values()
        if not found:
            for pool in pools:
                tabs = self._pools.setdefault(pool, {}).setdefault(newcomer.user_id, {})
                tabs[newcomer.client] = newcomer
            return []
        shared = [waiter for waiter in found if set(waiter.interests) & set(newcomer.interests)]
        waiter = self._chance.choice(shared or list(found))
        for one in (waiter, newcomer):
            del self._waiting[one.client]
            self._leave_pools(one)
            self._matched[one.client] = now + GRACE
        room, at = self._new_room(), self._timestamp()
        both = tuple(word for word in newcomer.interests if word in waiter.interests)
        return [
            Send(waiter.client, Match(room, "peer", at, both).to_json()),
            Send(newcomer.client, Match(room, newcomer.user_id, at, both).to_json()),
        ]

    def _suitable(self, newcomer: _Waiter, pool: str, now: float) -> Iterator[_Waiter]:
        for user, tabs in self._pools.get(pool, {}).items():
            if user != newcomer.user_id:
                yield from (waiter for waiter in tabs.values() if self._suits(newcomer, waiter, now))

    def _suits(self, one: _Waiter, other: _Waiter, now: float) -> bool:
        """Whether two users may meet, with regard to where they come from."""
        if one.previous_room is None or one.previous_room != other.previous_room:
            return True
        return max(one.joined, other.joined) + 2 * self._patience <= now

    def _leave_pools(self, waiter: _Waiter) -> None:
        for pool in waiter.pools:
            users = self._pools.get(pool, {})
            tabs = users.get(waiter.user_id, {})
            tabs.pop(waiter.client, None)
            if not tabs:
                users.pop(waiter.user_id, None)
            if not users:
                self._pools.pop(pool, None)
        waiter.pools.clear()
