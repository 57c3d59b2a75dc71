"""What an exercise is: a check that says in words what is wrong, hints, and a solution for those who ask."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise: ``examine(answer)`` raises AssertionError with a sentence where the answer is wrong."""

    number: str
    examine: Callable[[Any], Awaitable[None]]
    praise: str
    hints: tuple[str, ...]

    @property
    def solution(self) -> str:
        """The Python source of one right answer."""
        return (files("p2pchat.lab") / "solutions" / f"{self.number}.txt").read_text("utf-8")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an answer is right, and why, in words."""

    right: bool
    why: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{'Well done' if self.right else 'Not yet'}: {self.why}"


class Shown:
    """A text that a notebook shows as it is, or as Markdown."""

    def __init__(self, text: str, markdown: str) -> None:
        self.text = text
        self._markdown = markdown

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self._markdown
