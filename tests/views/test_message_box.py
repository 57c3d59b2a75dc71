"""The Python half of the message box."""

import pytest

from p2pchat.views.widgets import MessageBox


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def box(heard: list[str]) -> MessageBox:
    return MessageBox(heard.append, lambda: heard.append("(typing)"), "Message of ann")


def test_what_the_browser_says_is_handed_on(box: MessageBox, heard: list[str]) -> None:
    box._handle_custom_msg({"typing": True}, [])
    box._handle_custom_msg({"say": " hello\n"}, [])
    assert heard == ["(typing)", " hello\n"]


@pytest.mark.parametrize("rubbish", [{"say": " \n"}, {"say": 1}, {"typing": False}, {}, [], None, "hello"])
def test_a_blank_text_and_rubbish_are_ignored(box: MessageBox, heard: list[str], rubbish: object) -> None:
    box._handle_custom_msg(rubbish, [])
    assert heard == []
