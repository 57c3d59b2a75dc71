"""A chat in a terminal: lines typed here are said, and what the peer tells is printed.

A stranger's text is shown as text: what would move the cursor or turn the writing around is made visible instead.
"""

import asyncio
import json
import sys
import threading
import time
from typing import TextIO

from p2pchat.errors import ChatError, MessageRefused
from p2pchat.messages import rfc3339
from p2pchat.peer import ChatPeer
from p2pchat.peer.events import (
    Delivered,
    Event,
    MessageReceived,
    MessageSent,
    Notice,
    SaidGoodbye,
    State,
    StateChanged,
    StrangerTyping,
)
from p2pchat.views.presenter import Author

NEXT = "/next"
JOINERS = "\u200c\u200d"  # invisible, and part of words and of emoji


class Terminal:
    """Lines in, events out.

    Args:
        peer: the one who chats.
        as_json: print each event as a JSON object on a line of its own.
        source: where lines come from, standard input by default.
        target: where events go, standard output by default.
    """

    def __init__(
        self, peer: ChatPeer, *, as_json: bool = False, source: TextIO | None = None, target: TextIO | None = None
    ) -> None:
        self._peer = peer
        self._as_json = as_json
        self._source = source or sys.stdin
        self._target = target or sys.stdout
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._settled = asyncio.Event()  # somebody is there to talk to, or nobody will be

    async def run(self) -> int:
        """Chat until the input ends. Returns: the exit status, 1 if a line could not be said.

        Raises: MatchmakingFailed, if there is no matchmaking server to begin with.
        """
        status = 0
        unsubscribe = self._peer.listen(self._show)
        threading.Thread(target=self._read, name="p2pchat input", daemon=True).start()
        try:
            await self._peer.start()
            while (line := await self._lines.get()) is not None:
                try:
                    await self._obey(line)
                except ChatError as error:
                    self._show(Notice(str(error)))
                    status = 1
        finally:
            await self._peer.leave()
            unsubscribe()
        return status

    async def _obey(self, line: str) -> None:
        if line.strip() == NEXT:
            await self._peer.next()
        elif line.strip():
            if not self._settled.is_set():
                self._show(Notice("Nobody is there yet: it will be said as soon as somebody is."))
                await self._settled.wait()
            if self._peer.state is State.CLOSED:
                raise MessageRefused(f"Nobody is there to hear it. {NEXT} finds another stranger.")
            await self._peer.send(line)

    def _read(self) -> None:
        """Read the input in a thread of its own: no event loop can wait for a terminal, a pipe and a file alike."""
        try:
            for line in self._source:
                self._loop.call_soon_threadsafe(self._lines.put_nowait, line.rstrip("\r\n"))
            self._loop.call_soon_threadsafe(self._lines.put_nowait, None)
        except (RuntimeError, ValueError):
            pass  # the chat is over, its loop or its input closed

    def _show(self, event: Event) -> None:
        if isinstance(event, StateChanged):
            if event.state in (State.OPEN, State.CLOSED):
                self._settled.set()
            else:
                self._settled.clear()
        line = as_json(event) if self._as_json else as_text(event)
        if line is not None:
            self._target.write(line + "\n")
            self._target.flush()


def as_text(event: Event) -> str | None:
    """The line of a record for ``event``, with the local time, or None for one that a person need not see."""
    match event:
        case StateChanged(_, why):
            author, text = Author.SYS, why
        case Notice(why):
            author, text = Author.SYS, why
        case MessageSent(_, text):
            author = Author.YOU
        case MessageReceived(text):
            author = Author.STRANGER
        case _:
            return None
    return f"{time.strftime('%H:%M:%S')} [{author}] {printable(text)}"


def as_json(event: Event) -> str:
    """One event as a JSON object on one line; ``at`` is an RFC 3339 time."""
    match event:
        case StateChanged(state, why):
            fields: dict[str, str | int] = {"event": "state", "state": state.value, "why": why}
        case Notice(text):
            fields = {"event": "notice", "text": text}
        case MessageSent(number, text):
            fields = {"event": "sent", "id": number, "text": text}
        case MessageReceived(text):
            fields = {"event": "message", "text": text}
        case Delivered(number):
            fields = {"event": "delivered", "id": number}
        case StrangerTyping():
            fields = {"event": "typing"}
        case SaidGoodbye():
            fields = {"event": "goodbye"}
    return json.dumps({"at": rfc3339(time.time())} | fields)


def printable(text: str) -> str:
    """``text`` with every character that a terminal would obey, instead of show, made visible."""

    def shown(char: str) -> str:
        if char == "\n":
            return "\n    "
        return char if char.isprintable() or char in JOINERS else ascii(char)[1:-1]

    return "".join(map(shown, text))
