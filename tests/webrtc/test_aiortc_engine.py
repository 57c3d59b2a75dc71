"""What aiortc's engine reads by itself; all else is in the conformance tests, and in those of the workarounds."""

import asyncio

import pytest

from p2pchat.webrtc import aiortc_engine


class TestADescription:
    async def test_may_end_its_lines_as_it_likes(self) -> None:
        one, other = aiortc_engine.RTCPeerConnection(), aiortc_engine.RTCPeerConnection()
        one.createDataChannel("chat")
        await one.setLocalDescription()
        sdp = one.localDescription.sdp.replace("\r\n", "\n").rstrip()
        await other.setRemoteDescription(aiortc_engine.RTCSessionDescription(sdp, "offer"))
        assert other.signalingState == "have-remote-offer"
        await asyncio.gather(one.close(), other.close())


HOST = "candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host"


class TestACandidate:
    @pytest.mark.parametrize("prefix", ["", "a="])
    def test_is_read(self, prefix: str) -> None:
        candidate = aiortc_engine.ice_candidate({"candidate": prefix + HOST, "sdpMid": "0", "sdpMLineIndex": 0})
        assert candidate is not None
        assert (candidate.ip, candidate.port, candidate.protocol, candidate.type) == ("192.0.2.1", 50000, "udp", "host")
        assert (candidate.sdpMid, candidate.sdpMLineIndex) == ("0", 0)

    def test_is_read_with_all_that_a_browser_adds(self) -> None:
        line = (
            "candidate:8 1 udp 1677729535 203.0.113.5 50001 typ srflx raddr 192.0.2.1 rport 50000 generation 0 ufrag x"
        )
        candidate = aiortc_engine.ice_candidate({"candidate": line, "sdpMid": "0", "usernameFragment": "x"})
        assert candidate is not None
        assert (candidate.relatedAddress, candidate.relatedPort) == ("192.0.2.1", 50000)

    def test_may_have_a_name_that_only_browsers_can_look_up(self) -> None:
        candidate = aiortc_engine.ice_candidate({"candidate": HOST.replace("192.0.2.1", "1b2c3d4e.local")})
        assert candidate is not None
        assert candidate.ip == "1b2c3d4e.local"

    @pytest.mark.parametrize("line", ["", "candidate:", "a="])
    def test_that_ends_them_is_none(self, line: str) -> None:
        assert aiortc_engine.ice_candidate({"candidate": line, "sdpMid": "0"}) is None

    @pytest.mark.parametrize(
        "init",
        [
            {},
            {"candidate": None},
            {"candidate": 7},
            {"candidate": "nonsense"},
            {"candidate": "candidate:1 1 udp"},
            {"candidate": HOST.replace("50000", "port")},
            {"candidate": HOST.replace("2130706431", "high")},
            {"candidate": HOST.replace("typ host", "")},
        ],
        ids=str,
    )
    def test_that_cannot_be_read_is_an_error(self, init: dict) -> None:
        with pytest.raises(ValueError, match="candidate"):
            aiortc_engine.ice_candidate(init)
