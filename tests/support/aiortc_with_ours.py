"""A plugin for pytest that runs aiortc's own tests (test_aiortc_suite): offline, and with --ours on our classes."""

import aioice.ice
import aiortc
import aiortc.rtcicetransport
import aiortc.rtcsctptransport
import pytest

from p2pchat.webrtc import aiortc_engine


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--ours", action="store_true", help="whoever imports these classes from aiortc gets ours")


def pytest_configure(config: pytest.Config) -> None:
    """Before the tests are imported, and with them the names that they take from aiortc."""
    vars(aioice.ice)["server_reflexive_candidate"] = no_stun_server
    if config.getoption("ours"):
        vars(aiortc)["RTCPeerConnection"] = aiortc_engine.RTCPeerConnection
        vars(aiortc)["RTCSctpTransport"] = aiortc_engine.SctpTransport
        vars(aiortc.rtcsctptransport)["RTCSctpTransport"] = aiortc_engine.SctpTransport
        vars(aiortc.rtcicetransport)["Connection"] = aiortc_engine.IceConnection


async def no_stun_server(*_: object) -> None:
    raise OSError("a public STUN server is nobody that a test talks to")
