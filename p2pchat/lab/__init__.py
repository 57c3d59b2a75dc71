"""What only the lessons use: servers that a learner writes, and exercises with checks, hints and solutions.

* `serve_lesson` puts a coroutine over one socket on a port, `connect` opens a socket to it: `p2pchat.lab.serving`;
* ``await check("02.1", answer)`` says in words whether an answer is right, ``hint("02.1")`` helps, and
  ``solution("02.1")`` shows one: `p2pchat.lab.checks`.
"""

from p2pchat.lab.checks import check, hint, solution
from p2pchat.lab.serving import LessonServer, LessonSocket, connect, serve_lesson

__all__ = ["LessonServer", "LessonSocket", "check", "connect", "hint", "serve_lesson", "solution"]
