"""A check says in words what is wrong; hints come one by one; a solution comes when it is asked for.

That every exercise as handed out fails and every solution passes is tested in the notebooks: tests/notebooks.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from p2pchat import ChatError, ChatPeer, Servers
from p2pchat.lab import LessonSocket, check, hint, solution
from p2pchat.lab.checks import EXERCISES
from p2pchat.webrtc import RTCDataChannel, RTCPeerConnection

Lesson = Callable[[LessonSocket, Any], Awaitable[None]]

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def cell(number: str, **names: Any) -> dict[str, Any]:
    """What the cell of a solution defines."""
    from uuid import uuid4

    def match(room: str, user_id: str) -> str:
        return json.dumps({"type": "MATCH", "room_id": room, "user_id": user_id, "created_at": "2026-01-31T12:00:00Z"})

    scope: dict[str, Any] = {"asyncio": asyncio, "json": json, "uuid4": uuid4, "match": match} | names
    if number == "08.1":
        scope |= built_by_hand("08_into_the_browser.ipynb", "Page", "Worker")
    exec(compile(EXERCISES[number].solution, f"<cell {number}>", "exec"), scope)
    return scope


def built_by_hand(lesson: str, *names: str) -> dict[str, Any]:
    """The classes of these names, from the cells of a lesson."""
    scope: dict[str, Any] = {}
    for cell in nbformat.read(NOTEBOOKS / lesson, as_version=4).cells:
        if cell.cell_type == "code" and re.search(rf"^class ({'|'.join(names)}):", cell.source, re.M):
            exec(compile(cell.source, f"<cell of {lesson}>", "exec"), scope)
    return {name: scope[name] for name in names}


def changed(number: str, name: str, *faults: tuple[str, str]) -> Any:
    """A solution with faults put in: each replaces an old text with a new one."""
    source = EXERCISES[number].solution
    for old, new in faults:
        assert old in source
        source = source.replace(old, new)
    scope = cell(number)
    exec(compile(source, f"<cell {number}>", "exec"), scope)
    return scope[name]


async def verdict(number: str, answer: Any) -> str:
    found = await check(number, answer)
    assert not found, f"a wrong answer passed: {found}"
    return repr(found)


class TestAVerdict:
    async def test_is_true_or_false_and_tells_why(self) -> None:
        right = await check("00.1", cell("00.1")["learns"])
        assert right
        assert repr(right).startswith("Well done: ")

    async def test_names_the_line_that_raised(self) -> None:
        def broken(servers: Servers, name: str) -> ChatPeer:
            return ChatPeer(servers.no_such_thing)  # type: ignore[attr-defined]

        text = await verdict("00.2", broken)
        assert text.startswith(
            "Not yet: broken raised AttributeError: 'Servers' object has no attribute 'no_such_thing'"
        )
        assert "return ChatPeer(servers.no_such_thing)" in text

    async def test_comes_even_if_the_answer_is_something_else_altogether(self) -> None:
        for number in EXERCISES:
            assert (await verdict(number, 42)).startswith("Not yet: ")


class TestHintsAndSolutions:
    def test_hints_come_one_after_the_other_and_then_again(self) -> None:
        count = len(EXERCISES["02.2"].hints)
        texts = [repr(hint("02.2")) for _ in range(count + 1)]
        assert texts[0].startswith(f"Hint 1 of {count}: ")
        assert len(set(texts)) == count
        assert texts[-1] == texts[0]

    def test_a_solution_is_shown_as_code(self) -> None:
        shown = solution("02.1")
        assert repr(shown).startswith("async def mended(socket, waiting):")
        assert shown._repr_markdown_().startswith("```python\n")

    def test_an_exercise_that_is_not_there_is_one_sentence(self) -> None:
        with pytest.raises(ChatError, match=r"There is no exercise '99\.9'\. There are: 00\.1, "):
            solution("99.9")

    @pytest.mark.parametrize("number", EXERCISES)
    def test_every_exercise_has_hints_and_a_solution(self, number: str) -> None:
        assert len(EXERCISES[number].hints) >= 2
        assert EXERCISES[number].solution.endswith("\n")


class TestWhoKnows:
    async def test_an_answer_that_is_no_choice_is_told_the_choices(self) -> None:
        assert "matchmaking, signaling, no server" in await verdict("00.1", {"who wants to chat": "the static server"})

    async def test_a_wrong_answer_is_told_where_to_look(self) -> None:
        wrong = cell("00.1")["learns"] | {"the word hello": "signaling"}
        assert "You stopped all servers" in await verdict("00.1", wrong)


class TestAWaitingLine:
    async def test_that_gives_two_rooms_is_told_so(self) -> None:
        answer = changed(
            "02.1", "mended", ('await other.send(match(room, "peer"))', 'await other.send(match("x", "peer"))')
        )
        assert "must get the same room_id" in await verdict("02.1", answer)

    async def test_that_mixes_up_who_waited_is_told_so(self) -> None:
        assert "Bob came last" in await verdict("02.1", changed("02.1", "mended", ('join["user_id"]', '"peer"')))

    async def test_that_removes_without_looking_is_told_of_the_error(self) -> None:
        answer = changed("02.1", "mended", ("if socket in waiting:", "if True:"))
        assert "your coroutine failed on the way: mended raised ValueError" in await verdict("02.1", answer)

    async def test_that_matches_two_tabs_of_one_user_is_told_so(self) -> None:
        answer = changed("02.2", "not_oneself", ("if other_id != user_id:", "if True:"))
        assert "two tabs" in await verdict("02.2", answer)

    async def test_in_which_the_ghosts_are_back_is_told_so(self) -> None:
        answer = changed("02.2", "not_oneself", ("if (user_id, socket) in waiting:", "if False:"))
        assert "ghosts again" in await verdict("02.2", answer)

    async def test_that_sends_no_json_is_shown_what_came(self) -> None:
        async def chatty(socket: LessonSocket, waiting: list[LessonSocket]) -> None:
            await socket.recv()
            await socket.send("welcome")

        assert "What came is no MATCH" in await verdict("02.1", chatty)


class TestARoom:
    async def test_with_another_reason_is_told_the_one_that_clients_know(self) -> None:
        assert 'The reason that clients know is "full"' in await verdict(
            "03.1", changed("03.1", "for_two", ("full", "no"))
        )

    async def test_that_leaves_the_third_one_hanging_is_told_to_close(self) -> None:
        answer = changed("03.1", "for_two", ("        return\n", "        await socket.recv()\n        return\n"))
        assert "must close Cleo's socket" in await verdict("03.1", answer)

    async def test_that_tells_only_one_flag_is_told_of_both(self) -> None:
        answer = changed("03.1", "for_two", ('"isExistUser": somebody', '"isExistUser": False'))
        assert "isExistUser must both be true" in await verdict("03.1", answer)

    async def test_that_is_never_freed_is_noticed(self) -> None:
        stays = ("    room.remove(socket)\n", "    left = [one for one in room if one is not socket]\n")
        told = ("for other in room:\n            await", "for other in left:\n            await")
        answer = changed("03.2", "with_bye", stays, told, ("        del rooms[name]\n", ""))
        assert "came first, so both must be false" in await verdict("03.2", answer)

    async def test_that_says_bye_and_stays_is_told_to_close(self) -> None:
        answer = changed("03.2", "with_bye", ("await other.close()", "pass"))
        assert "must close Bob's socket" in await verdict("03.2", answer)

    async def test_that_echoes_is_told_who_hears_himself(self) -> None:
        answer = changed("03.3", "careful", ("if other is not socket:", "if True:"))
        assert "Bob hears himself" in await verdict("03.3", answer)


class TestAPeer:
    async def test_that_never_connects_is_told_how_many_addresses_travelled(self) -> None:
        async def lazy(caller: RTCPeerConnection, callee: RTCPeerConnection) -> RTCDataChannel:
            return caller.createDataChannel("chat")

        assert "0 addresses of the callee" in await verdict("07.2", lazy)

    async def test_that_is_open_too_early_is_told_so(self) -> None:
        class Eager:
            state = "open"

            def __init__(self, matchmaking: str, signaling: str) -> None: ...

            async def leave(self) -> None: ...

        assert "before START the state is idle" in await verdict("07.1", Eager)


class TestABridge:
    async def test_that_swallows_the_error_leaves_its_caller_waiting(self) -> None:
        answer = changed("08.1", "both_ends", ("self.post({", "print({"))
        assert "whoever called waits for an answer for ever" in await verdict("08.1", answer)

    async def test_whose_page_dies_of_an_error_is_told_so(self) -> None:
        answer = changed("08.1", "both_ends", ("except Exception as error", "except KeyError as error"))
        text = await verdict("08.1", answer)
        assert "The page's end raised AttributeError" in text
        assert "takes no message any more" in text

    async def test_that_sends_the_exception_itself_is_told_that_no_object_can_cross(self) -> None:
        answer = changed("08.1", "both_ends", ('f"{type(error).__name__}: {error}"', "error"))
        assert "raised TypeError: Object of type AttributeError is not JSON" in await verdict("08.1", answer)

    async def test_whose_worker_does_not_look_for_errors_is_told_so(self) -> None:
        answer = changed("08.1", "both_ends", ('if "error" in message', 'if "failure" in message'))
        assert "The Worker's end raised KeyError: 'result'" in await verdict("08.1", answer)

    async def test_that_passes_an_error_off_as_a_result_is_told_so(self) -> None:
        answer = changed("08.1", "both_ends", ('.set_exception(RuntimeError(message["error"]))', ".set_result(None)"))
        assert "It got None, as if all were well." in await verdict("08.1", answer)

    async def test_that_forgets_the_words_is_told_which(self) -> None:
        answer = changed("08.1", "both_ends", ("{type(error).__name__}: {error}", "it failed"))
        text = await verdict("08.1", answer)
        assert 'says only "it failed"' in text
        assert "bakeACake" in text

    async def test_that_knows_one_error_alone_is_told_of_the_next(self) -> None:
        answer = changed("08.1", "both_ends", ("except Exception as error", "except AttributeError as error"))
        assert "the Worker called createAnswer" in await verdict("08.1", answer)

    async def test_that_tells_of_an_error_with_the_wrong_number_is_noticed(self) -> None:
        answer = changed("08.1", "both_ends", ('{"answer": message["call"]', '{"answer": message["call"] + 1'))
        assert "The Worker's end raised KeyError: 2" in await verdict("08.1", answer)

    async def test_that_hands_answers_to_the_newest_call_is_told_who_got_what(self) -> None:
        answer = changed("08.2", "Orderly", ('.pop(message["answer"])', ".pop(max(self.waiting))"))
        assert 'createOffer got "what createAnswer gives"' in await verdict("08.2", answer)

    async def test_that_hands_answers_to_the_oldest_call_is_told_who_got_what(self) -> None:
        answer = changed("08.2", "Orderly", ('.pop(message["answer"])', ".pop(min(self.waiting))"))
        assert 'createOffer got "what getStats gives"' in await verdict("08.2", answer)

    async def test_that_forgets_a_call_is_told_which_one_waits(self) -> None:
        answer = changed("08.2", "Orderly", ("self.calls += 1", "self.calls = 1"))
        assert "KeyError: 1" in await verdict("08.2", answer)

    async def test_that_does_not_keep_the_state_is_told_so(self) -> None:
        answer = changed("08.2", "Orderly", ('self.signalingState = message["state"]', "pass"))
        assert "an event told of a new signalingState" in await verdict("08.2", answer)


class TestWhoMay:
    async def test_a_wrong_place_is_told_where_to_look(self) -> None:
        wrong = cell("08.3")["may"] | {"hold an RTCPeerConnection": {"CPython kernel", "Worker", "main thread"}}
        assert "needs a bridge" in await verdict("08.3", wrong)

    async def test_a_place_that_there_is_not_is_told_the_places(self) -> None:
        wrong = cell("08.3")["may"] | {"draw a button": "the page"}
        assert '"the page" is no place: the places are CPython kernel, Worker, main thread' in await verdict(
            "08.3", wrong
        )
