"""A stranger whose process is killed: it says nothing any more, and that shows within seconds."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from p2pchat import ChatError, ChatPeer, Servers, State, Timeouts
from tests.support.clock import Clock
from tests.support.events import Log, until

NewPeer = Callable[..., ChatPeer]
ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def process(kind: str, servers: Servers) -> AsyncIterator[asyncio.subprocess.Process]:
    command = [sys.executable, "-m", "tests.support.peer_process", kind, servers.matchmaking_url, servers.signaling_url]
    running = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def killed_in_mid_chat(kind: str, peer: ChatPeer, servers: Servers, clock: Clock) -> tuple[str, float]:
    """Returns: why the chat ended, and how many seconds after the kill, by this clock."""
    log = Log(peer)
    await peer.start()
    async with process(kind, servers) as stranger:
        await log.until(lambda: log.texts == ["open"])
        stranger.kill()
        await stranger.wait()
        seconds = await clock.advance_until(lambda: State.CLOSED in log.states, at_most=60)
        return await log.closed(), seconds


async def test_one_of_ours_is_missed_by_its_pongs(new_peer: NewPeer, servers: Servers, clock: Clock) -> None:
    """Before ICE misses it too, which takes at least 8.4 s: four checks of consent, each 1.6 s and half a second."""
    peer = new_peer(timeouts=Timeouts(silence=6.0))
    why, seconds = await killed_in_mid_chat("ours", peer, servers, clock)
    assert why == "The stranger vanished: nothing heard for 6 seconds."
    assert 4 < seconds < 11  # three pings, and whatever was under way when it was killed


async def test_one_who_knows_plain_text_only_is_missed_by_ice(
    new_peer: NewPeer, servers: Servers, clock: Clock
) -> None:
    """Its consent to send runs out (RFC 7675)."""
    why, seconds = await killed_in_mid_chat("plain", new_peer(), servers, clock)
    assert why == "The stranger's connection was closed."
    assert 4 < seconds < 16


async def test_one_who_is_silent_but_alive_stays(new_peer: NewPeer, servers: Servers) -> None:
    peer = new_peer(timeouts=Timeouts(ping=0.5, silence=4.0))
    log = Log(peer)
    await peer.start()
    async with process("ours", servers):
        await log.until(lambda: log.texts == ["open"])
        with pytest.raises(ChatError, match="Not closed within 6 seconds"):  # longer than the silence
            await peer.wait_for(State.CLOSED, 6.0)
        assert peer.state is State.OPEN
        await peer.leave()


@pytest.mark.parametrize("kind", ["ours", "plain"])
async def test_one_who_is_killed_while_waiting_is_matched_with_nobody(
    new_peer: NewPeer, servers: Servers, cores: dict[str, Any], kind: str
) -> None:
    async with process(kind, servers) as ghost:
        await until(lambda: cores["matchmaking"].waiting == 1, "the stranger waits")
        ghost.kill()
        await ghost.wait()
        await until(lambda: cores["matchmaking"].waiting == 0, "nobody waits")
        ada, bob = new_peer(), new_peer()
        await asyncio.gather(ada.start(), bob.start())
        await asyncio.gather(*(peer.wait_for(State.OPEN, 60) for peer in (ada, bob)))
