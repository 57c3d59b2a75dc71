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

FAULT = "internal server error (see the server's log)"


class Client(Hashable, Protocol):
    """One connection, which is also the client id that the core knows it by. Neither method waits for anybody."""

    def send(self, text: str) -> None:
        """Send a text frame soon; on a connection that is closing it is forgotten."""

    def close(self, code: int, reason: str) -> None:
        """Begin to close; harmless when it is closing already."""


class Clock(Protocol):
    """What is needed of an event loop (`asyncio.AbstractEventLoop`)."""

    def time(self) -> float:
        """Seconds of a clock that never goes back."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> asyncio.TimerHandle:
        """Call back in so many seconds, which must not be negative: the loop of a browser refuses that."""


class CoreRunner:
    """One core, its clock and its alarm.

    Args:
        name: what the log calls it.
        core: the state machine; nobody else may use it.
        clock: the event loop that all this happens on.
    """

    def __init__(self, name: str, core: Core, clock: Clock) -> None:
        self._name = name
        self._core = core
        self._clock = clock
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0

    def on_text(self, client: Client, text: str) -> None:
        """A client sent a text frame."""
        try:
            actions = self._core.receive(client, text, self._clock.time())
        except Exception:
            logger.exception("%s: a mistake in the core, met by one client", self._name)
            client.close(1011, FAULT)
            self.on_gone(client)
        else:
            self._carry_out(actions)

    def on_gone(self, client: Client) -> None:
        """The connection of a client is closing, or has ended; it may be told more than once."""
        self._carry_out(self._core.leave(client, self._clock.time()))

    def stop(self) -> None:
        """Set no alarm any more."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _carry_out(self, actions: Sequence[Action]) -> None:
        for action in actions:
            client = cast(Client, action.client)
            match action:
                case Send(_, text):
                    client.send(text)
                case Close(_, code, reason):
                    client.close(code, reason)
        self._set_alarm()

    def _set_alarm(self) -> None:
        """See to it that the core is called when something becomes due; one that rings too early does no harm."""
        wake_at = self._core.wake_at()
        if wake_at is None or (self._alarm is not None and self._alarm_at <= wake_at):
            return
        self.stop()
        self._alarm_at = wake_at
        self._alarm = self._clock.call_later(max(0.0, wake_at - self._clock.time()), self._on_alarm)

    def _on_alarm(self) -> None:
        self._alarm = None
        try:
            actions = self._core.tick(self._clock.time())
        except Exception:
            logger.exception("%s: a mistake in the core", self._name)
        else:
            self._carry_out(actions)
