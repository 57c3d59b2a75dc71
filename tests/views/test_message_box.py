"""The Python half of the message box."""

import pytest

from p2pchat.views.widgets import MessageBox


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def box(heard: list[str]) -> MessageBox:
    box = MessageBox("Message of ann")
    box.on_send(heard.append)
    box.on_typing(lambda: heard.append("(typing)"))
    return box


def test_what_the_browser_says_is_handed_on(box: MessageBox, heard: list[str]) -> None:
    box._handle_custom_msg({"typing": True}, [])
    box._handle_custom_msg({"send": " hello\n"}, [])
    assert heard == ["(typing)", " hello\n"]


@pytest.mark.parametrize("rubbish", [{"send": " \n"}, {"send": 1}, {"typing": False}, {}, [], None, "hello"])
def test_a_blank_text_and_rubbish_are_ignored(box: MessageBox, heard: list[str], rubbish: object) -> None:
    box._handle_custom_msg(rubbish, [])
    assert heard == []
