"""A peer says where its strangers come from."""

import pytest

from p2pchat import ChatPeer


@pytest.mark.parametrize(
    ("matchmaking", "where"),
    [
        ("ws://127.0.0.1:8081/matchmaking", "strangers at 127.0.0.1:8081"),
        ("wss://chat.example/matchmaking?x=/", "strangers at chat.example"),
        ("ws://[::1]:8081/", "strangers at [::1]:8081"),
        ("ws://name:password@chat.example/", "strangers at chat.example"),
        ("tabs:matchmaking", "strangers in this browser"),
        ("tabs:0b7cbb8e-6e7c-4f7a-9ef1-1d2f3a4b5c6d/matchmaking", "strangers in this browser"),
        ("ws://[::1/", "strangers at [::1"),  # no address: that is told when it is used
        ("nonsense", "strangers at nonsense"),
    ],
)
async def test_where_its_strangers_come_from(matchmaking: str, where: str) -> None:
    assert ChatPeer(matchmaking).where == where
