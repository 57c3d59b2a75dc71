"""What runs a core: it hands on what each client says, with the time, and carries out what the core answers.

A core (`p2pchat.core`) does no I/O and has no clock. A `CoreRunner` has the clock and the timers of an event loop, and
the clients, of which it knows only that they can be sent a text and be closed. So it runs a core on ports, on the tabs
of a browser and in a test alike.
"""

import asyncio
import logging
from collections.abc import Callable, Hashable, Sequence
from typing import Protocol, cast

from p2pchat.core import Action, Close, Core, Send

logger = logging.getLogger(__name__)

TICK_AGAIN = 1.0  # seconds after an error in the core's `tick`, so that one that stays costs no processor (our choice)
FAULT = "internal server error (see the server's log)"


class Client(Hashable, Protocol):
    """One connection, which is also the client id that the core knows it by. Neither method waits for anybody."""

    def send(self, text: str) -> None:
        """Send a text frame soon; where the connection is closing the frame is dropped."""

    def close(self, code: int, reason: str) -> None:
        """Begin to close; harmless when it is closing already."""


class Clock(Protocol):
    """What is needed of an event loop (`asyncio.AbstractEventLoop`)."""

    def time(self) -> float:
        """Seconds of a clock that never goes back."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> asyncio.TimerHandle:
        """Call back in so many seconds, which must not be negative: the loop of a browser refuses that."""


class CoreRunner:
    """One core, its clock and its timer.

    Args:
        name: what the log calls it.
        core: the state machine; nobody else may use it.
        clock: the event loop that all this happens on.
    """

    def __init__(self, name: str, core: Core, clock: Clock) -> None:
        self._name = name
        self._core = core
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def on_text(self, client: Client, text: str) -> None:
        """A client sent a text frame."""
        try:
            actions = self._core.receive(client, text, self._clock.time())
        except Exception:
            logger.exception("%s: internal error in the core, met by one client", self._name)
            client.close(1011, FAULT)
            self.on_close(client)
        else:
            self._carry_out(actions)

    def on_close(self, client: Client) -> None:
        """The connection of a client is closing, or has ended; it may be told more than once."""
        self._carry_out(self._core.leave(client, self._clock.time()))

    def stop(self) -> None:
        """Set no timer any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _carry_out(self, actions: Sequence[Action]) -> None:
        for action in actions:
            client = cast(Client, action.client)
            match action:
                case Send(_, text):
                    client.send(text)
                case Close(_, code, reason):
                    client.close(code, reason)
        self._set_timer()

    def _set_timer(self) -> None:
        """See to it that the core is called when something becomes due; to be called too early does no harm."""
        wake_at = self._core.wake_at()
        if wake_at is None or (self._timer is not None and self._timer_at <= wake_at):
            return
        self.stop()
        self._timer_at = wake_at
        self._timer = self._clock.call_later(max(0.0, wake_at - self._clock.time()), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        try:
            actions = self._core.tick(self._clock.time())
        except Exception:
            logger.exception("%s: internal error in the core", self._name)
            self._timer = self._clock.call_later(TICK_AGAIN, self._on_timer)  # what is due is still due
            self._timer_at = self._clock.time() + TICK_AGAIN
        else:
            self._carry_out(actions)
