"""docs/paths.md says which functions a chat calls, in order: they exist, and a chat calls them in that order."""

import asyncio
import re
import sys
from functools import reduce
from importlib import import_module
from pathlib import Path
from types import CodeType, FrameType

import pytest

from p2pchat import ChatPeer, ChatWidget, Servers
from tests.support.events import until

TEXT = (Path(__file__).parents[1] / "docs/paths.md").read_text(encoding="utf-8")
PATHS = {
    section.partition("\n")[0]: re.findall(r"^(\d+)\. `([\w.]+)` \S", section, flags=re.MULTILINE)
    for section in TEXT.split("\n## ")[1:]
}
START, MESSAGE = PATHS


def code_of(name: str) -> CodeType:
    """The code of a function by its full name. Raises: AttributeError, ModuleNotFoundError."""
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        try:
            module = import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        return reduce(getattr, parts[count:], module).__code__
    raise ModuleNotFoundError(name)


@pytest.mark.parametrize("path", PATHS)
def test_each_function_exists_and_each_line_is_numbered(path: str) -> None:
    assert [int(number) for number, _ in PATHS[path]] == list(range(1, len(PATHS[path]) + 1))
    for _, name in PATHS[path]:
        assert code_of(name)


def test_no_line_is_left_out() -> None:
    assert sum(map(len, PATHS.values())) == len(re.findall(r"^\d+\.", TEXT, flags=re.MULTILINE))


class Calls:
    """The functions that were called while it was on, in order."""

    def __init__(self) -> None:
        self.codes: list[CodeType] = []

    def __enter__(self) -> "Calls":
        sys.setprofile(self._on_event)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _on_event(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            self.codes.append(frame.f_code)

    def missed(self, path: str) -> str | None:
        """The first function of a path that was not called after the one before it."""
        rest = iter(self.codes)
        return next((name for _, name in PATHS[path] if code_of(name) not in rest), None)


async def test_a_chat_takes_these_paths() -> None:
    async with Servers(static_port=None) as servers:
        urls = servers.matchmaking_url, servers.signaling_url
        async with ChatPeer(*urls, name="Ada") as ada, ChatPeer(*urls, name="Bob") as bob:
            widgets = ChatWidget(ada), ChatWidget(bob)
            await bob.start()
            with Calls() as of_start:
                ada_widget = widgets[0]
                ada_widget.children[0].children[0].click()
                await until(lambda: {widget.state.state for widget in widgets} == {"open"}, "both are open")
            with Calls() as of_message:
                ada_widget.box._handle_custom_msg({"send": "hello"}, [])
                await until(lambda: any(line.delivered for line in ada_widget.record.lines), "it has arrived")
            for widget in widgets:
                widget.close()
            await asyncio.gather(ada.leave(), bob.leave())
    assert of_start.missed(START) is None
    assert of_message.missed(MESSAGE) is None
