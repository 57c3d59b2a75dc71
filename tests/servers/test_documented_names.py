"""Servers and sockets use of their libraries what is documented, and nothing else: the rest may change without notice.

For `websockets` that is https://websockets.readthedocs.io/en/stable/reference/, of which these are the names that we
use; whoever needs another one looks it up there and adds it here. For `asyncio` and `tornado` it is whatever does not
begin with an underscore.
"""

import ast
import inspect
from pathlib import Path

import pytest
from websockets.server import ServerProtocol

PACKAGE = Path(__file__).parents[2] / "p2pchat"
MODULES = [
    pytest.param(ast.parse(path.read_text(encoding="utf-8")), id=path.relative_to(PACKAGE).as_posix())
    for room in ("servers", "sockets")  # tests/test_layers.py: nobody else imports `websockets`
    for path in sorted((PACKAGE / room).rglob("*.py"))
]

DOCUMENTED = {
    "websockets.asyncio.client": {"connect", "ClientConnection"},
    "websockets.asyncio.server": {"serve", "Server", "ServerConnection"},
    "websockets.asyncio.connection": {"Connection"},  # what both of the above are, "Both sides (asyncio)"
    "websockets.exceptions": {"ConnectionClosed", "InvalidHandshake", "InvalidStatus", "InvalidURI"},
    "websockets.frames": {"Close", "CloseCode", "Frame", "Opcode"},
    "websockets.http11": {"Request", "Response"},
    "websockets.protocol": {"SEND_EOF", "State"},
    "websockets.server": {"ServerProtocol"},
}
OF_THE_PROTOCOL = {  # "Server (Sans-I/O)"
    *("receive_data", "receive_eof", "events_received", "data_to_send", "close_expected"),
    *("accept", "reject", "send_response", "send_text", "send_close", "send_ping", "fail"),
    *("state", "handshake_exc", "close_code", "close_reason", "close_exc", "id", "logger"),
}


def test_what_is_listed_here_exists() -> None:
    protocol = ServerProtocol()
    assert [name for name in OF_THE_PROTOCOL - {"close_exc"} if not hasattr(protocol, name)] == []


@pytest.mark.parametrize("module", MODULES)
def test_only_documented_modules_and_names_are_imported(module: ast.Module) -> None:
    imported = {alias.name for node in ast.walk(module) if isinstance(node, ast.Import) for alias in node.names}
    assert not {name for name in imported if name.split(".")[0] == "websockets"}, "import its names, not the module"
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "websockets":
            assert {alias.name for alias in node.names} <= DOCUMENTED[node.module or ""]


@pytest.mark.parametrize("module", MODULES)
def test_no_class_of_the_library_is_subclassed(module: ast.Module) -> None:
    theirs = {
        alias.asname or alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "websockets"
        for alias in node.names
    }
    bases = {
        base.id
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if isinstance(base, ast.Name)
    }
    assert not bases & theirs


@pytest.mark.parametrize("module", MODULES)
def test_what_begins_with_an_underscore_is_used_on_our_own_objects_only(module: ast.Module) -> None:
    """``self._x``, and ``other._x`` where this very module has a class with an ``_x``."""
    own = {
        node.attr
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
    } | {
        name.id
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.AnnAssign | ast.Assign)
        for name in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
        if isinstance(name, ast.Name)
    }
    foreign = {
        node.attr
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__")
    }
    assert foreign <= own | {"_replace"}  # of a named tuple, which documents it


def test_of_the_protocol_only_its_documented_part_is_used() -> None:
    source = ast.parse((PACKAGE / "servers" / "connection.py").read_text(encoding="utf-8"))
    used = {
        node.attr
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "_websocket"
    }
    assert used, "it lies in another field now"
    assert used <= OF_THE_PROTOCOL


def test_our_protocol_of_asyncio_has_no_method_that_asyncio_does_not_document() -> None:
    import asyncio

    from p2pchat.servers.connection import Connection

    theirs = {name for name, _ in inspect.getmembers(asyncio.Protocol) if not name.startswith("__")}
    assert theirs & set(vars(Connection)) == {"connection_made", "data_received", "eof_received", "connection_lost"}
