"""What p2pchat cures in aiortc: each was measured to go wrong without."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import aioice.ice
import pytest

from p2pchat.webrtc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
    aiortc_engine,
    ice_candidate,
)

ROOT = Path(__file__).parents[2]
HOST = "candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host"


async def offer(connection: RTCPeerConnection) -> str:
    connection.createDataChannel("chat")
    await connection.setLocalDescription(await connection.createOffer())
    return connection.localDescription.sdp


class TestWithoutIceServers:
    @pytest.mark.parametrize("configuration", [None, RTCConfiguration(iceServers=[])], ids=["nothing said", "none"])
    async def test_nobody_is_asked_and_gathering_is_quick(self, monkeypatch, configuration) -> None:
        async def ask(*_: object, **__: object) -> None:
            asked.append(_)

        asked: list[object] = []
        monkeypatch.setattr(aioice.ice, "server_reflexive_candidate", ask)
        connection = RTCPeerConnection(configuration)
        began = time.monotonic()
        sdp = await offer(connection)
        assert time.monotonic() - began < 1.0
        await connection.close()
        assert asked == []
        assert "srflx" not in sdp


class TestLoopback:
    async def test_is_offered_where_there_is_no_other_address(self, monkeypatch) -> None:
        monkeypatch.setattr(aiortc_engine, "_routable_addresses", lambda *_: [])
        connection = RTCPeerConnection()
        sdp = await offer(connection)
        await connection.close()
        assert re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+)", sdp) == ["127.0.0.1"]

    async def test_is_not_offered_where_there_is_another(self, monkeypatch) -> None:
        monkeypatch.setattr(aiortc_engine, "_routable_addresses", lambda *_: ["192.0.2.1"])
        assert aioice.ice.get_host_addresses(True, True) == ["192.0.2.1"]

    def test_is_not_offered_to_who_wants_no_ipv4(self, monkeypatch) -> None:
        monkeypatch.setattr(aiortc_engine, "_routable_addresses", lambda *_: [])
        assert aioice.ice.get_host_addresses(use_ipv4=False, use_ipv6=True) == []

    def test_is_enough_for_a_chat_on_a_machine_without_a_network(self) -> None:
        """Two peers in a network namespace that has nothing but loopback."""
        alone = [
            shutil.which("unshare") or "unshare",
            "--net",
            "--map-root-user",
            "sh",
            "-c",
            'ip link set lo up && "$@"',
            "-",
        ]
        if subprocess.run([*alone, "true"], capture_output=True, timeout=20).returncode:
            pytest.skip("this system lets nobody make a network namespace; the tests above fake one")
        chat = (
            "import asyncio\n"
            "from p2pchat import *\n"
            "async def main():\n"
            "    async with Servers() as s:\n"
            "        peers = [ChatPeer(s.matchmaking_url, s.signaling_url) for _ in range(2)]\n"
            "        await asyncio.gather(*(peer.start() for peer in peers))\n"
            "        await asyncio.gather(*(peer.wait_for(State.OPEN, 10) for peer in peers))\n"
            "        await asyncio.gather(*(peer.leave() for peer in peers))\n"
            "asyncio.run(main())\n"
        )
        environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        done = subprocess.run(
            [*alone, sys.executable, "-c", chat], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr


class TestADescription:
    async def test_with_mdns_names_is_taken_at_once_and_connects(self) -> None:
        """As Firefox offers: names that nobody can resolve, and then the end of candidates."""
        one, other = RTCPeerConnection(), RTCPeerConnection()
        channel = one.createDataChannel("chat")
        opened = asyncio.Event()
        channel.on("open", opened.set)
        await one.setLocalDescription(await one.createOffer())
        hidden = re.sub(
            r"(a=candidate:\S+ \d udp \d+) \S+",
            r"\1 1b2c3d4e-0000-4000-8000-123456789abc.local",
            one.localDescription.sdp,
        )
        if "a=end-of-candidates" not in hidden:
            hidden += "a=end-of-candidates\r\n"
        assert ".local" in hidden
        began = time.monotonic()
        await other.setRemoteDescription(RTCSessionDescription(hidden, "offer"))
        assert time.monotonic() - began < 0.5
        await other.setLocalDescription(await other.createAnswer())
        await one.setRemoteDescription(other.localDescription)
        await asyncio.wait_for(opened.wait(), 10)
        await asyncio.gather(one.close(), other.close())

    async def test_may_end_its_lines_as_it_likes(self) -> None:
        one, other = RTCPeerConnection(), RTCPeerConnection()
        sdp = (await offer(one)).replace("\r\n", "\n").rstrip()
        await other.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        assert other.signalingState == "have-remote-offer"
        await asyncio.gather(one.close(), other.close())


def test_consent_is_lost_within_some_ten_seconds() -> None:
    assert aioice.ice.CONSENT_INTERVAL * aioice.ice.CONSENT_FAILURES <= 10


class TestACandidate:
    @pytest.mark.parametrize("prefix", ["", "a="])
    def test_is_read(self, prefix: str) -> None:
        candidate = ice_candidate({"candidate": prefix + HOST, "sdpMid": "0", "sdpMLineIndex": 0})
        assert candidate is not None
        assert (candidate.ip, candidate.port, candidate.protocol, candidate.type) == ("192.0.2.1", 50000, "udp", "host")
        assert (candidate.sdpMid, candidate.sdpMLineIndex) == ("0", 0)

    def test_is_read_with_all_that_a_browser_adds(self) -> None:
        line = (
            "candidate:8 1 udp 1677729535 203.0.113.5 50001 typ srflx raddr 192.0.2.1 rport 50000 generation 0 ufrag x"
        )
        candidate = ice_candidate({"candidate": line, "sdpMid": "0", "usernameFragment": "x"})
        assert candidate is not None
        assert (candidate.relatedAddress, candidate.relatedPort) == ("192.0.2.1", 50000)

    @pytest.mark.parametrize("line", ["", "candidate:", HOST.replace("192.0.2.1", "1b2c3d4e.local")])
    def test_that_no_engine_needs_is_none(self, line: str) -> None:
        assert ice_candidate({"candidate": line, "sdpMid": "0"}) is None

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
            ice_candidate(init)
