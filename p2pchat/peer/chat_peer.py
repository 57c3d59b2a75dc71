"""A chat peer: from START to a conversation with a stranger, and to the next one.

The states are those of `p2pchat.peer.events.State`; each can also end in ``closed``, and the event `StateChanged` says
why, in words for a person. No state but ``open`` lasts for ever: `Timeouts` holds how long each wait may take.

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
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from functools import partial
from uuid import uuid4

from p2pchat.errors import ChatError, MessageRefused
from p2pchat.messages import Join, JsonObject, SignalingFrame, rfc3339
from p2pchat.peer.events import (
    Delivered,
    Event,
    Heard,
    MessageReceived,
    MessageSent,
    Notice,
    SaidGoodbye,
    State,
    StateChanged,
    StrangerTyping,
)
from p2pchat.peer.negotiation import Negotiation
from p2pchat.peer.talk import Talk
from p2pchat.peer.timeouts import Timeouts
from p2pchat.peer.waiting import find_stranger
from p2pchat.sockets import TABS
from p2pchat.sockets.ports import DEFAULT_PORTS
from p2pchat.trace import MATCHMAKING, SIGNALING, Trace
from p2pchat.webrtc import RTCDataChannel

logger = logging.getLogger(__name__)

MATCHMAKING_URL = f"ws://127.0.0.1:{DEFAULT_PORTS['matchmaking']}/matchmaking"
SIGNALING_URL = f"ws://127.0.0.1:{DEFAULT_PORTS['signaling']}/signaling"
STRANGER = "stranger"
LEFT = "You left."
HEARD: dict[type[Heard], str] = {  # what a trace calls it
    MessageReceived: "message",
    Delivered: "received",
    StrangerTyping: "typing",
    SaidGoodbye: "goodbye",
    Notice: "notice",
}

MAX_UNREAD_EVENTS = 10_000  # kept for `async for`; nobody has to read them


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
        self._listeners: list[Callable[[Event], None]] = []
        self._unread: deque[Event] = deque(maxlen=MAX_UNREAD_EVENTS)
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._joined: asyncio.Future[None] | None = None
        self._ending = False  # the task closes everything; it must not be disturbed
        self._room: str | None = None  # of the last stranger, who should not come again at once
        self._talk: Talk | None = None

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
        """Ask for a stranger; returns once you stand in the line. Harmless when it is started already.

        Raises: MatchmakingFailed, if the matchmaking server is down or refuses.
        """
        while self._ending and self._task is not None and not self._task.done():
            await asyncio.wait({self._task})
        if self._task is None or self._task.done():
            self._ending = False
            self._joined = asyncio.get_running_loop().create_future()
            self._joined.add_done_callback(_look_at)
            self._task = asyncio.create_task(self._run(self._joined), name=f"p2pchat peer {self.name}")
            self._task.add_done_callback(partial(self._never_began, self._joined))
            self._change(State.WAITING, "Asking the matchmaking server for a stranger.")
        assert self._joined is not None
        await asyncio.shield(self._joined)

    async def send(self, text: str) -> int:
        """Say something to the stranger; waits while more than 1 MiB is on its way.

        Returns: the number of the message, which `Delivered` names when it has arrived.

        Raises: MessageRefused, if it is blank or longer than 64 KiB in UTF-8, or if nobody is there to hear it.
        """
        number = await self._open_talk().send(text)
        self._said(number, text)
        return number

    def say(self, text: str) -> int:
        """Like `send`, for where nothing can be awaited, in a listener for instance: where it would wait, it refuses.

        Raises: MessageRefused.
        """
        number = self._open_talk().say(text)
        self._said(number, text)
        return number

    def _open_talk(self) -> Talk:
        if self._talk is None or self._state is not State.OPEN:
            raise MessageRefused(f"Nobody is there to hear it: the chat is {self._state.value}, not open.")
        return self._talk

    def _said(self, number: int, text: str) -> None:
        self._report(self.name, STRANGER, "message")
        self._tell(MessageSent(number, text))

    def typing(self) -> None:
        """Let the stranger know that you are writing; call it at each key, it tells every other second."""
        if self._talk is not None and self._state is State.OPEN:
            self._talk.typing()

    async def next(self) -> None:
        """Leave this stranger and ask for another one.

        Raises: MatchmakingFailed.
        """
        await self.leave()
        await self.start()

    async def leave(self) -> None:
        """Say goodbye and close everything; harmless in any state."""
        task = self._task
        if task is None or task.done():
            return
        if not self._ending:
            self._ending = True
            task.cancel()
        await asyncio.wait({task})

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

    async def __aenter__(self) -> "ChatPeer":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    # --- one stranger, from the line to the end -----------------------------------------------------------------

    async def _run(self, joined: asyncio.Future[None]) -> None:
        """One stranger; whatever happens, it ends in ``closed`` with everything closed."""
        why = LEFT
        try:
            why = await self._meet(joined)
        except asyncio.CancelledError:
            pass
        except ChatError as error:
            why = str(error)
            if not joined.done():
                joined.set_exception(error)
        except BaseException as error:  # a fault of ours must be seen where the user looks
            why = f"Something broke in p2pchat: {error!r}. Please report it."
            if not joined.done():
                joined.set_exception(error)
            raise
        finally:
            if not joined.done():
                joined.set_result(None)
            self._talk = None
            self._change(State.CLOSED, why)

    def _never_began(self, joined: asyncio.Future[None], _: asyncio.Task[None]) -> None:
        """Close also where the task was cancelled before the first line of `_run`."""
        if not joined.done():
            joined.set_result(None)
            self._change(State.CLOSED, LEFT)

    async def _meet(self, joined: asyncio.Future[None]) -> str:
        match, closing = await find_stranger(
            self.matchmaking,
            Join(self._user_id, rfc3339(time.time()), self.interests, self._room),
            self._timeouts,
            on_joined=lambda: self._on_joined(joined),
            on_lonely=lambda: self._tell(Notice("Nobody else is there yet. You stay in the line.")),
        )
        self._report(MATCHMAKING, self.name, "MATCH", received=True)
        self._room = match.room_id
        shared = f" You both like {', '.join(match.interests)}." if match.interests else ""
        self._change(State.MATCHED, f"A stranger was found.{shared}")
        negotiation = Negotiation(
            self.signaling, match.room_id, self._ice_servers, self._on_channel, self._on_lost, self._on_signaling
        )
        try:
            await negotiation.enter(self._timeouts.server)
            self._change(State.CONNECTING, "Looking for a way to the stranger.")
            await negotiation.open(self._timeouts.stranger, self._timeouts.connect)
            assert self._talk is not None
            return await self._talk_to_the_end(self._talk, negotiation)
        finally:
            self._ending = True
            if self._talk is not None:
                await self._talk.close()
            await negotiation.close()
            await asyncio.wait({closing})

    async def _talk_to_the_end(self, talk: Talk, negotiation: Negotiation) -> str:
        """Talk, and leave the signaling server as soon as the stranger is known to need it no more either.

        A stranger of another make may take our leaving for a goodbye: with one who speaks plain text we stay.
        """

        async def leave_the_room() -> None:
            await talk.understood.wait()
            await negotiation.connected()

        leaving = asyncio.create_task(leave_the_room())
        try:
            return await talk.watch()
        finally:
            leaving.cancel()

    # --- what the channel and the signaling server bring ---------------------------------------------------------

    def _on_joined(self, joined: asyncio.Future[None]) -> None:
        self._report(self.name, MATCHMAKING, "join")
        joined.set_result(None)

    def _on_channel(self, channel: RTCDataChannel, ours: bool) -> None:
        self._talk = Talk(channel, ours, self._timeouts, self._on_open, self._on_heard)

    def _on_lost(self) -> None:
        if self._talk is not None:
            self._talk.lost()

    def _on_open(self) -> None:
        self._change(State.OPEN, "You are talking to a stranger, with no server between you.")

    def _on_heard(self, heard: Heard) -> None:
        self._report(STRANGER, self.name, HEARD[type(heard)], received=True)
        if isinstance(heard, SaidGoodbye):
            self._ending = True  # a `start` from now on is meant for the next stranger
        self._tell(heard)

    def _on_signaling(self, sent: bool, frame: SignalingFrame) -> None:
        what = type(frame).__name__.lower()
        if sent:
            self._report(self.name, SIGNALING, what)
        else:
            self._report(SIGNALING, self.name, what, received=True)

    def _change(self, state: State, why: str) -> None:
        self._state, self._why = state, why
        self._tell(StateChanged(state, why))

    def _tell(self, event: Event) -> None:
        self._unread.append(event)
        self._news.set()
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:  # a listener's fault must end neither the chat nor the other listeners
                logger.exception("A listener of the peer %s failed at %r", self.name, event)

    def _report(self, source: str, target: str, what: str, *, received: bool = False) -> None:
        self.trace.report(source, target, what, room=self._room or "", received=received)


def _look_at(joined: asyncio.Future[None]) -> None:
    """Look at how it ended, so that asyncio need not complain where nobody waited for it."""
    if not joined.cancelled():
        joined.exception()
