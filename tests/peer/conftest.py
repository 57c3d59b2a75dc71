"""What every test of a peer has: real servers, peers that are left at the end, and a look at what they leave behind."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from p2pchat import ChatPeer, Servers, State
from tests.support.events import Log, until


def open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0


@pytest.fixture(autouse=True)
async def nothing_is_left_behind() -> AsyncIterator[None]:
    """No task, no socket and no file may outlive what a test did, however it ended."""
    tasks, files = asyncio.all_tasks(), open_files()
    yield
    mine = asyncio.current_task()
    await until(lambda: not (asyncio.all_tasks() - tasks - {mine}), "no task is left", asyncio.all_tasks)
    await until(lambda: open_files() <= files, "no file is left open", lambda: f"{open_files()} instead of {files}")


@pytest.fixture
async def servers(nothing_is_left_behind: None, cores: dict[str, Any]) -> AsyncIterator[Servers]:
    async with Servers(static_port=None) as running:
        yield running


@pytest.fixture
async def new_peer(servers: Servers) -> AsyncIterator[Callable[..., ChatPeer]]:
    """Makes peers of the real servers, or of others that a test names; all are left in the end."""
    peers = []

    def make(**options: object) -> ChatPeer:
        urls = {"matchmaking": servers.matchmaking_url, "signaling": servers.signaling_url}
        peers.append(ChatPeer(**{**urls, **options}))
        return peers[-1]

    yield make
    await asyncio.gather(*(peer.leave() for peer in peers))
    assert {peer.state for peer in peers} <= {State.IDLE, State.CLOSED}


@pytest.fixture
async def talking(new_peer: Callable[..., ChatPeer]) -> tuple[ChatPeer, ChatPeer, Log, Log]:
    """Two peers that talk to each other, and what each was told since before it started."""
    ada, bob = new_peer(name="Ada"), new_peer(name="Bob")
    logs = Log(ada), Log(bob)
    await asyncio.gather(ada.start(), bob.start())
    await asyncio.gather(*(peer.wait_for(State.OPEN, 60) for peer in (ada, bob)))
    return ada, bob, *logs
