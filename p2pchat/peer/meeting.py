"""One stranger, from START to the end: join → match → negotiate → talk.

A meeting is a task of its own. Whatever happens, it ends in the state ``closed``, with a sentence that says why, and
with everything closed that was opened for it. The closing takes a moment, and has a name, `Phase.CLOSING`: who asks for
a stranger then means the next one, and who leaves need only wait.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from enum import Enum

from p2pchat.errors import ChatError
from p2pchat.messages import Join, JsonObject, Match
from p2pchat.peer.events import Event, Notice, SaidGoodbye, State, StateChanged
from p2pchat.peer.negotiation import Negotiation
from p2pchat.peer.queue_client import QueueClient
from p2pchat.peer.room_client import RoomClient
from p2pchat.peer.talk import LEFT, Talk
from p2pchat.peer.timeouts import Timeouts
from p2pchat.trace import MATCHMAKING, PeerTrace
from p2pchat.webrtc import RTCDataChannel

logger = logging.getLogger(__name__)


class Phase(Enum):
    """How far a meeting is."""

    RUNNING = "running"  # in one of the states from ``waiting`` to ``open``
    CLOSING = "closing"  # over, and what was opened for it is being closed
    CLOSED = "closed"  # nothing of it is left


class Meeting:
    """One stranger. It begins when it is made, where an event loop runs.

    Args:
        matchmaking: URL of the matchmaking server.
        signaling: URL of the signaling server.
        join: the frame that asks for a stranger.
        ice_servers: W3C RTCIceServer dictionaries, used when the signaling server names none.
        timeouts: how long to wait for what.
        emit: called with each event of this meeting but the first, the state ``waiting``.
        trace: where it is reported what went where.
    """

    def __init__(
        self,
        matchmaking: str,
        signaling: str,
        join: Join,
        ice_servers: Sequence[JsonObject],
        timeouts: Timeouts,
        emit: Callable[[Event], None],
        trace: PeerTrace,
    ) -> None:
        self._matchmaking = matchmaking
        self._signaling = signaling
        self._join = join
        self._ice_servers = ice_servers
        self._timeouts = timeouts
        self._emit_event = emit
        self._trace = trace
        self.phase = Phase.RUNNING
        self.room = join.previous_room  # the last one known
        self.talk: Talk | None = None  # once the channel is open
        loop = asyncio.get_running_loop()
        self._joined: asyncio.Future[None] = loop.create_future()
        self._joined.add_done_callback(_retrieve)
        self._closed = asyncio.Event()
        self._task = loop.create_task(self._run(), name=f"p2pchat peer {trace.name}")
        self._task.add_done_callback(self._on_done)

    async def joined(self) -> None:
        """Wait for the place in the queue, or for the end, if it comes first. Raises: MatchmakingFailed."""
        await asyncio.shield(self._joined)

    async def leave(self) -> None:
        """End it, and wait until it is closed; harmless in any phase."""
        if self.phase is Phase.RUNNING:
            self.phase = Phase.CLOSING
            self._task.cancel()
        await self.closed()

    async def closed(self) -> None:
        """Wait until it is closed."""
        await self._closed.wait()

    async def _run(self) -> str:
        async with AsyncExitStack() as stack:  # closes what was opened, the last first
            try:
                return await self._meet(stack)
            finally:
                self.phase = Phase.CLOSING

    async def _meet(self, stack: AsyncExitStack) -> str:
        """Returns: why it ended, in words for a person."""
        match = await self._find(stack)
        self.room = match.room_id
        trace = replace(self._trace, room=match.room_id)
        shared = f" You both like {', '.join(match.interests)}." if match.interests else ""
        self._emit(StateChanged(State.MATCHED, f"A stranger was found.{shared}"))

        room = await RoomClient.connect(self._signaling, self._timeouts.server, trace)
        stack.push_async_callback(room.close)
        accept = await room.enter()
        self._emit(StateChanged(State.CONNECTING, "Looking for a way to the stranger."))

        def open_talk(channel: RTCDataChannel, ours: bool) -> Talk:
            talk = self.talk = Talk(channel, ours, self._timeouts, self._emit, trace)
            stack.push_async_callback(talk.close)
            self._emit(StateChanged(State.OPEN, "You are talking to a stranger, with no server between you."))
            return talk

        negotiation = Negotiation(room, accept, self._ice_servers, open_talk)
        stack.push_async_callback(negotiation.close)
        talk = await negotiation.open(self._timeouts.stranger, self._timeouts.connect)
        return await talk.until_over()

    async def _find(self, stack: AsyncExitStack) -> Match:
        queue = await QueueClient.connect(self._matchmaking, self._join, self._timeouts.server)
        stack.push_async_callback(queue.close)
        await queue.join()
        self._trace.sent(MATCHMAKING, "join")
        self._joined.set_result(None)
        nobody = Notice("Nobody else is there yet. You stay in the line.")
        lonely = asyncio.get_running_loop().call_later(self._timeouts.lonely, self._emit, nobody)
        try:
            match = await queue.match(self._timeouts.match)
        finally:
            lonely.cancel()
        self._trace.received(MATCHMAKING, "MATCH")
        return match

    def _emit(self, event: Event) -> None:
        if isinstance(event, SaidGoodbye):
            self.phase = Phase.CLOSING
        self._emit_event(event)

    def _on_done(self, task: asyncio.Task[str]) -> None:
        """The end, also where the task was cancelled before its first line."""
        error = None if task.cancelled() else task.exception()
        if task.cancelled():
            why = LEFT
        elif error is None:
            why = task.result()
        elif isinstance(error, ChatError):
            why = str(error)
        else:  # a fault of ours must be seen where the user looks
            why = f"Something broke in p2pchat: {error!r}. Please report it."
            logger.error("The peer %s ended by a fault of p2pchat", self._trace.name, exc_info=error)
        if not self._joined.done():
            if error is None:
                self._joined.set_result(None)
            else:
                self._joined.set_exception(error)
        self.phase = Phase.CLOSED
        self.talk = None
        self._emit(StateChanged(State.CLOSED, why))
        self._closed.set()


def _retrieve(future: asyncio.Future[None]) -> None:
    """Look at how it ended, so that asyncio need not complain where nobody waited for it."""
    if not future.cancelled():
        future.exception()
