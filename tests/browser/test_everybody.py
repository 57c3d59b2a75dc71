"""Everybody talks to everybody, over real servers: tab, page, kernel, terminal."""

import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import combinations_with_replacement

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext
from real_jupyterlab import JupyterLab
from strangers import KINDS, Stranger, TerminalStranger, WindowStranger

from p2pchat import Servers

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAIRS = [
    pair
    for pair in combinations_with_replacement(KINDS, 2)
    if {"tab", "page"} & set(pair)  # the others have tests of their own: kernels in browser/, terminals in cli/
]
GONE = 30.0  # seconds until one is noticed who could not say goodbye


class Meeting:
    """Makes strangers, and sees to their end."""

    def __init__(self, browser: BrowserContext, servers: Servers, lab: JupyterLab, stack: AsyncExitStack) -> None:
        self._everything = (browser, servers, lab)
        self._stack = stack

    async def stranger(self, kind: str) -> Stranger:
        return await self._stack.enter_async_context(KINDS[kind](*self._everything))

    async def of(self, one: str, other: str) -> tuple[Stranger, Stranger]:
        """Two strangers who talk to each other."""
        windows = await self.stranger(one), await self.stranger(other)
        for stranger in windows:
            await stranger.start()
        for stranger in windows:
            await stranger.is_open()
        return windows


@pytest_asyncio.fixture(loop_scope="session")
async def meeting(browser: BrowserContext, site_servers: Servers, lab: JupyterLab) -> AsyncIterator[Meeting]:
    async with AsyncExitStack() as stack:
        yield Meeting(browser, site_servers, lab, stack)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
async def test_text_both_ways_typing_next_and_leaving(meeting: Meeting, pair: tuple[str, str]) -> None:
    one, other = await meeting.of(*pair)
    for speaker, listener in ((one, other), (other, one)):
        await speaker.say("héllo, 世界 👋🏽 \u202eabc")
        await listener.hears("héllo, 世界 👋🏽 \u202eabc")
        if isinstance(speaker, WindowStranger):
            await speaker.types()
            await listener.sees_typing()
    await one.next()
    await other.is_left()
    await other.start()
    await one.is_open()
    await other.is_open()
    await one.leave()
    await other.is_left()


@pytest.mark.parametrize("how", ["closed", "reloaded"])
@pytest.mark.parametrize("who", ["tab", "page"])
@pytest.mark.parametrize("other", ["page", "terminal"])
async def test_a_tab_that_goes_away_is_noticed(meeting: Meeting, who: str, other: str, how: str) -> None:
    gone, left = await meeting.of(who, other)
    assert isinstance(gone, WindowStranger)
    if how == "closed":
        await gone.page.close()
    else:
        await gone.page.reload()
    await left.is_left(GONE)


@pytest.mark.parametrize("who", ["tab", "page"])
async def test_a_kernel_that_is_restarted_is_noticed(meeting: Meeting, who: str) -> None:
    gone, left = await meeting.of("kernel", who)
    assert isinstance(gone, WindowStranger)
    await gone.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    await left.is_left(GONE)


async def test_the_kernel_of_a_tab_that_is_restarted_is_noticed(meeting: Meeting) -> None:
    gone, left = await meeting.of("tab", "page")
    assert isinstance(gone, WindowStranger)
    await gone.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    await left.is_left(GONE)


async def test_a_terminal_that_is_killed_is_noticed(meeting: Meeting) -> None:
    gone, left = await meeting.of("terminal", "page")
    assert isinstance(gone, TerminalStranger)
    gone.process.kill(signal.SIGKILL)
    await left.is_left(GONE)
