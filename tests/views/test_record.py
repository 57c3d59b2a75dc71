"""The Python half of the record: its lines, their bounds, and what a browser is sent of them."""

import asyncio

import pytest

from p2pchat.views.widgets import Record


class Sent(Record):
    """A record whose messages to the browser are kept."""

    def __init__(self, **limits: int) -> None:
        super().__init__("Notes", **limits)
        self.sent: list[dict[str, object]] = []
        self.arrived = asyncio.Event()

    def send(self, content: dict[str, object], buffers: object = None) -> None:
        self.sent.append(content)
        self.arrived.set()


async def test_lines_that_come_together_travel_together() -> None:
    record = Sent()
    assert [record.write("Sys", "one"), record.write("You", "two")] == [0, 1]
    assert record.sent == []
    await asyncio.wait_for(record.arrived.wait(), 60)
    (message,) = record.sent
    assert message["first"] == 0
    assert [(line["author"], line["text"]) for line in message["lines"]] == [("Sys", "one"), ("You", "two")]


async def test_a_line_is_sent_once_and_again_only_to_who_asks() -> None:
    record = Sent()
    for text in ("one", "two"):
        record.arrived.clear()
        record.write("Sys", text)
        await asyncio.wait_for(record.arrived.wait(), 60)
    assert [[line["text"] for line in message["lines"]] for message in record.sent] == [["one"], ["two"]]
    record.arrived.clear()
    record._handle_custom_msg({"ask": "lines"}, [])
    await asyncio.wait_for(record.arrived.wait(), 60)
    assert [line["text"] for line in record.sent[-1]["lines"]] == ["one", "two"]


async def test_an_empty_record_can_be_asked_for() -> None:
    record = Sent()
    for message in ({"ask": "more"}, "rubbish", {"ask": "lines"}):
        record._handle_custom_msg(message, [])
    await asyncio.wait_for(record.arrived.wait(), 60)
    assert record.sent == [{"first": 0, "lines": []}]


@pytest.mark.parametrize("bound", [{"max_lines": 3}, {"max_characters": 15}])
async def test_the_oldest_lines_are_forgotten(bound: dict[str, int]) -> None:
    record = Sent(**bound)
    for number in range(6):
        record.write("Sys", f"line{number}")
    assert [line.text for line in record.lines] == ["line3", "line4", "line5"]
    await asyncio.wait_for(record.arrived.wait(), 60)
    assert record.sent[0]["first"] == 3
    assert [line["number"] for line in record.sent[0]["lines"]] == [3, 4, 5]


async def test_the_newest_line_is_kept_however_long_it_is() -> None:
    record = Sent(max_characters=10)
    record.write("Sys", "short")
    record.write("Stranger", "x" * 100)
    assert [len(line.text) for line in record.lines] == [100]


async def test_a_delivered_line_is_marked_here_and_in_the_browser() -> None:
    record = Sent(max_lines=2)
    for number in range(3):
        record.write("You", f"line {number}")
    record.mark_delivered([0, 1])
    assert [line.delivered for line in record.lines] == [True, False]
    assert record.sent == [{"delivered": [1]}], "line 0 is forgotten"
    record.mark_delivered([0])
    assert len(record.sent) == 1
