"""The DataChannel: what two p2pchat peers say to each other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from p2pchat.messages.bare import Bare, Ping, Pong
from p2pchat.messages.fields import JsonObject, by_type, dump, flag, load, number, text_field


@dataclass(frozen=True, slots=True)
class Hello(Bare):
    """I understand these frames: from now on I send nothing else. (Until then a frame is plain text.)"""


@dataclass(frozen=True, slots=True)
class Text:
    """A chat message, or with ``more`` a part of one. Parts of one message have one ``id``."""

    id: int
    text: str
    more: bool = False

    def to_json(self) -> str:
        return dump({"type": "text", "id": self.id, "text": self.text} | ({"more": True} if self.more else {}))


@dataclass(frozen=True, slots=True)
class Received:
    """Your message with this ``id`` arrived whole."""

    id: int

    def to_json(self) -> str:
        return dump({"type": "received", "id": self.id})


@dataclass(frozen=True, slots=True)
class Typing(Bare):
    """I am writing something."""


@dataclass(frozen=True, slots=True)
class Goodbye(Bare):
    """I am leaving; this is no broken connection."""


ChatFrame: TypeAlias = Hello | Text | Received | Typing | Goodbye | Ping | Pong


def parse_chat(text: str) -> ChatFrame:
    """Read a frame that came over the DataChannel from another p2pchat peer.

    Raises: FrameError.
    """
    return by_type(load(text), _CHAT)


_CHAT: dict[str, Callable[[JsonObject], ChatFrame]] = {
    "hello": lambda _: Hello(),
    "text": lambda fields: Text(number(fields, "id"), text_field(fields, "text"), flag(fields, "more")),
    "received": lambda fields: Received(number(fields, "id")),
    "typing": lambda _: Typing(),
    "goodbye": lambda _: Goodbye(),
    "ping": lambda _: Ping(),
    "pong": lambda _: Pong(),
}
