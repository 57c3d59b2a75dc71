"""What the browser's engine has beyond aiortc's: trickled candidates, statistics, patience with those who come late.

These run in Pyodide (`case_runner`); `test_in_chromium.py` makes an item of pytest of each.
"""

import asyncio
import datetime
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType

import pytest

from p2pchat.webrtc import OperationError
from tests.support.rtc_ends import End, Pair, negotiate, opened


@asynccontextmanager
async def connected_to_nobody_listening(one: End) -> AsyncIterator[tuple]:
    """A channel of ours, and the other connection to which nobody listens yet."""
    engine = one.engine
    silent = engine.RTCPeerConnection()
    ours = one.create()
    try:
        await one.connection.setLocalDescription(await one.connection.createOffer())
        await silent.setRemoteDescription(one.connection.localDescription)
        await silent.setLocalDescription(await silent.createAnswer())
        await one.connection.setRemoteDescription(silent.localDescription)
        await one.until(lambda: ours.readyState == "open")
        yield ours, silent
    finally:
        await silent.close()


async def counted(connection, **wanted: int) -> None:
    """Until the browser's statistics of a data channel say so: whatever came by then has been handed to Python."""
    async with asyncio.timeout(60):
        while True:
            reports = (await connection.getStats()).values()
            channels = [report for report in reports if report.type == "data-channel"]
            if any(all(getattr(it, name) == value for name, value in wanted.items()) for it in channels):
                return


class TestTrickling:
    async def test_returns_at_once_and_tells_of_candidates_one_by_one(self, ends: Pair) -> None:
        connection = ends[0].connection
        found: list = []
        all_found = asyncio.Event()
        connection.on("icecandidate", lambda it: (found.append(it), all_found.set() if it is None else None))
        ends[0].create()
        await connection.setLocalDescription(await connection.createOffer())
        assert (connection.iceGatheringState != "complete", found) == (True, []), "the offer can go first"
        await asyncio.wait_for(all_found.wait(), 60)
        assert (found[-1], found.count(None)) == (None, 1)
        for candidate in found[:-1]:
            init = candidate.toJSON()
            assert init["candidate"].startswith("candidate:")
            assert (init["sdpMid"], init["sdpMLineIndex"]) == ("0", 0)
            assert (candidate.type, candidate.protocol in ("udp", "tcp")) == ("host", True)
            assert candidate.port > 0
            line, _, _ = candidate.candidate.partition(" generation ")  # what follows is Chromium's own
            assert f"a={line}" in connection.localDescription.sdp
        assert len(found) > 1

    async def test_is_enough_to_connect(self, ends: Pair) -> None:
        one, other = ends
        engine = one.engine
        inits: dict[End, list] = {one: [], other: []}
        for end in ends:
            end.connection.on(
                "icecandidate", lambda it, end=end: (inits[end].append(it and it.toJSON()), end.changed.set())
            )
        channel = one.create()
        for end, make in ((one, one.connection.createOffer), (other, other.connection.createAnswer)):
            if end is other:
                await other.connection.setRemoteDescription(without_candidates(engine, one.connection))
            await end.connection.setLocalDescription(await make())
        await one.connection.setRemoteDescription(without_candidates(engine, other.connection))
        for end, to in ((one, other), (other, one)):
            await end.until(lambda end=end: inits[end][-1:] == [None])
            for init in inits[end]:
                await to.connection.addIceCandidate(init and engine.ice_candidate(init))
        await one.until(lambda: channel.readyState == "open")

    async def test_is_not_waited_for_without_end(self, ends: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("p2pchat.webrtc.browser_engine.GATHERING_TIMEOUT", 0.0)
        ends[0].create()
        await ends[0].connection.setLocalDescription(await ends[0].connection.createOffer())
        assert ends[0].connection.iceGatheringState != "complete"
        assert ends[0].connection.localDescription.type == "offer"


def without_candidates(engine: ModuleType, connection):
    description = connection.localDescription
    kept = [line for line in description.sdp.splitlines() if not line.startswith("a=candidate:")]
    return engine.RTCSessionDescription("\r\n".join(kept) + "\r\n", description.type)


class TestWhoComesLate:
    async def test_hears_all_messages_in_order(self, ends: Pair) -> None:
        async with connected_to_nobody_listening(ends[0]) as (ours, silent):
            said = [str(number) for number in range(100)]
            for text in said:
                ours.send(text)
            await counted(silent, messagesReceived=100)
            channels = asyncio.Queue()
            heard = asyncio.Queue()
            silent.on("datachannel", channels.put_nowait)
            assert channels.empty(), "a listener is not called while it is attached"
            channel = await asyncio.wait_for(channels.get(), 60)  # late once more
            channel.on("message", heard.put_nowait)
            ours.send("last")
            async with asyncio.timeout(60):
                assert [await heard.get() for _ in range(101)] == [*said, "last"]

    async def test_hears_what_was_said_before_the_channel_was_closed(self, ends: Pair) -> None:
        _, theirs = await opened(*ends)
        theirs.remove_all_listeners("message")
        for text in ("last", b"words"):
            ends[0].channels[0].send(text)
        ends[0].channels[0].close()
        await ends[1].until(lambda: theirs.readyState == "closed")
        heard = asyncio.Queue()
        theirs.on("message", heard.put_nowait)
        async with asyncio.timeout(60):
            assert [await heard.get(), await heard.get()] == ["last", b"words"]

    async def test_is_not_waited_for_with_more_than_memory_allows(
        self, ends: Pair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("p2pchat.webrtc.browser_channel.MAX_UNREAD", 100_000)
        ours, theirs = await opened(*ends)
        theirs.remove_all_listeners("message")
        for _ in range(7):
            ours.send(bytes(16_384))
        await ends[1].until(lambda: theirs.readyState == "closed")
        await ends[0].until(lambda: ours.readyState == "closed")


class TestAListenerThatFails:
    async def test_is_heard_of_and_disturbs_nobody(self, ends: Pair) -> None:
        ours, theirs = await opened(*ends)
        loop = asyncio.get_running_loop()
        failures: list = []
        handler = loop.get_exception_handler()
        loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
        try:
            theirs.once("message", lambda _: 1 / 0)
            for text in ("first", "second"):
                ours.send(text)
            await ends[1].until(lambda: "second" in ends[1].messages)
        finally:
            loop.set_exception_handler(handler)
        assert [type(failure) for failure in failures] == [ZeroDivisionError]


class TestStatistics:
    async def test_are_the_browsers(self, ends: Pair) -> None:
        ours, _ = await opened(*ends)
        for text in ("one", "two", "three"):
            ours.send(text)
        await ends[1].until(lambda: len(ends[1].messages) == 3)
        await counted(ends[0].connection, messagesSent=3, bytesSent=11)
        await counted(ends[1].connection, messagesReceived=3, bytesReceived=11)
        reports = await ends[0].connection.getStats()
        kinds = {report.type for report in reports.values()}
        assert kinds >= {"candidate-pair", "data-channel", "local-candidate", "peer-connection", "transport"}
        for id, report in reports.items():
            assert report.id == id
            age = datetime.datetime.now(datetime.UTC) - report.timestamp
            assert abs(age) < datetime.timedelta(minutes=1)


class TestErrors:
    async def test_have_the_browsers_words(self, ends: Pair) -> None:
        one, other = ends
        engine = one.engine
        with pytest.raises(OperationError, match="SessionDescription"):
            await one.connection.setRemoteDescription(engine.RTCSessionDescription("nonsense", "offer"))
        candidate = engine.ice_candidate(
            {"candidate": "candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host", "sdpMid": "0"}
        )
        with pytest.raises(engine.InvalidStateError, match="remote description"):
            await other.connection.addIceCandidate(candidate)

    async def test_of_a_candidate_that_fits_no_part_of_the_description_are_of_its_value(self, ends: Pair) -> None:
        one, _ = ends
        await opened(*ends)
        line = "candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host"
        stray = one.engine.ice_candidate({"candidate": line, "sdpMid": "seventh"})
        with pytest.raises(ValueError, match="ICE candidate"):
            await one.connection.addIceCandidate(stray)
        assert one.connection.signalingState == "stable"

    async def test_of_what_was_asked_for_come_to_who_asked_even_if_all_is_closed(self, ends: Pair) -> None:
        asked = asyncio.ensure_future(ends[0].connection.createOffer())
        await asyncio.sleep(0)
        await ends[0].connection.close()
        with pytest.raises(ends[0].engine.InvalidStateError, match="closed"):
            await asyncio.wait_for(asked, 60)

    async def test_of_servers_that_are_none_come_at_once(self, engine: ModuleType) -> None:
        for configuration in (
            engine.RTCConfiguration([engine.RTCIceServer("nonsense")]),
            engine.RTCConfiguration(iceTransportPolicy="nonsense"),
        ):
            with pytest.raises(ValueError, match="nonsense"):
                engine.RTCPeerConnection(configuration)

    async def test_of_options_out_of_range_come_at_once(self, ends: Pair) -> None:
        for option in ("maxRetransmits", "maxPacketLifeTime"):
            for value in (-1, 65_536):
                with pytest.raises(ValueError, match=f"{option} .*65535"):
                    ends[0].connection.createDataChannel("chat", **{option: value})
            ends[0].create(**{option: 65_535})
        assert ends[0].create(id=99_999).id is None, "an id that was not agreed upon means nothing"
        await opened(*ends)

    async def test_tell_of_a_full_buffer(self, ends: Pair) -> None:
        ours, _ = await opened(*ends)
        for _ in range(64):
            ours.send(bytes(262_144))
        with pytest.raises(OperationError, match="bufferedamountlow"):
            ours.send("no more")
        assert ours.readyState == "open"
        assert ours.bufferedAmount == 64 * 262_144

    async def test_tell_of_names_that_are_too_long(self, ends: Pair) -> None:
        for names in ({"label": "é" * 32_768}, {"label": "fine", "protocol": "x" * 65_536}):
            with pytest.raises(ValueError, match="bytes"):
                ends[0].connection.createDataChannel(**names)


async def refused(one: End, other: End):
    """A channel that the browser refuses: with the id that another got, which is not open yet. Python cannot know."""
    ours, _ = await opened(one, other)
    one.create("not open yet")
    return one.connection.createDataChannel("refused", negotiated=True, id=ours.id + 2)


class TestWhatTheBrowserRefuses:
    """It comes in a later turn, on a page as through the bridge, and is never lost."""

    async def test_closes_a_channel_with_an_error_that_says_why(self, ends: Pair) -> None:
        channel = await refused(*ends)
        assert channel.readyState == "connecting"
        told: list = []
        channel.on("error", lambda error: told.append((type(error), channel.readyState)))
        channel.on("close", lambda: (told.append("close"), ends[0].changed.set()))
        await ends[0].until(lambda: "close" in told)
        assert told == [(OperationError, "closed"), "close"]
        with pytest.raises(ends[0].engine.InvalidStateError, match="The channel is closed, not open: "):
            channel.send("to nobody")
        await ends[0].until(lambda: ends[0].channels[1].readyState == "open")  # the other one is not disturbed

    async def test_is_logged_where_nobody_listens_to_it(self, ends: Pair) -> None:
        loop = asyncio.get_running_loop()
        failures: list = []
        handler = loop.get_exception_handler()
        loop.set_exception_handler(lambda _, context: failures.append((context["message"], type(context["exception"]))))
        try:
            channel = await refused(*ends)
            channel.on("close", ends[0].changed.set)
            await ends[0].until(lambda: channel.readyState == "closed")
        finally:
            loop.set_exception_handler(handler)
        assert failures == [("RTCDataChannel failed", OperationError)]

    async def test_closes_a_connection_and_is_the_answer_to_all_that_is_asked_of_it(
        self, engine: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("p2pchat.webrtc.browser_types._check_ice_server", lambda server: None)
        connection = engine.RTCPeerConnection(engine.RTCConfiguration([engine.RTCIceServer("nonsense")]))
        channel = connection.createDataChannel("chat")
        told: list = []
        channel.on("error", told.append)
        connection.on("connectionstatechange", lambda: told.append(connection.connectionState))
        for _ in range(2):  # while it is not known, and after
            with pytest.raises(ValueError, match="nonsense"):
                await connection.createOffer()
        with pytest.raises(ValueError, match="nonsense"):
            connection.createDataChannel("another")
        assert [str(it) for it in told] == [str(told[0]), "closed"]
        assert "nonsense" in str(told[0])
        assert channel.readyState == "closed"

    async def test_is_not_what_is_sent_while_the_news_of_a_close_is_on_its_way(self, ends: Pair) -> None:
        """In a Worker the channel may be closed on the page already: who sends cannot know, and is told in a moment."""
        ours, theirs = await opened(*ends)
        told: list = []
        ours.on("error", told.append)
        ours._transport.post(ours._number, "close")
        ours.send("into the void")
        await ends[0].until(lambda: ours.readyState == "closed")
        await ends[1].until(lambda: theirs.readyState == "closed")
        assert (told, ends[1].messages) == ([], [])


class TestNothingIsKept:
    async def test_of_what_was_closed(self, ends: Pair) -> None:
        await opened(*ends)
        known = ends[0].connection._transport._objects
        before = len(known)
        await ends[0].connection.close()
        assert len(known) == before - 2

    async def test_of_a_channel_that_was_refused(self, ends: Pair) -> None:
        channel = await refused(*ends)
        channel.on("error", lambda _: None)
        known = ends[0].connection._transport._objects
        before = len(known)
        channel.on("close", ends[0].changed.set)
        await ends[0].until(lambda: channel.readyState == "closed")
        assert len(known) == before - 1

    async def test_of_a_channel_that_was_closed(self, ends: Pair) -> None:
        ours, theirs = await opened(*ends)
        known = ends[0].connection._transport._objects
        before = len(known)
        ours.close()
        for end, channel in zip(ends, (ours, theirs), strict=True):
            await end.until(lambda channel=channel: channel.readyState == "closed")
        assert len(known) == before - 2
        again = ends[0].create("again")
        await ends[0].until(lambda: again.readyState == "open")
        await negotiate(*ends)  # nothing new to say; it may be said again all the same
        gc.collect()
        assert again.readyState == "open"
