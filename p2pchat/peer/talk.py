"""The time with one stranger: an open DataChannel with a `p2pchat.peer.conversation.Conversation` on it.

The conversation decides what is said; this module says it, in time: acknowledgements a moment later so that one serves
many messages, a ping when the stranger has been silent, and an end when it has been silent for too long.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from p2pchat.errors import MessageRefused
from p2pchat.peer.conversation import PROTOCOL, Conversation
from p2pchat.peer.events import (
    Delivered,
    Event,
    MessageReceived,
    MessageSent,
    Notice,
    SaidGoodbye,
    StrangerEvent,
    StrangerTyping,
)
from p2pchat.peer.timeouts import Timeouts
from p2pchat.trace import STRANGER, PeerTrace
from p2pchat.webrtc import RTCDataChannel

MAX_BUFFERED = 1024 * 1024  # bytes in the channel, beyond which `send` waits; 16 of the longest messages
ACKNOWLEDGE_AFTER = 0.1  # seconds, so that one acknowledgement serves many messages and nobody sees it come late
TYPING_EVERY = 2.0  # seconds between two signs of typing; a view shows each for longer than that
HELLO_TIMEOUT = 1.0  # seconds after the opening that `close` waits for a Hello: three long round trips of 0.3

LEFT = "You left."
STRANGER_LEFT = "The stranger left."
WITHOUT_GOODBYE = "The stranger's connection was closed."

ARROWS: dict[type[StrangerEvent], str] = {  # what a trace calls it
    MessageReceived: "message",
    Delivered: "received",
    StrangerTyping: "typing",
    SaidGoodbye: "goodbye",
    Notice: "notice",
}


class Talk:
    """One open channel and what is said on it.

    Args:
        channel: open; nothing that comes over it is missed if the talk begins in the turn in which it opened.
        ours: whether we made it.
        timeouts: how long to wait for what.
        emit: called with what was said, by us and by the stranger.
        trace: where it is reported too.

    ``handshake_done`` is set once both sides know that they speak p2pchat, and not plain text only.
    """

    def __init__(
        self,
        channel: RTCDataChannel,
        ours: bool,
        timeouts: Timeouts,
        emit: Callable[[Event], None],
        trace: PeerTrace,
    ) -> None:
        self._channel = channel
        self._timeouts = timeouts
        self._emit = emit
        self._trace = trace
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._conversation = Conversation(invited=channel.protocol == PROTOCOL and not ours)
        self._low = asyncio.Event()  # little is left in the channel's buffer, or the talk is over
        self._closed = asyncio.Event()
        self._turn = asyncio.Lock()  # who sends first is sent first, also while `send` waits
        self._over: asyncio.Future[str] = self._loop.create_future()
        self._is_active = False  # something came from the stranger since `until_over` last looked
        self._acknowledging: asyncio.TimerHandle | None = None
        self._typing_at = -TYPING_EVERY  # when we last let the stranger know
        self.handshake_done = asyncio.Event()
        channel.on("message", self.receive)
        channel.on("close", self._on_close)
        channel.on("bufferedamountlow", self._low.set)
        self._flush()

    async def send(self, text: str) -> int:
        """Say something; waits while more than 1 MiB is on its way.

        Returns: the number of the message.

        Raises: MessageRefused.
        """
        if self._has_room:
            return self._say(text)
        async with self._turn:
            while self._is_on and self._is_full:
                await self._drained(MAX_BUFFERED // 2, self._timeouts.silence)  # so that not each message waits
            return self._say(text)

    def send_nowait(self, text: str) -> int:
        """The same without waiting: it is refused while too much is on its way."""
        if not self._has_room:
            raise MessageRefused("Too much is on its way to the stranger: wait a moment, or use send.")
        return self._say(text)

    def _say(self, text: str) -> int:
        if not self._is_on:
            raise MessageRefused("Nobody is there to hear it: the stranger has gone.")
        number = self._conversation.say(text)
        self._typing_at = -TYPING_EVERY  # the message ended that: who goes on writing is told of at once
        try:
            self._flush()
        except ValueError as error:  # longer than its a=max-message-size (RFC 8841, section 6)
            raise MessageRefused(f"The stranger's program takes no message as long as this: {error}.") from None
        self._trace.sent(STRANGER, ARROWS[MessageReceived])
        self._emit(MessageSent(number, text))
        return number

    def typing(self) -> None:
        """Let the stranger know that we are writing, every other second at most."""
        now = self._loop.time()
        if now - self._typing_at >= TYPING_EVERY:
            self._typing_at = now
            self._conversation.typing()
            self._flush()

    async def until_over(self) -> str:
        """Wait for the end of the talk, and see to it that a stranger who has vanished is noticed.

        Returns: why it ended, in words.
        """
        silent = 0.0
        while not self._over.done():
            await asyncio.wait({self._over}, timeout=self._timeouts.ping)
            silent = 0.0 if self._is_active else silent + self._timeouts.ping
            self._is_active = False
            if not self._conversation.supports_frames:
                continue  # plain text has no ping; ICE's own checks have to do
            if silent >= self._timeouts.silence:
                self._end(f"The stranger vanished: nothing heard for {silent:g} seconds.")
                break
            if silent:
                self._conversation.ping()
                self._flush()
        return self._over.result()

    def lost(self) -> None:
        """The connection under the channel broke."""
        self._end(WITHOUT_GOODBYE)

    async def close(self) -> None:
        """Say goodbye, if there is still somebody to say it to, let it leave, and close the channel.

        Who leaves at once has not heard the stranger's Hello yet, which alone allows a goodbye: wait for it a moment.
        """
        if self._is_on and self._channel.protocol == PROTOCOL and not self._conversation.supports_frames:
            await self._until_hello(self._began + HELLO_TIMEOUT)
        if self._acknowledging is not None:
            self._acknowledging.cancel()
        if self._is_on:
            self._conversation.acknowledge()
            self._conversation.goodbye()
            self._flush()
            self._end(LEFT)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timeouts.goodbye):
                    await self._drained(0, self._timeouts.goodbye)
                    self._channel.close()  # takes effect when all has arrived (RFC 8831, section 6.7)
                    await self._closed.wait()
        self._channel.close()

    @property
    def _is_on(self) -> bool:
        return self._channel.readyState == "open" and not self._over.done()

    @property
    def _is_full(self) -> bool:
        return self._channel.bufferedAmount > MAX_BUFFERED

    @property
    def _has_room(self) -> bool:
        """Whether a message can be sent at once, without overtaking one that waits."""
        return not self._is_full and not self._turn.locked()

    def receive(self, data: str | bytes) -> None:
        """Take a message of the stranger; the channel calls this."""
        self._is_active = True
        for event in self._conversation.receive(data):
            if isinstance(event, SaidGoodbye):
                self._end(STRANGER_LEFT)
            self._trace.received(STRANGER, ARROWS[type(event)])
            self._emit(event)
        if self._conversation.handshake_done:
            self.handshake_done.set()
        if self._conversation.owes_acknowledgement and self._acknowledging is None:
            self._acknowledging = self._loop.call_later(ACKNOWLEDGE_AFTER, self._acknowledge)
        self._flush()

    def _acknowledge(self) -> None:
        self._acknowledging = None
        self._conversation.acknowledge()
        self._flush()

    def _flush(self) -> None:
        """Send what the conversation has to say."""
        if self._is_on:
            for frame in self._conversation.take():
                self._channel.send(frame)

    def _on_close(self) -> None:
        self._closed.set()
        self._end(WITHOUT_GOODBYE)

    def _end(self, why: str) -> None:
        if not self._over.done():
            self._over.set_result(why)
        self._low.set()  # nobody need wait for the buffer now

    async def _until_hello(self, end: float) -> None:
        """Wait for the stranger's Hello until ``end``, a time of the loop, or until the talk is over."""
        hello = asyncio.ensure_future(self.handshake_done.wait())
        either: list[asyncio.Future[Any]] = [hello, self._over]
        try:
            left = max(0.0, end - self._loop.time())  # the loop of a browser refuses a time that is over
            await asyncio.wait(either, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hello.cancel()

    async def _drained(self, to: int, timeout: float) -> None:
        """Wait until no more than ``to`` bytes wait in the channel, or it closes, or the time is over."""
        self._low.clear()
        self._channel.bufferedAmountLowThreshold = to
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                if self._channel.bufferedAmount > to and self._channel.readyState == "open":
                    await self._low.wait()
