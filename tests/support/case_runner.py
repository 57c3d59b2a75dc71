"""Runs the tests of one module, one by one, where there is no pytest to run them: in Pyodide.

It knows what the conformance tests need: coroutines in classes, the mark ``parametrize``, and the fixtures ``engine``,
``ends`` and ``monkeypatch``. pytest on this side of the browser makes an item of each, by the same names (`cases`).
"""

import asyncio
import inspect
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from tests.support.rtc_ends import two_ends

LIMIT = 90.0  # seconds for one test; each bounds its own waiting, and tighter


@dataclass(frozen=True)
class Case:
    """One test with one set of parameters."""

    name: str
    test: Callable[..., Any]
    parameters: dict[str, Any]


def cases(module: ModuleType) -> dict[str, Case]:
    """The tests of a module by name, for instance ``TestAChannel.test_carries_bytes[65536]``."""
    found: dict[str, Case] = {}
    for kind in vars(module).values():
        if not (inspect.isclass(kind) and kind.__name__.startswith("Test")):
            continue
        for name, test in vars(kind).items():
            if not name.startswith("test_"):
                continue
            for label, parameters in _expand(test):
                case = Case(f"{kind.__name__}.{name}{label}", getattr(kind(), name), parameters)
                assert case.name not in found, case.name
                found[case.name] = case
    return found


async def run(module: ModuleType, engine: ModuleType, name: str) -> None:
    """Run one of `cases` on an engine. Raises: whatever the test raises."""
    case = cases(module)[name]
    given = dict(case.parameters)
    wanted = inspect.signature(case.test).parameters
    if "engine" in wanted:
        given["engine"] = engine
    async with asyncio.timeout(LIMIT), AsyncExitStack() as stack:
        if "ends" in wanted:
            given["ends"] = await stack.enter_async_context(two_ends(engine))
        if "monkeypatch" in wanted:
            given["monkeypatch"] = stack.enter_context(pytest.MonkeyPatch.context())
        await case.test(**given)


def _expand(test: Callable[..., Any]) -> list[tuple[str, dict[str, Any]]]:
    expanded: list[tuple[str, dict[str, Any]]] = [("", {})]
    for mark in getattr(test, "pytestmark", []):
        assert mark.name == "parametrize", mark.name
        names, values = mark.args
        assert "," not in names, "one parameter a mark"
        expanded = [
            (f"{label}[{str(value)[:60]}]", {**parameters, names: value})
            for label, parameters in expanded
            for value in values
        ]
    return expanded
