"""The DataChannel: what two p2pchat peers say to each other beside their messages, which are plain text."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from p2pchat.messages.bare import Bare, Ping, Pong
from p2pchat.messages.fields import JsonObject, by_type, dump, load, number


@dataclass(frozen=True, slots=True)
class Hello(Bare):
    """I understand these frames."""


@dataclass(frozen=True, slots=True)
class Received:
    """So many of your messages have arrived, counted from the first on this channel."""

    count: int

    def to_json(self) -> str:
        return dump({"type": "received", "count": self.count})


@dataclass(frozen=True, slots=True)
class Typing(Bare):
    """I am writing something."""


@dataclass(frozen=True, slots=True)
class Goodbye(Bare):
    """I am leaving; this is no broken connection."""


ChatFrame: TypeAlias = Hello | Received | Typing | Goodbye | Ping | Pong


def parse_chat(text: str) -> ChatFrame:
    """Read a frame that came over the DataChannel from another p2pchat peer.

    Raises: FrameError.
    """
    return by_type(load(text), _CHAT)


_CHAT: dict[str, Callable[[JsonObject], ChatFrame]] = {
    "hello": lambda _: Hello(),
    "received": lambda fields: Received(number(fields, "count")),
    "typing": lambda _: Typing(),
    "goodbye": lambda _: Goodbye(),
    "ping": lambda _: Ping(),
    "pong": lambda _: Pong(),
}
