"""The rooms of the house, and that knowledge flows one way through them: a room imports only from rooms below it.

What a module imports says what it knows. Lazy imports inside a function count like all others. Within a room there is
an order too: no module imports, by whatever way round, one that imports it.
"""

import ast
import re
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "p2pchat"

ROOMS = [  # from the ground up; what stands in one line knows nothing of each other
    ["errors"],
    ["messages"],
    ["core", "trace"],
    ["matchmaking", "signaling", "ladder"],
    ["sockets", "webrtc"],
    ["peer", "servers"],
    ["views"],
    ["__init__"],  # the public names
    ["lab"],
    ["cli"],
    ["__main__"],
]
FLOOR = {room: floor for floor, rooms in enumerate(ROOMS) for room in rooms}

PURE = {  # modules without I/O: they are told what came and at which time, and answer what to send
    *("errors", "messages", "core", "trace", "matchmaking", "signaling", "ladder"),
    *("peer.conversation", "peer.events", "peer.timeouts"),
    *("servers.limits", "servers.token_bucket", "servers.origins", "sockets.close_reason", "sockets.loopback"),
    *("sockets.tabs.protocol", "sockets.text_socket", "webrtc.browser_types"),
}

IO = {
    *("asyncio", "concurrent", "multiprocessing", "queue", "select", "selectors", "signal", "subprocess", "threading"),
    *("http", "io", "logging", "os", "pathlib", "shutil", "socket", "socketserver", "ssl", "sys", "tempfile", "time"),
}

ONLY = {  # who alone imports what
    "aiortc": {"webrtc"},
    "aioice": {"webrtc"},
    "websockets": {"sockets", "servers"},
    "js": {"sockets", "webrtc"},
    "pyodide": {"sockets", "webrtc"},
    "pyodide_js": {"sockets", "webrtc"},
    "anywidget": {"views", "webrtc"},  # the latter's shows nothing: it lends a Worker the page's WebRTC
    "ipywidgets": {"views"},
    "traitlets": {"views", "webrtc"},
    "tornado": {"servers"},
    "json": {
        "messages",
        "views",  # `p2pchat chat --json` writes one event a line, which is no frame of any wire
    },
}


def imports(source: str, module: str) -> set[str]:
    """The full names of what a module imports: ``p2pchat.peer`` for each form of importing it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                names |= {alias.name for alias in node.names}
            case ast.ImportFrom(level=level):
                parents = module.split(".")[:-level] if level else []
                base = ".".join([*parents, *([node.module] if node.module else [])])
                names |= {f"{base}.{alias.name}" for alias in node.names}
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                names.add(name)
    return names


MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path.read_text(encoding="utf-8")
    for path in sorted(PACKAGE.rglob("*.py"))
}
KNOWN = {module: imports(source, module) for module, source in MODULES.items()}


def room(name: str) -> str | None:
    """The module or folder right below p2pchat that a full name lies in; None for what is not ours."""
    top, *rest = name.split(".")
    if top != "p2pchat":
        return None
    there = rest and ((PACKAGE / f"{rest[0]}.py").exists() or (PACKAGE / rest[0]).is_dir())
    return rest[0] if there else "__init__"


def module_of(name: str) -> str | None:
    """The module of ours that a full name lies in, a package by its ``__init__``; None for what is not ours."""
    while name and name not in MODULES and f"{name}.__init__" not in MODULES:
        name = name.rpartition(".")[0]
    return name if name in MODULES else f"{name}.__init__" if name else None


def ours(module: str) -> set[str]:
    return {there for name in KNOWN[module] if (there := room(name)) and there != room(module)}


def foreign(module: str) -> set[str]:
    return {name.split(".")[0] for name in KNOWN[module] if room(name) is None}


def is_pure(module: str) -> bool:
    return room(module) in PURE or module.removeprefix("p2pchat.") in PURE


def test_every_form_of_import_is_seen() -> None:
    source = """
import socket
import a.b as c, d
from p2pchat import peer, Trace
from p2pchat.views.widgets import ChatWidget
from . import errors
from ..sockets.websocket import connect
def lazily():
    from js import WebSocket
    import_module("anywidget"), importlib.import_module("aiortc", None), __import__("json")
"""
    assert imports(source, "p2pchat.webrtc.engine") == {
        *("socket", "a.b", "d", "p2pchat.peer", "p2pchat.Trace", "p2pchat.views.widgets.ChatWidget"),
        *("p2pchat.webrtc.errors", "p2pchat.sockets.websocket.connect"),
        *("js.WebSocket", "anywidget", "aiortc", "json"),
    }
    assert room("p2pchat.peer") == room("p2pchat.peer.ChatPeer") == "peer"
    assert room("p2pchat.views.widgets.ChatWidget") == "views"
    assert room("p2pchat") == room("p2pchat.Trace") == "__init__"
    assert room("websockets.asyncio") is None
    assert module_of("p2pchat.peer.events.State") == "p2pchat.peer.events"
    assert module_of("p2pchat.peer.ChatPeer") == "p2pchat.peer.__init__"
    assert module_of("websockets.asyncio") is None


def test_every_module_has_a_room_and_every_room_a_module() -> None:
    assert {room(module) for module in MODULES} == set(FLOOR)
    assert {module for module in MODULES if room(module) == "__init__"} == {"p2pchat.__init__"}


def test_what_is_named_here_exists() -> None:
    modules = {module.removeprefix("p2pchat.").removesuffix(".__init__") for module in MODULES}
    assert modules >= PURE
    assert set(FLOOR) >= set().union(*ONLY.values())


def test_every_branch_of_what_is_pure_is_tested() -> None:
    makefile = (PACKAGE.parent / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (listed,) = re.findall(r"^PURE := (.*)$", makefile, re.MULTILINE)
    assert set(listed.split()) == PURE
    assert "$(PURE:%=--cov=p2pchat.%) --cov-fail-under=100" in makefile


@pytest.mark.parametrize("module", MODULES)
def test_a_room_knows_only_rooms_below_it(module: str) -> None:
    assert [there for there in ours(module) if FLOOR[there] >= FLOOR[room(module)]] == []


def test_no_module_imports_itself_by_a_way_round() -> None:
    """A package's ``__init__`` that gathers what stands in its modules is no detour of theirs."""
    knows = {
        module: {there for name in KNOWN[module] if (there := module_of(name)) and there != module}
        for module in MODULES
    }
    circles, ended = [], set()

    def follow(module: str, way: tuple[str, ...]) -> None:
        if module in way:
            circles.append((*way[way.index(module) :], module))
        elif module not in ended:
            for there in sorted(knows[module]):
                follow(there, (*way, module))
            ended.add(module)

    for module in knows:
        follow(module, ())
    assert circles == []


@pytest.mark.parametrize("module", [module for module in MODULES if is_pure(module)])
def test_what_is_pure_knows_pure_modules_only_does_no_io_and_has_no_clock(module: str) -> None:
    known = {there for name in KNOWN[module] if (there := module_of(name))}
    assert [there for there in known if not is_pure(there)] == []
    clock = {"time"} if module == "p2pchat.trace" else set()  # a trace is told what happened, and notes when
    assert foreign(module) & IO == clock
    assert foreign(module) <= sys.stdlib_module_names, "and needs nothing installed"


def test_a_widget_knows_a_presenter_and_no_socket_engine_or_server() -> None:
    widgets = [module for module in MODULES if module.startswith("p2pchat.views.widgets.")]
    assert widgets
    for module in widgets:
        assert ours(module) <= {"errors", "peer"}


@pytest.mark.parametrize("package", ONLY)
def test_is_imported_by_those_alone_who_hide_it(package: str) -> None:
    assert {room(module) for module in KNOWN if package in foreign(module)} <= ONLY[package]
