"""A chat peer: from START to a conversation with a stranger, and to the next one.

The states are those of `p2pchat.peer.events.State`; each can also end in ``closed``, and the event `StateChanged` says
why, in words for a person. Between ``idle`` and ``closed`` only ``open`` lasts as long as it likes: `Timeouts` holds
how long each wait may take.

::

    async with ChatPeer(matchmaking_url, signaling_url) as peer:
        await peer.start()
        async for event in peer:
            match event:
                case StateChanged(State.OPEN): await peer.send("hello")
                case MessageReceived(text): ...

A peer knows neither aiortc nor `websockets`: `p2pchat.webrtc` and `p2pchat.sockets` stand between.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from uuid import uuid4

from p2pchat.errors import ChatError, MessageRefused
from p2pchat.messages import Join, JsonObject, rfc3339
from p2pchat.peer.event_feed import EventFeed
from p2pchat.peer.events import Event, State, StateChanged
from p2pchat.peer.meeting import Meeting, Phase
from p2pchat.peer.talk import Talk
from p2pchat.peer.timeouts import Timeouts
from p2pchat.sockets import TABS
from p2pchat.sockets.ports import DEFAULT_PORTS
from p2pchat.trace import PeerTrace, Trace

MATCHMAKING_URL = f"ws://127.0.0.1:{DEFAULT_PORTS['matchmaking']}/matchmaking"
SIGNALING_URL = f"ws://127.0.0.1:{DEFAULT_PORTS['signaling']}/signaling"


class ChatPeer:
    """One who chats with strangers, one after the other.

    Args:
        matchmaking: URL of the matchmaking server.
        signaling: URL of the signaling server.
        name: what traces and widgets call this peer; it is never sent to anybody.
        interests: words, of which a shared one is preferred in a stranger.
        ice_servers: W3C RTCIceServer dictionaries, used when the signaling server names none.
        timeouts: how long it waits for what.
        trace: where it reports what went where.
    """

    def __init__(
        self,
        matchmaking: str = MATCHMAKING_URL,
        signaling: str = SIGNALING_URL,
        *,
        name: str = "you",
        interests: Sequence[str] = (),
        ice_servers: Sequence[JsonObject] = (),
        timeouts: Timeouts | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.matchmaking = matchmaking
        self.signaling = signaling
        self.name = name
        self.interests = tuple(interests)
        self.trace = trace if trace is not None else Trace()
        self._ice_servers = tuple(ice_servers)
        self._timeouts = timeouts or Timeouts()
        self._user_id = str(uuid4())
        self._state = State.IDLE
        self._why = "Not started yet."
        self._events = EventFeed(name)
        self._meeting: Meeting | None = None  # with the stranger of now, or the last one

    @property
    def state(self) -> State:
        """Where the peer stands."""
        return self._state

    @property
    def why(self) -> str:
        """Why it stands there, in words for a person."""
        return self._why

    @property
    def where(self) -> str:
        """Where the strangers come from: "strangers in this browser", or for instance "strangers at 127.0.0.1:8081"."""
        if self.matchmaking.startswith(TABS):
            return "strangers in this browser"
        host = self.matchmaking.partition("://")[2].partition("/")[0].rpartition("@")[2]
        return f"strangers at {host or self.matchmaking}"

    # --- what you can do --------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Ask for a stranger; returns once you have a place in the queue, or have left. Harmless when started already.

        Raises: MatchmakingFailed, if the matchmaking server is down or refuses.
        """
        while self._meeting is not None and self._meeting.phase is Phase.CLOSING:
            await self._meeting.closed()
        if self._meeting is None or self._meeting.phase is Phase.CLOSED:
            self._meeting = self._begin()
            self._emit(StateChanged(State.WAITING, "Asking the matchmaking server for a stranger."))
        await self._meeting.joined()

    def _begin(self) -> Meeting:
        last_room = None if self._meeting is None else self._meeting.room  # who was there should not come again at once
        return Meeting(
            self.matchmaking,
            self.signaling,
            Join(self._user_id, rfc3339(time.time()), self.interests, last_room),
            self._ice_servers,
            self._timeouts,
            self._emit,
            PeerTrace(self.trace, self.name),
        )

    async def send(self, text: str) -> int:
        """Say something to the stranger; waits while more than 1 MiB is on its way.

        Returns: the number of the message, which `Delivered` names when it has arrived.

        Raises: MessageRefused, if it is blank or longer than 64 KiB in UTF-8, or if nobody is there to hear it.
        """
        return await self._open_talk().send(text)

    def send_nowait(self, text: str) -> int:
        """Like `send`, for where nothing can be awaited, in a listener for instance: where it would wait, it refuses.

        Raises: MessageRefused.
        """
        return self._open_talk().send_nowait(text)

    def _open_talk(self) -> Talk:
        if self._meeting is None or self._meeting.talk is None:
            raise MessageRefused(f"Nobody is there to hear it: the chat is {self._state.value}, not open.")
        return self._meeting.talk

    def typing(self) -> None:
        """Let the stranger know that you are writing; call it at each key, it tells every other second."""
        if self._meeting is not None and self._meeting.talk is not None:
            self._meeting.talk.typing()

    async def next(self) -> None:
        """Leave this stranger and ask for another one.

        Raises: MatchmakingFailed.
        """
        await self.leave()
        await self.start()

    async def leave(self) -> None:
        """Say goodbye and close everything; harmless in any state."""
        if self._meeting is not None:
            await self._meeting.leave()

    # --- what it tells ----------------------------------------------------------------------------------------

    async def wait_for(self, state: State, timeout: float | None = None) -> None:
        """Wait until the peer is in ``state``, or has passed through it, ``timeout`` seconds at most.

        Raises: ChatError, if the peer is closed or the time is over before.
        """
        reached: asyncio.Future[State] = asyncio.get_running_loop().create_future()

        def look(now: State) -> None:
            if now in (state, State.CLOSED) and not reached.done():
                reached.set_result(now)

        look(self._state)
        unsubscribe = self.listen(lambda event: look(event.state) if isinstance(event, StateChanged) else None)
        try:
            async with asyncio.timeout(timeout):
                if await reached is not state:
                    raise ChatError(self._why)
        except TimeoutError:
            raise ChatError(
                f"Not {state.value} within {timeout:g} seconds, but {self._state.value}: {self._why}"
            ) from None
        finally:
            unsubscribe()

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call ``listener`` with every event from now on. Returns: a function that ends it."""
        return self._events.listen(listener)

    def __aiter__(self) -> AsyncIterator[Event]:
        """The events that nobody has read yet, then the new ones, up to the state ``closed``."""
        return aiter(self._events)

    async def __aenter__(self) -> "ChatPeer":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    def _emit(self, event: Event) -> None:
        if isinstance(event, StateChanged):
            self._state, self._why = event.state, event.why
        self._events.emit(event)
