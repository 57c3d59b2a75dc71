"""Knowledge flows one way: messages ← cores ← peer ← widgets. Held by reading every import in the package.

What a module imports says what it knows. Lazy imports inside a function count like all others.
"""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "p2pchat"

MESSAGES = {"messages", "errors"}
CORES = {"matchmaking", "signaling", "chat", "core", "events", "bounds", "origins", "trace"}
VIEWS = {"widgets", "lab", "terminal", "cli"}  # what shows a peer, or runs one; nothing may know them
FRONT_DOOR = {"__init__", "__main__"}  # the public names of everything

IO = {  # what a core must not know: it is told what came and at which time, and answers what to send
    *("asyncio", "concurrent", "multiprocessing", "queue", "select", "selectors", "signal", "subprocess", "threading"),
    *("http", "io", "logging", "os", "pathlib", "shutil", "socket", "socketserver", "ssl", "sys", "tempfile", "time"),
}

ONLY = {  # who alone imports what
    "aiortc": {"webrtc"},
    "aioice": {"webrtc"},
    "websockets": {"sockets", "core_server", "client"},  # `client` is the servers' side of one
    "js": {"sockets", "webrtc"},
    "pyodide": {"sockets", "webrtc"},
    "pyodide_js": {"sockets", "webrtc"},
    "anywidget": {"widgets", "webrtc"},  # the latter's shows nothing: it lends a Worker the page's WebRTC
    "ipywidgets": {"widgets"},
    "traitlets": {"widgets", "webrtc"},
    "tornado": {"site"},
    "json": {
        "messages",
        "terminal",  # `p2pchat chat --json` writes one event a line, which is no frame of any wire
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


def ours(module: str) -> set[str]:
    return {there for name in KNOWN[module] if (there := room(name)) and there != room(module)}


def foreign(module: str) -> set[str]:
    return {name.split(".")[0] for name in KNOWN[module] if room(name) is None}


def modules_in(*rooms: str) -> list[str]:
    return [module for module in KNOWN if room(module) in rooms]


def test_every_form_of_import_is_seen() -> None:
    source = """
import socket
import a.b as c, d
from p2pchat import peer, Trace
from p2pchat.widgets import ChatWidget
from . import errors
from ..sockets.websocket import connect
def lazily():
    from js import WebSocket
    import_module("anywidget"), importlib.import_module("aiortc", None), __import__("json")
"""
    assert imports(source, "p2pchat.webrtc.engine") == {
        *("socket", "a.b", "d", "p2pchat.peer", "p2pchat.Trace", "p2pchat.widgets.ChatWidget"),
        *("p2pchat.webrtc.errors", "p2pchat.sockets.websocket.connect"),
        *("js.WebSocket", "anywidget", "aiortc", "json"),
    }
    assert room("p2pchat.peer") == room("p2pchat.peer.ChatPeer") == "peer"
    assert room("p2pchat.widgets.ChatWidget") == "widgets"
    assert room("p2pchat") == room("p2pchat.Trace") == "__init__"
    assert room("websockets.asyncio") is None


def test_every_room_named_here_exists() -> None:
    named = MESSAGES | CORES | VIEWS | FRONT_DOOR | set().union(*ONLY.values())
    assert named <= {room(module) for module in KNOWN}


@pytest.mark.parametrize("module", modules_in(*MESSAGES))
def test_messages_know_nothing_else_of_ours(module: str) -> None:
    assert ours(module) <= MESSAGES


@pytest.mark.parametrize("module", modules_in(*CORES))
def test_a_core_knows_messages_and_cores_only(module: str) -> None:
    assert ours(module) <= MESSAGES | CORES


@pytest.mark.parametrize("module", modules_in(*MESSAGES, *CORES))
def test_a_core_does_no_io_and_has_no_clock(module: str) -> None:
    clock = {"time"} if module == "p2pchat.trace" else set()  # a trace is told what happened, and notes when
    assert foreign(module) & IO == clock


@pytest.mark.parametrize("module", modules_in(*MESSAGES, *CORES))
def test_a_core_needs_nothing_installed(module: str) -> None:
    assert foreign(module) <= sys.stdlib_module_names


@pytest.mark.parametrize("module", [module for module in KNOWN if room(module) not in VIEWS | FRONT_DOOR])
def test_what_a_view_shows_does_not_know_the_view(module: str) -> None:
    assert not ours(module) & (VIEWS | FRONT_DOOR)


@pytest.mark.parametrize("module", modules_in("widgets"))
def test_a_widget_knows_a_peer_and_no_socket_engine_or_server(module: str) -> None:
    hidden = {"sockets", "webrtc", "core_server", "servers", "port_servers", "tab_servers", "negotiation", "messages"}
    assert not ours(module) & hidden


@pytest.mark.parametrize("package", ONLY)
def test_is_imported_by_those_alone_who_hide_it(package: str) -> None:
    assert {room(module) for module in KNOWN if package in foreign(module)} <= ONLY[package]
