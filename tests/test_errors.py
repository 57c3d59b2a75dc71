"""The tree of exceptions: what its docstring shows, and which names are the engine's."""

import inspect
import re

import pytest

from p2pchat import errors, webrtc


def depths(kind: type[BaseException], depth: int = 0) -> dict[str, tuple[str, int]]:
    """Each class below and with ``kind``: its parent and its depth."""
    found = {kind.__name__: (kind.__bases__[0].__name__, depth)}
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            found |= depths(child, depth + 1)
    return found


def test_the_docstring_shows_the_tree() -> None:
    drawn: dict[str, tuple[str, int]] = {}
    path: list[str] = ["Exception"]
    for prefix, name in re.findall(r"^    ((?:│   |    )*(?:[├└]── )?)(\w+(?= {2,}|$))", errors.__doc__ or "", re.M):
        depth = len(prefix) // 4
        drawn[name] = (path[depth], depth)
        path[depth + 1 :] = [name]
    assert drawn == depths(errors.ChatError)


def test_all_errors_are_in_the_tree_and_say_what_they_are() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    assert {kind.__name__ for kind in kinds} == set(depths(errors.ChatError))
    assert all(kind.__doc__ for kind in kinds)


@pytest.mark.parametrize("error", [errors.SocketNotOpened("nobody listens there"), errors.SocketClosed(1001, "going")])
def test_who_does_not_care_how_a_socket_failed_catches_one_base(error: errors.SocketError) -> None:
    with pytest.raises(errors.SocketError) as caught:
        raise error
    assert caught.value.reason in str(caught.value)


def test_the_names_of_the_w3c_are_those_of_the_engine_that_runs() -> None:
    import aiortc.exceptions

    assert webrtc.InvalidStateError is aiortc.InvalidStateError
    assert webrtc.OperationError is aiortc.exceptions.OperationError
