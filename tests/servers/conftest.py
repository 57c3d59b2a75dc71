"""Servers on free ports, and what clients of both protocols say."""

from collections.abc import AsyncIterator

import pytest

from p2pchat.servers import Servers
from tests.support.raw_websocket import opened


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    """All three with the bounds that they have by default."""
    opened.clear()  # what a test before has left is of another event loop
    async with Servers() as running:
        yield running
        for writer in opened:
            writer.transport.abort()  # the stop would wait a second for each that says nothing
