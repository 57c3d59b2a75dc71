"""How much one client may ask: the token_bucket, and the defaults that honest use never meets."""

from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.servers.limits import Limits
from p2pchat.servers.token_bucket import TokenBucket


def taken(token_bucket: TokenBucket, at: float, tries: int) -> int:
    return sum(token_bucket.take(at) for _ in range(tries))


class TestAnAllowance:
    def test_allows_a_burst_and_no_more(self) -> None:
        assert taken(TokenBucket(rate=10, burst=300), 0.0, 1000) == 300

    def test_is_refilled_at_its_rate(self) -> None:
        token_bucket = TokenBucket(rate=10, burst=300)
        taken(token_bucket, 0.0, 300)
        assert taken(token_bucket, 1.0, 100) == 10

    def test_is_not_charged_for_what_it_refused(self) -> None:
        token_bucket = TokenBucket(rate=10, burst=1)
        taken(token_bucket, 0.0, 1000)
        assert token_bucket.take(0.1)

    def test_never_grows_beyond_the_burst(self) -> None:
        token_bucket = TokenBucket(rate=10, burst=5)
        token_bucket.take(0.0)
        assert taken(token_bucket, 1_000_000.0, 100) == 5

    def test_allows_the_rate_for_ever(self) -> None:
        token_bucket = TokenBucket(rate=8, burst=1)
        assert all(token_bucket.take(number / 8) for number in range(10_000))

    def test_of_less_than_one_at_once_allows_one(self) -> None:
        assert taken(TokenBucket(rate=1, burst=0.5), 0.0, 3) == 1

    @pytest.mark.parametrize(("rate", "burst"), [(0, 300), (10, 0), (0, 0)])
    def test_of_0_is_no_bound(self, rate: float, burst: float) -> None:
        assert taken(TokenBucket(rate, burst), 0.0, 10_000) == 10_000

    @settings(deadline=None)
    @given(
        rate=st.integers(1, 50),
        burst=st.integers(1, 50),
        waits=st.lists(st.integers(0, 8).map(lambda eighths: eighths / 8), max_size=200),
    )
    def test_never_allows_more_than_the_burst_and_the_rate_since(
        self, rate: int, burst: int, waits: list[float]
    ) -> None:
        token_bucket, now, taken_at = TokenBucket(rate, burst), 0.0, []
        for wait in waits:
            now += wait
            if token_bucket.take(now):
                taken_at.append(now)
        for first, start in enumerate(taken_at):
            for last, end in enumerate(taken_at[first:], first):
                assert last - first + 1 <= burst + (end - start) * rate


class TestTheDefaults:
    def test_allow_what_is_honest(self) -> None:
        limits = Limits()
        token_bucket = TokenBucket(limits.frames_per_second, limits.frames_at_once)
        assert taken(token_bucket, 0.0, 300) == 300, "all candidates at once"
        assert all(token_bucket.take(1 + number / 200) for number in range(20_000)), "200 a second"

    def test_are_those_of_the_protocol(self) -> None:
        assert Limits().matchmaking_frame == 4096
        assert Limits().signaling_frame == 1024 * 1024

    def test_are_all_bounds(self) -> None:
        assert all(field.default > 0 for field in fields(Limits))
