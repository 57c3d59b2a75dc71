"""The engines that the conformance tests run on; each is a module with the names of `p2pchat.webrtc`."""

from collections.abc import AsyncIterator
from types import ModuleType

import pytest

from p2pchat.webrtc import aiortc_engine
from tests.support.rtc_ends import Pair, two_ends


@pytest.fixture(params=[aiortc_engine], ids=lambda engine: engine.__name__.rpartition(".")[2])
def engine(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


@pytest.fixture
async def ends(engine: ModuleType) -> AsyncIterator[Pair]:
    async with two_ends(engine) as both:
        yield both
