"""The engines that the conformance tests run on; each is a module with the names of `p2pchat.webrtc`."""

from types import ModuleType

import pytest

from p2pchat.webrtc import aiortc_engine


@pytest.fixture(params=[aiortc_engine], ids=lambda engine: engine.__name__.rpartition(".")[2])
def engine(request: pytest.FixtureRequest) -> ModuleType:
    return request.param
