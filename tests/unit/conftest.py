"""Parts on their own: with fakes beside them, on a clock that jumps, so each test takes milliseconds."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from tests.support.fake_time import FakeTimeLoop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"fake time": FakeTimeLoop}


@pytest.fixture(autouse=True)
async def no_task_is_left() -> AsyncIterator[None]:
    yield
    assert asyncio.all_tasks() == {asyncio.current_task()}
