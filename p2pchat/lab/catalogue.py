"""All exercises of all lessons, by number."""

from p2pchat.lab import lesson00, lesson02, lesson03, lesson07
from p2pchat.lab.exercises import Exercise

EXERCISES: dict[str, Exercise] = {
    exercise.number: exercise for lesson in (lesson00, lesson02, lesson03, lesson07) for exercise in lesson.EXERCISES
}
