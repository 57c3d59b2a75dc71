"""What the ``servers.json`` of a site may say. How the static server writes it: test_static_site.py."""

from typing import Any

import pytest

from p2pchat.servers.servers_json import named_in

BOTH = {"matchmaking": "ws://h:8081/matchmaking", "signaling": "wss://h/signaling"}


def test_both_servers_are_named() -> None:
    assert named_in(BOTH | {"static": "http://h/", "more": [1]}) == BOTH


@pytest.mark.parametrize(
    "found",
    [
        *(None, 7, "ws://h/", [], {}, ["matchmaking", "signaling"]),
        *({name: url} for name, url in BOTH.items()),
        BOTH | {"signaling": None},
        BOTH | {"signaling": ["ws://h/"]},
        BOTH | {"matchmaking": "http://h/"},
        BOTH | {"matchmaking": "/matchmaking"},
        BOTH | {"matchmaking": "tabs:matchmaking"},
        BOTH | {"matchmaking": " ws://h/"},
    ],
    ids=str,
)
def test_anything_else_is_no_answer(found: Any) -> None:
    assert named_in(found) == {}
