"""What happened, when, between whom."""

from p2pchat.trace import MATCHMAKING, SIGNALING, Arrow, Trace


def test_a_trace_tells_what_was_reported_in_its_order() -> None:
    trace = Trace()
    trace.report("ann", MATCHMAKING, "join")
    trace.report(MATCHMAKING, "ann", "MATCH", room="r1")
    trace.report("ann", SIGNALING, "register", room="r1")
    trace.report("bob", "ann", "hello", room="r1", received=True)
    assert [(arrow.source, arrow.target, arrow.what, arrow.room, arrow.received) for arrow in trace] == [
        ("ann", "matchmaking", "join", "", False),
        ("matchmaking", "ann", "MATCH", "r1", False),
        ("ann", "signaling", "register", "r1", False),
        ("bob", "ann", "hello", "r1", True),
    ]


def test_times_count_from_the_beginning_and_never_go_back() -> None:
    trace = Trace()
    for number in range(100):
        trace.report("ann", "bob", str(number))
    times = [arrow.at for arrow in trace]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] < 60


def test_the_oldest_are_forgotten() -> None:
    trace = Trace(max_arrows=3)
    for number in range(10):
        trace.report("ann", "bob", str(number))
    assert len(trace) == 3
    assert [arrow.what for arrow in trace] == ["7", "8", "9"]


def test_a_trace_may_go_on_while_somebody_reads_it() -> None:
    trace = Trace()
    trace.report("ann", "bob", "first")
    seen: list[Arrow] = []
    for arrow in trace:
        trace.report("bob", "ann", "an answer")
        seen.append(arrow)
    assert [arrow.what for arrow in seen] == ["first"]
    assert len(trace) == 2
