"""What has come and was not read yet, and the end of a socket."""

import asyncio

import pytest

from p2pchat.errors import SocketClosed
from p2pchat.sockets.inbox import Inbox
from p2pchat.sockets.text_socket import MAX_FRAME, is_too_large


async def test_frames_come_in_order_and_then_the_end_as_often_as_it_is_asked_for() -> None:
    inbox = Inbox()
    for text in ("one", "two"):
        inbox.put(text)
    inbox.end(1000, "done")
    inbox.end(1006, "only the first end counts")
    inbox.put("too late")
    assert [await inbox.recv(), await inbox.recv()] == ["one", "two"]
    for _ in range(2):
        with pytest.raises(SocketClosed) as error:
            await inbox.recv()
        assert (error.value.code, error.value.reason) == (1000, "done")


async def test_who_waits_is_woken_by_a_frame_and_by_the_end() -> None:
    inbox = Inbox()
    readers = [asyncio.create_task(inbox.recv()) for _ in range(2)]
    await asyncio.sleep(0)
    inbox.put("one")
    done, _ = await asyncio.wait(readers, return_when=asyncio.FIRST_COMPLETED, timeout=60)
    assert [task.result() for task in done] == ["one"]
    inbox.end(4000, "")
    (other,) = set(readers) - done
    with pytest.raises(SocketClosed):
        await asyncio.wait_for(other, 60)


async def test_a_reader_that_gives_up_takes_no_frame_with_it() -> None:
    inbox = Inbox()
    reader = asyncio.create_task(inbox.recv())
    await asyncio.sleep(0)
    inbox.put("one")
    reader.cancel()
    await asyncio.wait({reader})
    assert reader.cancelled()
    assert await inbox.recv() == "one"


async def test_the_end_can_be_waited_for_though_frames_are_unread() -> None:
    inbox = Inbox()
    waiting = asyncio.create_task(inbox.wait_ended())
    inbox.put("one")
    await asyncio.sleep(0)
    assert (waiting.done(), inbox.ended) == (False, False)
    inbox.end(1000, "")
    await asyncio.wait_for(waiting, 30)
    assert inbox.ended
    assert await inbox.recv() == "one"


@pytest.mark.parametrize(
    ("text", "large"),
    [
        ("", False),
        ("x" * MAX_FRAME, False),
        ("x" * (MAX_FRAME + 1), True),
        ("é" * (MAX_FRAME // 2), False),
        ("é" * (MAX_FRAME // 2) + "x", True),
        ("👋" * (MAX_FRAME // 4), False),
        ("👋" * (MAX_FRAME // 4 + 1), True),
        ("\ud800" * MAX_FRAME, True),  # half a character, as JavaScript lets one write
    ],
    ids=range(8),
)
def test_bytes_are_counted_and_not_characters(text: str, large: bool) -> None:
    assert is_too_large(text) is large
