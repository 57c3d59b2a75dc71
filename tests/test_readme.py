"""What README says of the code is true: its map names every module once, and the sizes are those that are there."""

import re
from pathlib import Path

from tests.test_layers import MODULES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAP = README[README.index("## Read the code") : README.index("## License")]

STORY = ("errors", "messages.", "core", "matchmaking", "signaling", "trace", "peer.")  # its first two parts


def lines(*beginnings: str) -> int:
    names = {module: module.removeprefix("p2pchat.") for module in MODULES}
    return sum(len(MODULES[module].splitlines()) for module, name in names.items() if name.startswith(beginnings))


def test_the_map_names_every_module() -> None:
    named = set(re.findall(r"`([a-z_0-9]+)/?`", MAP))
    lessons = {name for name in named if name.startswith("lesson")}
    assert lessons, "one stands for all"
    modules = {name for module in MODULES for name in module.split(".")[1:]} - {"__init__", "__main__"}
    modules = {name for name in modules if not re.fullmatch(r"lesson\d\d", name)} | lessons
    assert modules - named == set(), "in the package, and not on the map"
    assert named - modules - {"websockets", "p2pchat"} == set(), "on the map, and not in the package"


def test_the_sizes_are_true_to_a_hundred_lines() -> None:
    story, total = (int(text.replace(",", "")) for text in re.findall(r"([\d,]+) lines\*\* of\s+its ([\d,]+)", MAP)[0])
    assert abs(story - lines(*STORY)) <= 100
    assert abs(total - lines("")) <= 100
