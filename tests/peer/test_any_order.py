"""Whatever a handful of peers do, in whatever order: in the end all are closed, and nothing is left."""

import asyncio
import random
import time
from itertools import pairwise

import pytest

from p2pchat import ChatError, ChatPeer, MessageReceived, MessageSent, Servers, State, StateChanged, Timeouts
from tests.support.events import Log

NEXT_STATES = {
    State.IDLE: {State.WAITING},
    State.WAITING: {State.MATCHED, State.CLOSED},
    State.MATCHED: {State.CONNECTING, State.CLOSED},
    State.CONNECTING: {State.OPEN, State.CLOSED},
    State.OPEN: {State.CLOSED},
    State.CLOSED: {State.WAITING},
}
SECONDS = 4.0  # for all the steps of one seed, however slow the machine


async def step(peer: ChatPeer, chance: random.Random) -> None:
    """One thing that somebody may do; being told that it cannot be done now is a right answer."""
    try:
        match chance.choice(["start", "start", "next", "send", "send", "send", "typing", "leave", "give up", "read"]):
            case "start":
                await peer.start()
            case "next":
                await peer.next()
            case "send":
                await peer.send(f"{peer.name} {chance.random()}")
            case "typing":
                peer.typing()
            case "leave":
                await peer.leave()
            case "give up":  # a cell that is interrupted
                doing = asyncio.create_task(chance.choice([peer.start, peer.next, peer.leave])())
                await asyncio.sleep(chance.choice([0, 0.001, 0.02]))
                doing.cancel()
                await asyncio.wait({doing})
            case "read":
                async with asyncio.timeout(0.01):
                    async for _ in peer:
                        pass
    except (ChatError, TimeoutError):
        pass


async def life(peer: ChatPeer, chance: random.Random, end: float) -> None:
    for _ in range(40):
        if time.monotonic() > end:
            return
        steps = [step(peer, chance) for _ in range(chance.choice([1, 1, 2, 3]))]
        await asyncio.gather(*steps)
        await asyncio.sleep(chance.choice([0, 0, 0.005, 0.03, 0.1]))


@pytest.mark.parametrize("seed", range(4))
async def test_all_are_closed_and_nothing_is_left(new_peer, servers: Servers, seed: int) -> None:
    chance = random.Random(seed)
    timeouts = Timeouts(server=2, match=2, stranger=1, connect=5, goodbye=0.5)
    peers = [new_peer(name=name, timeouts=timeouts) for name in ("Ada", "Bob", "Eve", "Fay", "Gus")]
    logs = [Log(peer) for peer in peers]
    end = time.monotonic() + SECONDS
    await asyncio.gather(*(life(peer, random.Random(chance.random()), end) for peer in peers))
    async with asyncio.timeout(60):
        await asyncio.gather(*(peer.leave() for peer in peers))
    for log in logs:
        states = [State.IDLE, *log.states]
        assert all(after in NEXT_STATES[before] for before, after in pairwise(states)), states
        assert states[-1] in (State.CLOSED, State.IDLE)
        assert not [e.why for e in log.of(StateChanged) if "broke in p2pchat" in e.why]
    said = {event.text for log in logs for event in log.of(MessageSent)}
    for log in logs:
        heard = [event.text for event in log.of(MessageReceived)]
        assert set(heard) <= said
        assert len(set(heard)) == len(heard), "nothing arrives twice"
