"""Frames that are nothing but their type; Ping and Pong are the same on both wires that have them."""

from dataclasses import dataclass

from p2pchat.messages.fields import dump


class Bare:
    """A frame that is nothing but its type: the class name in lower case."""

    __slots__ = ()

    def to_json(self) -> str:
        return dump({"type": type(self).__name__.lower()})


@dataclass(frozen=True, slots=True)
class Ping(Bare):
    """Are you there?"""


@dataclass(frozen=True, slots=True)
class Pong(Bare):
    """I am."""
