"""The workarounds around aiortc and aioice, a class each: the fault in what is plain, and that ours is without it.

A test of something plain that fails says that upstream has mended the fault: then the workaround and its tests may go.
"""

import asyncio
import gc
import inspect
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import aioice
import aioice.ice
import aioice.stun
import aiortc
import pytest
from aioice.ice import CandidatePair
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCIceServer, RTCIceTransportPolicy, RTCSessionDescription
from aiortc.sdp import SessionDescription
from packaging.requirements import Requirement
from packaging.version import Version

from p2pchat.webrtc import aioice_workarounds, aiortc_engine, aiortc_workarounds

ROOT = Path(__file__).parents[2]
TIMEOUT = 30.0  # seconds for what takes less than one on a quiet machine

Connection = aiortc.RTCPeerConnection  # plain or ours
PLAIN, OURS = aiortc.RTCPeerConnection, aiortc_engine.RTCPeerConnection
NO_SERVERS = RTCConfiguration(iceServers=[])

WORKAROUNDS = [
    getattr(module, name) for module in (aioice_workarounds, aiortc_workarounds) for name in sorted(module.__all__)
]


async def offer(connection: Connection) -> str:
    connection.createDataChannel("chat")
    await connection.setLocalDescription()
    return connection.localDescription.sdp


async def until(connection: Connection, state: str) -> None:
    changed = asyncio.Event()
    connection.on("connectionstatechange", changed.set)
    async with asyncio.timeout(TIMEOUT):
        while connection.connectionState != state:
            changed.clear()
            await changed.wait()


async def opened(kind: type[Connection]) -> tuple[Connection, Connection, aiortc.RTCDataChannel]:
    """Two ends of one kind that are connected, and the channel of the first."""
    one, other = kind(NO_SERVERS), kind(NO_SERVERS)
    channel = one.createDataChannel("chat")
    is_open = asyncio.Event()
    channel.on("open", is_open.set)
    await one.setLocalDescription()
    await other.setRemoteDescription(one.localDescription)
    await other.setLocalDescription()
    await one.setRemoteDescription(other.localDescription)
    await asyncio.wait_for(is_open.wait(), TIMEOUT)
    return one, other, channel


def addresses(sdp: str) -> list[str]:
    return re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+)", sdp)


@pytest.fixture
def host_addresses(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Gives this machine other addresses."""
    return lambda *found: monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: list(found))


class TestEachWorkaround:
    @pytest.mark.parametrize("workaround", WORKAROUNDS, ids=lambda workaround: workaround.__name__)
    def test_says_what_it_is_for_and_how_long(self, workaround: type) -> None:
        text = re.sub(r"\s+", " ", workaround.__doc__)
        form = r"[A-Z].*?\. Fault: .+ Seen in: (.+)\. Shown by: (\w+)\. Unnecessary when: .+\. ?"
        versions, tests = re.fullmatch(form, text).groups()
        assert inspect.isclass(globals()[tests]), "its tests"
        installed = {"aiortc": aiortc.__version__, "aioice": aioice.__version__}
        seen = dict(re.findall(r"(\w+) ([\d.]+)", versions))
        assert seen, "a name and a version"
        assert seen == {name: installed[name] for name in seen}, "the tests show it in the version that is installed"

    def test_is_in_use(self) -> None:
        used = {
            kind
            for whole in (aiortc_engine.RTCPeerConnection, aiortc_engine.IceConnection, aiortc_engine.SctpTransport)
            for kind in whole.__mro__
        }
        assert set(WORKAROUNDS) <= used

    @pytest.mark.parametrize("package", [aiortc, aioice], ids=lambda package: package.__name__)
    def test_is_installed_with_no_later_version_than_it_was_made_for(self, package) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        (allowed,) = (
            requirement.specifier
            for requirement in map(Requirement, project["dependencies"])
            if requirement.name == package.__name__
        )
        major, minor, *_ = Version(package.__version__).release
        assert allowed.contains(package.__version__)
        assert not allowed.contains(f"{major}.{minor + 1}.0")
        assert not allowed.contains(f"{major + 1}.0.0")


LEARNER = """
import asyncio, importlib, pkgutil, sys
import aioice, aiortc

def all_there_is():
    there = {}
    for name, module in sorted(sys.modules.items()):
        if name.split(".")[0] in ("aioice", "aiortc"):
            for key, value in vars(module).items():
                there[name, key] = value
                if isinstance(value, type) and value.__module__.split(".")[0] in ("aioice", "aiortc"):
                    there |= {(name, key, attribute): it for attribute, it in vars(value).items()}
    return there

for package in (aioice, aiortc):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
before = all_there_is()

import p2pchat
from p2pchat.webrtc import RTCPeerConnection

async def main():
    one, other = RTCPeerConnection(), RTCPeerConnection()
    channel = one.createDataChannel("chat")
    is_open = asyncio.Event()
    channel.on("open", is_open.set)
    await one.setLocalDescription()
    await other.setRemoteDescription(one.localDescription)
    await other.setLocalDescription()
    await one.setRemoteDescription(other.localDescription)
    await is_open.wait()
    channel.send("hello")
    await asyncio.gather(one.close(), other.close())

asyncio.run(main())
after = all_there_is()
assert len(before) > 1000, len(before)
changed = [key for key in before.keys() | after.keys() if before.get(key) is not after.get(key)]
print([key for key in changed if key[-1] != "__slotnames__"])  # what copy.copy notes at a class, whoever calls it
"""


class TestALearnersOwnImport:
    """``import aiortc`` beside p2pchat behaves as aiortc does."""

    def test_finds_every_name_of_aiortc_and_aioice_as_it_was(self) -> None:
        done = subprocess.run(
            [sys.executable, "-c", LEARNER], cwd=ROOT, capture_output=True, text=True, timeout=2 * TIMEOUT
        )
        assert (done.stdout, done.stderr) == ("[]\n", "")

    async def test_makes_connections_of_their_own_classes_and_numbers(self) -> None:
        connection = PLAIN()
        connection.createDataChannel("chat")
        ice = connection.sctp.transport.transport
        assert type(connection.sctp) is aiortc.RTCSctpTransport
        assert type(ice._connection) is aioice.Connection
        assert (aioice.ice.CONSENT_INTERVAL, aioice.ice.CONSENT_FAILURES) == (5, 6)
        assert aiortc.RTCIceGatherer.getDefaultIceServers() == [RTCIceServer("stun:stun.l.google.com:19302")]
        assert ice._connection.stun_server == ("stun.l.google.com", 19302)
        await connection.close()


class TestOwnTransports:
    def test_plain_has_no_documented_way_to_name_them(self) -> None:
        assert list(inspect.signature(PLAIN).parameters) == ["configuration"]
        known = {"iceServers", "iceTransportPolicy", "bundlePolicy", "alwaysNegotiateDataChannels"}
        assert {field.name for field in fields(RTCConfiguration)} == known

    @pytest.mark.parametrize("kind", [PLAIN, OURS])
    @pytest.mark.parametrize("made_by", ["createDataChannel", "createOffer", "setRemoteDescription", "addTransceiver"])
    async def test_are_ours_whoever_asks_for_them(self, kind: type[Connection], made_by: str) -> None:
        one = kind(RTCConfiguration(iceServers=[], alwaysNegotiateDataChannels=made_by == "createOffer"))
        other = PLAIN(NO_SERVERS)
        match made_by:
            case "createDataChannel":
                one.createDataChannel("chat")
            case "createOffer":
                await one.createOffer()
            case "setRemoteDescription":
                await one.setRemoteDescription(RTCSessionDescription(await offer(other), "offer"))
            case "addTransceiver":
                one.addTransceiver("audio")
        dtls = one.sctp.transport if one.sctp else one.getTransceivers()[0].receiver.transport
        is_ours = kind is OURS
        assert type(dtls.transport._connection) is (aiortc_engine.IceConnection if is_ours else aioice.Connection)
        assert dtls.transport._connection is dtls.transport.iceGatherer._connection
        if one.sctp:
            assert type(one.sctp) is (aiortc_engine.SctpTransport if is_ours else aiortc.RTCSctpTransport)
        await asyncio.gather(one.close(), other.close())

    @pytest.mark.parametrize("kind", [aiortc_engine.IceConnection, aiortc_engine.SctpTransport])
    def test_need_nothing_that_is_set_when_they_are_made(self, kind: type) -> None:
        ours = [base for base in kind.__mro__ if base.__module__.startswith("p2pchat.")]
        assert len(ours) > 1
        assert [base for base in ours if "__init__" in vars(base) or "__slots__" in vars(base)] == []


class TestNoDefaultIceServers:
    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch, host_addresses) -> list[tuple[str, int]]:
        """The STUN servers that are asked; none answers."""
        servers: list[tuple[str, int]] = []

        async def ask(protocol: object, server: tuple[str, int]) -> None:
            servers.append(server)
            raise OSError

        monkeypatch.setattr(aioice.ice, "server_reflexive_candidate", ask)
        host_addresses("127.0.0.1")
        return servers

    configurations = pytest.mark.parametrize(
        "configuration", [None, RTCConfiguration(), RTCConfiguration(bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)], ids=repr
    )

    @configurations
    async def test_plain_asks_one_of_its_own(self, asked, configuration) -> None:
        connection = PLAIN(configuration)
        await offer(connection)
        await connection.close()
        assert asked == [("stun.l.google.com", 19302)]

    @configurations
    async def test_ours_asks_none(self, asked, configuration) -> None:
        connection = OURS(configuration)
        await offer(connection)
        await connection.close()
        assert asked == []
        assert configuration is None or configuration.iceServers is None, "what was given is as it was"

    async def test_ours_asks_the_one_that_is_named(self, asked) -> None:
        connection = OURS(RTCConfiguration(iceServers=[RTCIceServer("stun:192.0.2.1:3478")]))
        await offer(connection)
        await connection.close()
        assert asked == [("192.0.2.1", 3478)]


class TestLoopbackCandidate:
    async def test_plain_has_no_candidate_where_there_is_no_address(self, host_addresses) -> None:
        host_addresses()
        connection = PLAIN(NO_SERVERS)
        assert addresses(await offer(connection)) == []
        await connection.close()

    @pytest.mark.parametrize(
        ("found", "offered"), [([], ["127.0.0.1"]), (["127.0.0.2"], ["127.0.0.2"])], ids=["none", "another"]
    )
    async def test_ours_offers_it_where_there_is_no_other(self, host_addresses, found, offered) -> None:
        host_addresses(*found)
        connection = OURS()
        assert addresses(await offer(connection)) == offered
        await connection.close()

    async def test_ours_is_relayed_only_where_that_is_wanted(self) -> None:
        connection = OURS(RTCConfiguration(iceTransportPolicy=RTCIceTransportPolicy.RELAY))
        assert addresses(await offer(connection)) == []
        await connection.close()

    def test_ours_is_enough_for_a_chat_on_a_machine_without_a_network(self) -> None:
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
            "        await asyncio.gather(*(peer.wait_for(State.OPEN, 20) for peer in peers))\n"
            "        await asyncio.gather(*(peer.leave() for peer in peers))\n"
            "asyncio.run(main())\n"
        )
        environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        done = subprocess.run(
            [*alone, sys.executable, "-c", chat], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr


class TestUnresolvedNames:
    NAME = "1b2c3d4e-0000-4000-8000-123456789abc.local"
    NAMES = pytest.mark.parametrize("name", [NAME, NAME.upper(), "nowhere", "192.0.2.256"])

    @pytest.fixture
    def looked_up(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The names that are looked up; there is none of them."""
        names: list[str] = []

        async def resolve(name: str) -> None:
            names.append(name)

        async def resolver(_: object) -> SimpleNamespace:
            return SimpleNamespace(resolve=resolve)

        monkeypatch.setattr(aioice.ice, "get_or_create_mdns_protocol", resolver)
        return names

    def hide(self, sdp: str, name: str = NAME) -> str:
        """As Firefox offers: names instead of addresses, and then the end of candidates."""
        hidden = re.sub(r"(a=candidate:\S+ \d udp \d+) \S+", rf"\1 {name}", sdp)
        assert name in hidden
        assert "a=end-of-candidates" in hidden
        return hidden

    async def test_plain_looks_them_up_and_then_offers_nothing_itself(self, looked_up) -> None:
        one, other = PLAIN(NO_SERVERS), PLAIN(NO_SERVERS)
        await other.setRemoteDescription(RTCSessionDescription(self.hide(await offer(one)), "offer"))
        await other.setLocalDescription()
        assert set(looked_up) == {self.NAME}
        assert addresses(other.localDescription.sdp) == []
        await asyncio.gather(one.close(), other.close())

    async def test_plain_fails_at_once_where_they_are_in_the_answer(self, looked_up) -> None:
        one, other = PLAIN(NO_SERVERS), PLAIN(NO_SERVERS)
        await other.setRemoteDescription(RTCSessionDescription(await offer(one), "offer"))
        await other.setLocalDescription()
        answer = RTCSessionDescription(self.hide(other.localDescription.sdp), "answer")
        await other.close()  # nobody is there to answer a check, and yet no time is given
        await one.setRemoteDescription(answer)
        await until(one, "failed")
        await one.close()

    @NAMES
    @pytest.mark.parametrize("trickled", [False, True], ids=["in the description", "trickled"])
    async def test_ours_connects_to_who_hides_behind_them(self, looked_up, trickled: bool, name: str) -> None:
        one, other = OURS(), OURS()
        sdp = self.hide(await offer(one), name)
        candidates = re.findall(r"^a=(candidate:.+)$", sdp, re.MULTILINE) if trickled else []
        if trickled:
            sdp = re.sub(r"a=(candidate:.+|end-of-candidates)\r\n", "", sdp)
        await other.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        for line in [*candidates, ""] if trickled else []:
            init = {"candidate": line.rstrip(), "sdpMid": "0", "sdpMLineIndex": 0}
            await other.addIceCandidate(aiortc_engine.ice_candidate(init))
        await other.setLocalDescription()
        await one.setRemoteDescription(other.localDescription)
        await asyncio.gather(until(one, "connected"), until(other, "connected"))
        assert looked_up == []
        assert name in other.remoteDescription.sdp
        await asyncio.gather(one.close(), other.close())

    @pytest.mark.parametrize("kind", [PLAIN, OURS])
    async def test_the_description_is_what_was_set(self, looked_up, kind: type[Connection]) -> None:
        one, other = kind(NO_SERVERS), kind(NO_SERVERS)
        sdp = self.hide(await offer(one))
        await other.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        assert other.remoteDescription == RTCSessionDescription(str(SessionDescription.parse(sdp)), "offer")
        assert other.remoteDescription.sdp.count("a=end-of-candidates") == 1
        await asyncio.gather(one.close(), other.close())

    @pytest.mark.parametrize("kind", [PLAIN, OURS])
    async def test_whoever_hides_nothing_and_cannot_be_reached_has_failed(
        self, monkeypatch: pytest.MonkeyPatch, kind: type[Connection]
    ) -> None:
        monkeypatch.setattr(aioice.stun, "RETRY_MAX", 1)  # or each check takes 63 s
        monkeypatch.setattr(aioice.stun, "RETRY_RTO", 0.05)
        one, other = kind(NO_SERVERS), kind(NO_SERVERS)
        sdp = re.sub(r"(a=candidate:\S+ \d udp \d+) \S+ \d+", r"\1 127.0.0.1 9", await offer(one))
        await one.close()
        await other.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await other.setLocalDescription()
        await until(other, "failed")
        await other.close()


class TestConsentChecksEnd:
    @staticmethod
    async def closed_as_it_connects(kind: type[aioice.Connection]) -> asyncio.Task[None] | None:
        """Close a connection just when ICE succeeds. Returns: its consent checks."""
        one, other = kind(ice_controlling=True), kind(ice_controlling=False)
        for this, that in ((one, other), (other, one)):
            await this.gather_candidates()
            that.remote_username, that.remote_password = this.local_username, this.local_password
        for this, that in ((one, other), (other, one)):
            for candidate in this.local_candidates:
                await that.add_remote_candidate(candidate)
        succeed, closing = one._check_list_state.put_nowait, []

        def close_first(result: int) -> None:
            closing.append(asyncio.create_task(one.close()))
            succeed(result)

        one._check_list_state.put_nowait = close_first
        async with asyncio.timeout(TIMEOUT):
            await asyncio.gather(one.connect(), other.connect())
            await asyncio.gather(*closing, other.close())
        assert one._closed
        return one._query_consent_task

    async def test_plain_checks_a_closed_connection_for_ever(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0)
        checks = await self.closed_as_it_connects(aioice.Connection)
        for _ in range(100):  # checks, as there is nothing to wait for
            await asyncio.sleep(0)
        assert not checks.done()
        checks.cancel()

    async def test_ours_does_not(self) -> None:
        checks = await self.closed_as_it_connects(aiortc_engine.IceConnection)
        await asyncio.wait_for(checks, TIMEOUT)


class TestShortConsent:
    @pytest.fixture
    def passed(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
        """The seconds that would have been waited: nobody waits here."""
        waits: list[float] = []
        sleep = asyncio.sleep

        async def no_sleep(seconds: float) -> None:
            waits.append(seconds)
            await sleep(0)

        with monkeypatch.context() as patch:
            patch.setattr(asyncio, "sleep", no_sleep)
            yield waits

    @staticmethod
    async def until_it_is_lost(kind: type[aioice.Connection], passed: list[float], answers: str) -> int:
        """Ask a peer that answers (y) or not (n), and then no more. Returns: how often it was asked."""
        asked = 0

        async def request(*_: object, retransmissions: int, **__: object) -> None:
            nonlocal asked
            assert retransmissions == 0
            asked += 1
            if answers[asked - 1 : asked] != "y":
                passed.append(aioice.stun.RETRY_RTO)
                raise aioice.stun.TransactionTimeout

        connection = kind(ice_controlling=True)
        connection.remote_username, connection.remote_password = "user", "password"
        host = aioice.Candidate("1", 1, "udp", 1, "127.0.0.1", 9, "host")
        host._network_host = host.host
        connection._nominated[1] = CandidatePair(SimpleNamespace(request=request, local_candidate=host), host)
        await asyncio.wait_for(connection.query_consent(), TIMEOUT)
        assert connection._closed
        return asked

    async def test_plain_takes_half_a_minute(self, passed) -> None:
        assert await self.until_it_is_lost(aioice.Connection, passed, "") == 6
        assert 6 * (4 + 0.5) <= sum(passed) <= 6 * (6 + 0.5)

    async def test_plain_has_no_numbers_of_its_own_for_a_connection(self) -> None:
        assert [name for name in dir(aioice.Connection(ice_controlling=True)) if "consent" in name.lower()] == [
            *("_query_consent_task", "query_consent")
        ]

    async def test_ours_takes_some_ten_seconds(self, passed) -> None:
        assert await self.until_it_is_lost(aiortc_engine.IceConnection, passed, "") == 4
        assert 4 * (1.6 + 0.5) <= sum(passed) <= 4 * (2.4 + 0.5)

    async def test_ours_begins_anew_with_each_answer(self, passed) -> None:
        assert await self.until_it_is_lost(aiortc_engine.IceConnection, passed, "ynnnynnnyy") == 10 + 4


class TestClosedForGood:
    async def test_plain_makes_a_channel_that_never_opens(self) -> None:
        connection = PLAIN(NO_SERVERS)
        await connection.close()
        assert connection.createDataChannel("late").readyState == "connecting"

    async def test_ours_makes_none(self) -> None:
        connection = OURS()
        await connection.close()
        with pytest.raises(aiortc.InvalidStateError, match="closed"):
            connection.createDataChannel("late")


class TestWholeGathering:
    @staticmethod
    async def cancelled_half_way(
        connection: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> list[asyncio.DatagramTransport]:
        """Cancel gathering when the first of two sockets is open, then close. Returns: the sockets."""
        loop = asyncio.get_running_loop()
        create, sockets = loop.create_datagram_endpoint, []
        half_way, may_go_on = asyncio.Event(), asyncio.Event()

        async def created(*args: object, **options: object) -> tuple:
            if sockets:
                half_way.set()
                await may_go_on.wait()
            transport, protocol = await create(*args, **options)
            sockets.append(transport)
            return transport, protocol

        with monkeypatch.context() as patch:
            patch.setattr(loop, "create_datagram_endpoint", created)
            gathering = asyncio.create_task(offer(connection))
            await asyncio.wait_for(half_way.wait(), TIMEOUT)
            gathering.cancel()
            await asyncio.sleep(0)
            may_go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await gathering
            await connection.close()
        return sockets

    async def test_plain_leaves_a_socket_open(self, monkeypatch, host_addresses) -> None:
        host_addresses("127.0.0.1", "127.0.0.2")
        (left,) = await self.cancelled_half_way(PLAIN(NO_SERVERS), monkeypatch)
        assert not left.is_closing()
        left.close()

    async def test_ours_closes_them_all(self, monkeypatch, host_addresses) -> None:
        host_addresses("127.0.0.1", "127.0.0.2")
        sockets = await self.cancelled_half_way(OURS(), monkeypatch)
        assert [socket.is_closing() for socket in sockets] == [True, True]


class TestPacketsAsBuffered:
    BUFFER = 212_992  # bytes: Linux' default for a socket (net.core.rmem_default)

    @staticmethod
    async def unacknowledged(kind: type[Connection], monkeypatch: pytest.MonkeyPatch) -> int:
        """Send many short messages in one go to one who acknowledges none. Returns: how many packets leave."""
        one, other, channel = await opened(kind)
        packets: list[bytes] = []

        async def lose(data: bytes) -> None:
            packets.append(data)

        with monkeypatch.context() as patch:
            patch.setattr(one.sctp.transport, "_send_data", lose)
            for _ in range(2_000):
                channel.send("four")
            await asyncio.sleep(0)  # nothing in sending waits: one turn of the loop does it all
        await asyncio.gather(one.close(), other.close())
        return len(packets)

    async def test_plain_sends_more_than_a_buffer_holds(self, monkeypatch) -> None:
        assert await self.unacknowledged(PLAIN, monkeypatch) * aiortc_workarounds.MIN_PACKET > self.BUFFER

    async def test_ours_sends_far_less(self, monkeypatch) -> None:
        assert 0 < await self.unacknowledged(OURS, monkeypatch) * aiortc_workarounds.MIN_PACKET < self.BUFFER / 10


class TestLostPackets:
    @staticmethod
    async def never_retrieved(kind: type[Connection]) -> list[BaseException]:
        """Say something just when DTLS has ended. Returns: the errors of tasks that nobody has."""
        errors: list[BaseException] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context["exception"]))
        one, other, channel = await opened(kind)
        await one.sctp.transport.stop()  # closed when this task waits next
        channel.send("too late")  # and sent right after it
        await asyncio.gather(until(one, "closed"), until(other, "closed"))
        gc.collect()
        return errors

    async def test_plain_has_an_error_that_nobody_can_catch(self) -> None:
        errors = await self.never_retrieved(PLAIN)
        assert [(type(error), str(error)) for error in errors] == [
            (ConnectionError, "Cannot send encrypted data, not connected")
        ]

    async def test_ours_has_none(self) -> None:
        assert await self.never_retrieved(OURS) == []
