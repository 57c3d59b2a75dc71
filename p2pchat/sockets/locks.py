"""Locks that all tabs of a site share, by the Web Locks API (https://www.w3.org/TR/web-locks/).

A lock has a name and one holder. The others stand in line, and the browser itself passes it on when the holder releases
it or dies: closed, reloaded, crashed or killed. So a lock tells two things that no message can: who of many does
something that only one may do, and that somebody is gone. It works on a page and in a Worker alike.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from js import AbortController, Object, Promise, navigator
from pyodide.ffi import create_once_callable, create_proxy

from p2pchat.errors import SocketClosed

NO_LOCKS = (
    "this page has no Web Locks, which browsers give only to pages that came by https or from this machine; "
    "open it as https://… or http://localhost…"
)


class Lock:
    """A place in the line for the lock ``name``, from now until `release`.

    ``granted`` is a future that is done once the lock is ours. A ``shared`` one is for those who only want to know when
    the holder is gone: they can all have it at once, and `in_line` does not count them.

    Raises: SocketClosed, where the browser has no locks for this page.
    """

    def __init__(self, name: str, *, shared: bool = False) -> None:
        check_locks()
        self.granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._gone = asyncio.Event()
        self._let_go: Any = None  # the JavaScript function that ends our holding it
        self._leave_line = AbortController.new()
        self._on_granted = create_proxy(self._hold)
        options = Object.new()
        options.mode = "shared" if shared else "exclusive"
        options.signal = self._leave_line.signal
        navigator.locks.request(name, options, self._on_granted).then(self._done, self._failed)

    def release(self) -> None:
        """Let go of the lock, or leave the line; harmless when that was done already."""
        self.granted.cancel()
        self._leave_line.abort()  # changes nothing for one who holds it
        if self._let_go is not None:
            self._let_go()

    async def released(self) -> None:
        """Release it, and wait until the browser has passed it on."""
        self.release()
        await self._gone.wait()

    def _hold(self, _: object) -> object:
        """The browser gives us the lock for as long as the promise that we return is open."""
        if not self.granted.done():
            self.granted.set_result(None)
        elif self.granted.cancelled():
            return None

        def keep(resolve: Any, _: object) -> None:
            self._let_go = resolve

        return Promise.new(create_once_callable(keep))

    def _failed(self, error: Any) -> None:
        """The line was left, or there is none for us: the storage of a site can be forbidden, and its locks with it."""
        if not self.granted.done():
            self.granted.set_exception(SocketClosed(1006, f"the browser gives this page no locks ({error.message})"))
        self._done(None)

    def _done(self, _: object) -> None:
        """The promise of the request is settled: nothing will come of it any more."""
        self._on_granted.destroy()
        self._let_go = None
        self._gone.set()


def check_locks() -> None:
    """Raises: SocketClosed, where the browser has no locks for this page."""
    if not hasattr(navigator, "locks"):
        raise SocketClosed(1006, NO_LOCKS)


async def in_line(name: str) -> tuple[int, int]:
    """How many hold the lock ``name`` (0 or 1), and how many wait for it."""
    check_locks()
    now = await navigator.locks.query()
    return _count(now.held, name), _count(now.pending, name)


def _count(locks: Iterable[Any], name: str) -> int:
    return sum(lock.name == name and lock.mode == "exclusive" for lock in locks)
