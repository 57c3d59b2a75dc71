"""Exercises: a check that says in words what is wrong, hints one by one, and a solution for those who ask.

A check is a coroutine of plain ``assert``s, each with a sentence; `check` turns whatever it raises into a `Verdict`,
so that "run all cells" goes on. A solution is a Python file in ``solutions/``: it holds the cell as it should be.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from p2pchat.errors import ChatError
from p2pchat.lab.telling import what_was_raised

CHECK_LIMIT = 20.0  # seconds; a check has limits of its own, so this one ends only a program that hangs


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
        return (files("p2pchat.lab.solutions") / f"exercise_{self.number.replace('.', '_')}.py").read_text("utf-8")


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


async def check(number: str, answer: Any) -> Verdict:
    """Say whether ``answer`` solves the exercise with this number, for instance "02.1"."""
    exercise = find(number)
    name = str(getattr(answer, "__name__", "your answer"))
    try:
        async with asyncio.timeout(CHECK_LIMIT):
            await exercise.examine(answer)
    except AssertionError as error:
        return Verdict(False, str(error) or what_was_raised(error, name))
    except TimeoutError:
        return Verdict(False, f"{name} did not come to an end. Does it wait for something that never comes?")
    except Exception as error:  # whatever a learner's code raises is told in words, not as a traceback
        return Verdict(False, what_was_raised(error, name) + ".")
    return Verdict(True, exercise.praise)


_told: dict[str, int] = {}


def hint(number: str) -> Shown:
    """The next hint for an exercise; after the last one it begins again."""
    hints = find(number).hints
    place = _told.get(number, 0) % len(hints)
    _told[number] = place + 1
    text = f"Hint {place + 1} of {len(hints)}: {hints[place]}"
    return Shown(text, text)


def solution(number: str) -> Shown:
    """One right answer. Try the hints first: what one finds oneself stays."""
    source = find(number).solution
    return Shown(source, f"```python\n{source}```")


def find(number: str) -> Exercise:
    """The exercise with this number.

    Raises: ChatError, if there is none.
    """
    from p2pchat.lab.catalogue import EXERCISES

    if number not in EXERCISES:
        raise ChatError(f"There is no exercise {number!r}. There are: {', '.join(EXERCISES)}.")
    return EXERCISES[number]
