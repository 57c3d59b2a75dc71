"""Everybody talks to everybody, over real servers: tab, page, kernel, terminal."""

import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from itertools import combinations_with_replacement
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext

from p2pchat import Servers
from tests.support.failures import failed
from tests.support.jupyterlab import JupyterLab
from tests.support.strangers import KINDS, Stranger, TerminalStranger, WindowStranger

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAIRS = [
    pair
    for pair in combinations_with_replacement(KINDS, 2)
    if {"tab", "page"} & set(pair)  # the others have tests of their own: kernels in browser/, terminals in cli/
]


class Windows:
    """Windows are slow to open: those that only talk serve many tests, until one of these fails."""

    def __init__(self) -> None:
        self.stack = AsyncExitStack()
        self.opened: dict[tuple[str, int], Stranger] = {}

    async def nobody_talks(self) -> None:
        for window in self.opened.values():
            assert isinstance(window, WindowStranger)
            if await window.chat.leave.is_enabled():
                await window.leave()

    async def close(self) -> None:
        self.opened.clear()
        await self.stack.aclose()


class Meeting:
    """Makes the strangers of one test, and sees to their end."""

    def __init__(
        self, browser: BrowserContext, servers: Servers, lab: JupyterLab, stack: AsyncExitStack, windows: Windows
    ) -> None:
        self._everything = (browser, servers, lab)
        self._stack = stack
        self._windows = windows

    async def new(self, kind: str) -> Stranger:
        """A stranger who may be killed."""
        return await self._stack.enter_async_context(KINDS[kind](*self._everything))

    async def window(self, kind: str, number: int) -> Stranger:
        """One of those that stay; a terminal ends with its chat."""
        if kind == "terminal":
            return await self.new(kind)
        if (kind, number) not in self._windows.opened:
            window = await self._windows.stack.enter_async_context(KINDS[kind](*self._everything))
            self._windows.opened[kind, number] = window
        return self._windows.opened[kind, number]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def windows() -> AsyncIterator[Windows]:
    windows = Windows()
    yield windows
    await windows.close()


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    """Of the servers, which are each test's own: the windows that stay have been told where they are."""
    with ExitStack() as stack:
        free = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        names = ("static_port", "matchmaking_port", "signaling_port")
        return dict(zip(names, (it.getsockname()[1] for it in free), strict=True))


@pytest_asyncio.fixture(loop_scope="session")
async def meeting(
    browser: BrowserContext,
    windows: Windows,
    ports: dict[str, int],
    site: Path,
    lab: JupyterLab,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Meeting]:
    async with Servers(site=site, **ports) as servers:
        async with AsyncExitStack() as stack:
            yield Meeting(browser, servers, lab, stack, windows)
        if request.node.stash.get(failed, False):
            await windows.close()
        else:
            await windows.nobody_talks()


async def meet(*strangers: Stranger) -> None:
    """Bring them to talk to each other."""
    for stranger in strangers:
        await stranger.start()
    for stranger in strangers:
        await stranger.is_open()


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
async def test_text_both_ways_typing_next_and_leaving(meeting: Meeting, pair: tuple[str, str]) -> None:
    one, other = await meeting.window(pair[0], 0), await meeting.window(pair[1], 1)
    await meet(one, other)
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


@pytest.mark.parametrize(
    ("who", "other", "how"),
    [
        ("tab", "page", "closed"),
        ("tab", "terminal", "reloaded"),
        ("page", "page", "reloaded"),
        ("page", "terminal", "closed"),
    ],
)
async def test_a_tab_that_goes_away_says_so(meeting: Meeting, who: str, other: str, how: str) -> None:
    gone, left = await meeting.new(who), await meeting.window(other, 1)
    await meet(gone, left)
    assert isinstance(gone, WindowStranger)
    if how == "closed":
        await gone.page.close(run_before_unload=True)  # as a user closes it
    else:
        await gone.page.reload()
    assert "vanished" not in await left.is_left(), "by silence it would have taken eight seconds"


async def test_a_kernel_that_is_restarted_is_noticed(meeting: Meeting) -> None:
    gone, left = await meeting.new("kernel"), await meeting.window("page", 1)
    await meet(gone, left)
    assert isinstance(gone, WindowStranger)
    await gone.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    await left.is_left()


async def test_the_kernel_of_a_tab_that_is_restarted_is_noticed(meeting: Meeting) -> None:
    gone, left = await meeting.new("tab"), await meeting.window("page", 1)
    await meet(gone, left)
    assert isinstance(gone, WindowStranger)
    await gone.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    await left.is_left()


async def test_a_terminal_that_is_killed_is_noticed(meeting: Meeting) -> None:
    gone, left = await meeting.new("terminal"), await meeting.window("page", 1)
    await meet(gone, left)
    assert isinstance(gone, TerminalStranger)
    gone.process.kill(signal.SIGKILL)
    await left.is_left()
