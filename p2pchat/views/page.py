"""The chat as a page of its own: no Jupyter, no widgets, the same `ChatPeer`.

The page ``/chat/`` of the site (``jupyterlite/chat/``) runs this in Pyodide, on its main thread, and hands over what
draws: an object of JavaScript with the few functions of `Drawing`. Nothing else here knows that there is a page.
"""

import inspect
import sys
from collections.abc import Iterable
from itertools import count
from typing import Protocol

from p2pchat.peer import ChatPeer
from p2pchat.servers import start_servers
from p2pchat.views.presenter import Presenter, Standing


class Drawing(Protocol):
    """What the page gives, in JavaScript; arguments are texts, numbers and booleans."""

    def stand(self, state: str, why: str, hint: str, start: bool, next: bool, leave: bool, somebody: bool) -> None:
        """Show the state as a word, why in words, the hint in the box, and which buttons can be pressed."""

    def add(self, number: int, who: str, text: str) -> None:
        """Write a line of the record."""

    def deliver(self, number: int) -> None:
        """Mark a line as delivered."""

    def typing(self, typing: bool) -> None:
        """Show whether the stranger is typing."""

    def back(self, text: str) -> None:
        """Put a text back into the box."""


class PageView:
    """A `p2pchat.views.presenter.View` on a page."""

    def __init__(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self._numbers = count()

    def stand(self, standing: Standing) -> None:
        self._drawing.stand(
            standing.state.value,
            standing.why,
            standing.hint,
            standing.can_start,
            standing.can_next,
            standing.can_leave,
            standing.somebody,
        )

    def write(self, who: str, text: str) -> int:
        number = next(self._numbers)
        self._drawing.add(number, who, text)
        return number

    def mark_delivered(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._drawing.deliver(number)

    def show_typing(self, typing: bool) -> None:
        self._drawing.typing(typing)

    def put_back(self, text: str) -> None:
        self._drawing.back(text)


class PageChat:
    """One chat on a page: what the page's buttons call, without waiting for it."""

    def __init__(self, peer: ChatPeer, drawing: Drawing) -> None:
        self.peer = peer
        self._presenter = Presenter(peer, PageView(drawing))

    @property
    def where(self) -> str:
        """Where the strangers are, in words."""
        return self.peer.where

    def start(self) -> None:
        """START."""
        self._presenter.do(self.peer.start)

    def next(self) -> None:
        """NEXT."""
        self._presenter.do(self.peer.next)

    def leave(self) -> None:
        """LEAVE."""
        self._presenter.do(self.peer.leave)

    def say(self, text: str) -> None:
        """SEND."""
        self._presenter.say(text)

    def typing(self) -> None:
        """A key was pressed in the box."""
        self.peer.typing()


async def open_chat(drawing: Drawing) -> PageChat:
    """Find the servers, or let the tabs of this browser be them, and make a peer.

    Raises: ServerFailed.
    """
    servers = await start_servers()
    return PageChat(ChatPeer(servers.matchmaking_url, servers.signaling_url), drawing)


def lines_of_code() -> int:
    """How many lines of Python of ours run here: those of each module of p2pchat that has been imported."""
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == "p2pchat"]
    return sum(len(inspect.getsource(module).splitlines()) for module in modules)
