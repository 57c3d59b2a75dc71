"""The events of a peer: listeners at once, ``async for`` when it comes to it."""

import asyncio

import pytest

from p2pchat import MessageReceived, State, StateChanged
from p2pchat.peer.event_feed import MAX_UNREAD, EventFeed
from p2pchat.peer.events import Event
from tests.support.fake_time import pause

CLOSED = StateChanged(State.CLOSED, "You left.")


async def read(feed: EventFeed) -> list[Event]:
    return [event async for event in feed]


async def test_nobody_has_to_read_them_and_the_newest_are_kept() -> None:
    feed = EventFeed("Ada")
    for number in range(2 * MAX_UNREAD):
        feed.emit(MessageReceived(str(number)))
    feed.emit(CLOSED)
    unread = await read(feed)
    assert len(unread) == MAX_UNREAD
    assert unread[-2:] == [MessageReceived(str(2 * MAX_UNREAD - 1)), CLOSED]


async def test_each_is_read_once_up_to_closed_and_the_next_ones_later() -> None:
    feed = EventFeed("Ada")
    for text in ("one", "two"):
        feed.emit(MessageReceived(text))
        feed.emit(CLOSED)
    assert await read(feed) == [MessageReceived("one"), CLOSED]
    assert await read(feed) == [MessageReceived("two"), CLOSED]


async def test_who_reads_waits_for_more() -> None:
    feed = EventFeed("Ada")
    reading = asyncio.create_task(read(feed))
    await pause(60)
    feed.emit(MessageReceived("late"))
    await pause(60)
    assert not reading.done()
    feed.emit(CLOSED)
    assert await reading == [MessageReceived("late"), CLOSED]


async def test_listeners_hear_each_in_order_until_they_stop() -> None:
    feed = EventFeed("Ada")
    heard: list[Event] = []
    stop = feed.listen(heard.append)
    feed.emit(MessageReceived("one"))
    stop()
    stop()
    feed.emit(MessageReceived("two"))
    assert heard == [MessageReceived("one")]


async def test_a_listener_may_stop_another_while_an_event_is_told() -> None:
    feed = EventFeed("Ada")
    heard: list[str] = []
    stops = [feed.listen(lambda _: [stop() for stop in stops]), feed.listen(lambda _: heard.append("second"))]
    feed.emit(CLOSED)
    feed.emit(CLOSED)
    assert heard == ["second"]


async def test_a_listener_that_fails_is_logged_and_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    feed = EventFeed("Ada")
    heard: list[Event] = []

    def faulty(event: Event) -> None:
        raise ZeroDivisionError("my own fault")

    feed.listen(faulty)
    feed.listen(heard.append)
    feed.emit(CLOSED)
    assert heard == [CLOSED]
    assert "A listener of the peer Ada failed" in caplog.text
    assert "my own fault" in caplog.text
