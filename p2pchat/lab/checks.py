"""What a learner asks: is this right? How do I go on? How would you do it?

A check is a coroutine of plain ``assert``s, each with a sentence; `check` turns whatever it raises into a `Verdict`, so
that "run all cells" goes on.
"""

import asyncio
from typing import Any

from p2pchat.errors import ChatError
from p2pchat.lab import lesson00, lesson02, lesson03, lesson07, lesson08
from p2pchat.lab.exercises import Exercise, Shown, Verdict
from p2pchat.lab.feedback import what_was_raised

CHECK_TIMEOUT = 20.0  # seconds; a check has limits of its own, so this one ends only a program that hangs

EXERCISES: dict[str, Exercise] = {
    exercise.number: exercise
    for lesson in (lesson00, lesson02, lesson03, lesson07, lesson08)
    for exercise in lesson.EXERCISES
}


async def check(number: str, answer: Any) -> Verdict:
    """Say whether ``answer`` solves the exercise with this number, for instance "02.1"."""
    exercise = find(number)
    name = str(getattr(answer, "__name__", "your answer"))
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            await exercise.examine(answer)
    except AssertionError as error:
        return Verdict(False, str(error) or what_was_raised(error, name))
    except TimeoutError:
        return Verdict(False, f"{name} did not come to an end. Does it wait for something that never comes?")
    except Exception as error:  # whatever a learner's code raises is told in words, not as a traceback
        return Verdict(False, what_was_raised(error, name) + ".")
    return Verdict(True, exercise.praise)


_hints_shown: dict[str, int] = {}  # by the number of the exercise


def hint(number: str) -> Shown:
    """The next hint for an exercise; after the last one it begins again."""
    hints = find(number).hints
    place = _hints_shown.get(number, 0) % len(hints)
    _hints_shown[number] = place + 1
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
    if number not in EXERCISES:
        raise ChatError(f"There is no exercise {number!r}. There are: {', '.join(EXERCISES)}.")
    return EXERCISES[number]
