"""The events of a peer on their way to whoever wants them: listeners at once, ``async for`` when it comes to it."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from p2pchat.peer.events import Event, State, StateChanged

logger = logging.getLogger(__name__)

MAX_UNREAD = 10_000  # events kept for `async for`, the newest; nobody has to read them (our choice)


class EventFeed:
    """The events of one peer.

    Args:
        name: what the log calls the peer.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._listeners: list[Callable[[Event], None]] = []
        self._unread: deque[Event] = deque(maxlen=MAX_UNREAD)
        self._news = asyncio.Event()

    def emit(self, event: Event) -> None:
        """Hand an event on."""
        self._unread.append(event)
        self._news.set()
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:  # a listener's fault must end neither the chat nor the other listeners
                logger.exception("A listener of the peer %s failed at %r", self._name, event)

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call ``listener`` with every event from now on. Returns: a function that ends it."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            with suppress(ValueError):
                self._listeners.remove(listener)

        return unsubscribe

    async def __aiter__(self) -> AsyncIterator[Event]:
        """The events that nobody has read yet, then the new ones, up to the state ``closed``."""
        while True:
            while self._unread:
                event = self._unread.popleft()
                yield event
                if isinstance(event, StateChanged) and event.state is State.CLOSED:
                    return
            self._news.clear()
            await self._news.wait()
