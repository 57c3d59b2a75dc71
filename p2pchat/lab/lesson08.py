"""The exercises of lesson 08: into the browser."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Set
from contextlib import asynccontextmanager
from typing import Any

from p2pchat.lab.exercises import Exercise
from p2pchat.messages.fields import dump, load
from p2pchat.webrtc import RTCPeerConnection

PATIENCE = 2.0  # seconds for an answer that takes some milliseconds
TURNS = 10  # of the event loop, in which a call has long been posted

Take = Callable[[Any], Awaitable[None]]

NO_SUCH_METHOD = "bakeACake"

PLACES = ("CPython kernel", "Worker", "main thread")
RIGHT = {
    "listen on a port": {"CPython kernel"},
    "start a thread": {"CPython kernel"},
    "open a WebSocket to a server": {"CPython kernel", "Worker", "main thread"},
    "hold an RTCPeerConnection": {"CPython kernel", "main thread"},
    "draw a button": {"main thread"},
    "compute for ten seconds, and the page does not freeze": {"CPython kernel", "Worker"},
}
BECAUSE = {
    "listen on a port": "Who can be called from outside? You tried it in the second cell.",
    "start a thread": "Look at the second cell, and at its answer for a tab.",
    "open a WebSocket to a server": "Look at the list of JavaScript's names. And the kernel did so in lesson 02.",
    "hold an RTCPeerConnection": "Who of the three needs a bridge, because it may not hold one itself?",
    "draw a button": "`document` is the page. Who has it?",
    "compute for ten seconds, and the page does not freeze": "Which of the three is the thread that draws the page?",
}


@asynccontextmanager
async def joined(ends: Any, troubles: list[str]) -> AsyncIterator[tuple[RTCPeerConnection, Any]]:
    """A connection, and a Worker's end that reaches it through the learner's bridge."""
    new_page, new_worker = ends
    up: asyncio.Queue[str] = asyncio.Queue()
    down: asyncio.Queue[str] = asyncio.Queue()
    connection = RTCPeerConnection()
    connection.createDataChannel("chat")
    page = new_page(connection, lambda message: down.put_nowait(dump(message)))
    worker = new_worker(lambda message: up.put_nowait(dump(message)))
    tasks = [asyncio.create_task(carry(*way, troubles)) for way in ((up, page.take), (down, worker.take))]
    try:
        yield connection, worker
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await connection.close()


async def carry(messages: asyncio.Queue[str], take: Take, troubles: list[str]) -> None:
    """Hand over message after message, until the end that takes them fails."""
    while True:
        message = load(await messages.get())
        try:
            await take(message)
        except Exception as error:  # it would vanish with this task
            who = "page" if "call" in message else "Worker"
            troubles.append(f"The {who}'s end raised {type(error).__name__}: {error}, and takes no message any more.")
            return


async def errors_come_back(ends: Any) -> None:
    """08.1: ``ends`` are the classes of both ends; a call that fails at the page raises in the Worker."""
    troubles: list[str] = []

    async def outcome(call: Awaitable[Any], what: str) -> Any:
        try:
            async with asyncio.timeout(PATIENCE):
                return await call
        except TimeoutError:
            story = f"{what}, and whoever called waits for an answer for ever; we gave up after {PATIENCE:g} seconds."
            raise AssertionError(" ".join([story, *troubles])) from None
        except Exception as error:
            return error

    async with joined(ends, troubles) as (connection, worker):
        what = f"the Worker called {NO_SUCH_METHOD}, which does not exist"
        came = await outcome(worker.call(NO_SUCH_METHOD), what)
        told_in_words(came, NO_SUCH_METHOD, what)
        what = "the Worker called createAnswer, and there is no offer to answer"
        words = await why_not(connection)
        told_in_words(await outcome(worker.call("createAnswer"), what), words, what)
        what = "after two calls that failed the Worker called createOffer, which is right"
        came = await outcome(worker.call("createOffer"), what)
        kind = came.get("type") if isinstance(came, dict) else None
        assert kind == "offer", f"{what}. It must get the offer, not: {came!r}"


def told_in_words(came: Any, words: str, what: str) -> None:
    """What came back must be an exception, with the words of the one at the page."""
    assert isinstance(came, Exception), f"{what}. It got {came!r}, as if all were well. It must get an exception."
    assert words in str(came), (
        f'{what}. It got an exception, and that says only "{came}". It must say what the page\'s said: "{words}".'
    )


async def why_not(connection: RTCPeerConnection) -> str:
    """What the engine says to an answer without an offer; each engine has words of its own."""
    try:
        await connection.createAnswer()
    except Exception as error:
        return str(error)
    raise AssertionError("the engine made an answer without an offer.")


async def answers_meet_their_calls(new_worker: Callable[..., Any]) -> None:
    """08.2: a Worker's end made by ``new_worker(post)`` gives each call its own answer."""
    posted: list[dict[str, Any]] = []
    worker = new_worker(posted.append)
    await worker.take({"event": "signalingstatechange", "state": "have-local-offer"})
    assert worker.signalingState == "have-local-offer", "an event told of a new signalingState: it must be kept."
    methods = ["createOffer", "createAnswer", "getStats"]
    calls = {method: asyncio.create_task(worker.call(method)) for method in methods}
    try:
        for _ in range(TURNS):
            await asyncio.sleep(0)
        assert [message["method"] for message in posted] == methods, (
            f"{', '.join(methods)} were called at once, so three messages must cross. There were: {posted}"
        )
        for message in (posted[-1], *posted[:-1]):  # neither in the order of the calls nor the other way round
            await worker.take({"answer": message["call"], "result": f"what {message['method']} gives"})
        story = "createOffer, createAnswer and getStats were called at once, and the page was done with getStats first"
        for method, call in calls.items():
            try:
                async with asyncio.timeout(PATIENCE):
                    got = await call
            except TimeoutError:
                raise AssertionError(f"{story}. All were answered, and {method} still waits.") from None
            assert got == f"what {method} gives", f'{story}. {method} got "{got}".'
    finally:
        for call in calls.values():
            call.cancel()
        await asyncio.wait(calls.values())


async def who_may(answers: Mapping[str, Set[str] | str | None]) -> None:
    """08.3: what may be done where."""
    for what, right in RIGHT.items():
        given = answers.get(what)
        assert given is not None, f'you have not said yet who may "{what}".'
        given = {given} if isinstance(given, str) else given
        strange = sorted(set(given) - set(PLACES))
        assert not strange, f'"{strange[0]}" is no place: the places are {", ".join(PLACES)}.'
        assert set(given) == right, f'"{what}": not so. {BECAUSE[what]}'


EXERCISES = (
    Exercise(
        "08.1",
        errors_come_back,
        "a call that fails at the page raises in the Worker, and the bridge goes on.",
        (
            "In `HonestPage`: what would the Worker need to know? It waits for a message with the number of its call.",
            'At the page: `self.post({"answer": message["call"], "error": …})`, with the words of the exception.',
            "In the Worker: a future has `set_result`, and beside it `set_exception(RuntimeError(words))`.",
        ),
    ),
    Exercise(
        "08.2",
        answers_meet_their_calls,
        "each call gets its own answer, in whatever order they come.",
        (
            "Read the message: who got whose answer? Which line decides that?",
            "The number is in every answer, and nobody reads it. A dictionary finds a future by its number.",
        ),
    ),
    Exercise(
        "08.3",
        who_may,
        "what Python may do is what the place where it runs can do.",
        (
            "A Worker may compute and talk to servers. It may not touch the page, nor WebRTC.",
            "The main thread may do all that JavaScript may, and nothing for long: it draws the page.",
        ),
    ),
)
