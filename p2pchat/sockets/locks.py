"""Locks that all tabs of a site share, by the Web Locks API (https://www.w3.org/TR/web-locks/).

A lock has a name and one holder. Further requests for it wait in a queue, and the browser itself grants it to the next
when the holder releases it or dies: closed, reloaded, crashed or killed. So a lock tells two things that no message
can: which of many is the leader, and that somebody is gone. It works on a page and in a Worker alike.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from js import AbortController, Object, Promise, navigator
from pyodide.ffi import create_once_callable, create_proxy

from p2pchat.errors import SocketNotOpened

NO_LOCKS = (
    "this page has no Web Locks, which browsers give only to pages that came by https or from this machine; "
    "open it as https://… or http://localhost…"
)


class Lock:
    """A request for the lock ``name``, from now until `release`.

    ``granted`` is a future that is done once the lock is ours. A ``shared`` one is for those who only want to know when
    the holder is gone: they can all have it at once, and `held_and_pending` does not count them.

    Raises: SocketNotOpened, where the browser has no locks for this page.
    """

    def __init__(self, name: str, *, shared: bool = False) -> None:
        check_locks()
        self.granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._settled = asyncio.Event()
        self._resolve: Any = None  # of the promise for as long as which we hold the lock
        self._abort = AbortController.new()
        self._on_granted = create_proxy(self._hold)
        options = Object.new()
        options.mode = "shared" if shared else "exclusive"
        options.signal = self._abort.signal
        navigator.locks.request(name, options, self._on_granted).then(self._done, self._failed)

    def release(self) -> None:
        """Give up the lock, or the request for it; harmless when that was done already."""
        self.granted.cancel()
        self._abort.abort()  # changes nothing for one who holds it
        if self._resolve is not None:
            self._resolve()

    async def wait_released(self) -> None:
        """Release it, and wait until the browser has passed it on."""
        self.release()
        await self._settled.wait()

    def _hold(self, _: object) -> object:
        """The browser gives us the lock for as long as the promise that we return is open."""
        if not self.granted.done():
            self.granted.set_result(None)
        elif self.granted.cancelled():
            return None

        def keep(resolve: Any, _: object) -> None:
            self._resolve = resolve

        return Promise.new(create_once_callable(keep))

    def _failed(self, error: Any) -> None:
        """The request was given up, or refused: the storage of a site can be forbidden, and its locks with it."""
        if not self.granted.done():
            self.granted.set_exception(SocketNotOpened(f"the browser gives this page no locks ({error.message})"))
        self._done(None)

    def _done(self, _: object) -> None:
        """The promise of the request is settled: nothing will come of it any more."""
        self._on_granted.destroy()
        self._resolve = None
        self._settled.set()


def check_locks() -> None:
    """Raises: SocketNotOpened, where the browser has no locks for this page."""
    if not hasattr(navigator, "locks"):
        raise SocketNotOpened(NO_LOCKS)


async def held_and_pending(name: str) -> tuple[int, int]:
    """How many hold the lock ``name`` (0 or 1), and how many have requested it and wait."""
    check_locks()
    now = await navigator.locks.query()
    return _count(now.held, name), _count(now.pending, name)


def _count(locks: Iterable[Any], name: str) -> int:
    return sum(lock.name == name and lock.mode == "exclusive" for lock in locks)
