"""Reasons as a close frame can carry them; what the log keeps of them is in `tests/servers/test_servers_log.py`."""

from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.sockets.close_reason import MAX_REASON, shortened


@settings(deadline=None)
@given(st.text())
def test_a_reason_is_cut_between_characters_and_only_where_it_must_be(reason: str) -> None:
    kept = shortened(reason)
    assert reason.startswith(kept)
    rest = reason[len(kept) :]
    assert len(kept.encode()) <= MAX_REASON
    assert not rest or len((kept + rest[0]).encode()) > MAX_REASON
