"""The part of the W3C's WebRTC API that p2pchat uses, as every engine must have it.

The tests use nothing but that API: an engine is added to the fixture ``engine``, and they run on it too.
"""

import asyncio
from types import ModuleType

import pytest

from tests.support.rtc_ends import End, Pair, negotiate, opened


class TestAConnection:
    async def test_goes_through_the_states_of_the_standard(self, ends: Pair) -> None:
        one, other = ends
        assert (one.connection.connectionState, one.connection.signalingState) == ("new", "stable")
        assert (one.connection.iceConnectionState, one.connection.iceGatheringState) == ("new", "new")
        assert (one.connection.localDescription, one.connection.remoteDescription) == (None, None)
        channel = one.create()
        assert channel.readyState == "connecting"
        await one.connection.setLocalDescription(await one.connection.createOffer())
        assert one.connection.signalingState == "have-local-offer"
        offer = one.connection.localDescription
        assert offer.type == "offer"
        assert (one.connection.iceGatheringState, "a=candidate:" in offer.sdp) == ("complete", True)
        await other.connection.setRemoteDescription(offer)
        assert other.connection.signalingState == "have-remote-offer"
        await other.connection.setLocalDescription(await other.connection.createAnswer())
        assert other.connection.signalingState == "stable"
        await one.connection.setRemoteDescription(other.connection.localDescription)
        assert one.connection.signalingState == "stable"
        for end in ends:
            await end.until(lambda end=end: end.connection.connectionState == "connected")
            assert end.states == ["connecting", "connected"]
            assert end.connection.iceConnectionState in ("connected", "completed")
            assert {end.connection.localDescription.type, end.connection.remoteDescription.type} == {"offer", "answer"}
        await one.until(lambda: channel.readyState == "open")

    async def test_tells_of_every_state(self, ends: Pair) -> None:
        said: list[tuple[str, str]] = []
        connection = ends[0].connection
        for name in ("connectionState", "iceConnectionState", "iceGatheringState", "signalingState"):
            connection.on(f"{name.lower()}change", lambda name=name: said.append((name, getattr(connection, name))))
        await opened(*ends)
        await ends[0].until(lambda: connection.connectionState == "connected")  # a channel may be open before
        await connection.close()
        states = {name: [state for other, state in said if other == name] for name, _ in said}
        assert states["connectionState"] == ["connecting", "connected", "closed"]
        assert states["iceGatheringState"] == ["gathering", "complete"]
        assert states["signalingState"] == ["have-local-offer", "stable", "closed"]
        assert (states["iceConnectionState"][0], states["iceConnectionState"][-1]) == ("checking", "closed")

    async def test_makes_the_description_itself_where_none_is_given(self, ends: Pair) -> None:
        """W3C WebRTC, section 4.4.1.5."""
        one, other = ends
        channel = one.create()
        await one.connection.setLocalDescription()
        assert one.connection.localDescription.type == "offer"
        await other.connection.setRemoteDescription(one.connection.localDescription)
        await other.connection.setLocalDescription()
        assert other.connection.localDescription.type == "answer"
        await one.connection.setRemoteDescription(other.connection.localDescription)
        await one.until(lambda: channel.readyState == "open")

    async def test_once_closed_is_closed_for_good(self, ends: Pair) -> None:
        one, other = ends
        ours, theirs = await opened(one, other)
        said: list[str] = []
        ours.on("close", lambda: said.append("close"))
        await one.connection.close()
        await one.connection.close()
        assert (said, one.states[-1]) == (["close"], "closed")
        assert one.connection.connectionState == one.connection.signalingState == "closed"
        assert ours.readyState == "closed"
        await other.until(lambda: theirs.readyState == "closed")
        with pytest.raises(one.engine.InvalidStateError):
            one.connection.createDataChannel("late")
        with pytest.raises(one.engine.InvalidStateError):
            ours.send("late")
        for late in (one.connection.createOffer, one.connection.createAnswer, one.connection.setLocalDescription):
            with pytest.raises(one.engine.InvalidStateError):
                await late()

    async def test_may_be_closed_by_both_sides_at_once(self, ends: Pair) -> None:
        channels = await opened(*ends)
        await asyncio.gather(*(end.connection.close() for end in ends))
        assert [channel.readyState for channel in channels] == ["closed", "closed"]

    async def test_may_be_closed_before_it_is_used(self, ends: Pair) -> None:
        await ends[0].connection.close()
        assert ends[0].connection.connectionState == "closed"

    async def test_may_be_closed_while_it_connects(self, ends: Pair) -> None:
        ends[0].create()
        await negotiate(*ends)
        await asyncio.gather(*(end.connection.close() for end in ends))
        assert [end.connection.connectionState for end in ends] == ["closed", "closed"]

    async def test_refuses_what_does_not_fit_the_moment(self, ends: Pair) -> None:
        one, other = ends
        one.create()
        await one.connection.setLocalDescription(await one.connection.createOffer())
        with pytest.raises(one.engine.InvalidStateError):
            await other.connection.createAnswer()
        await other.connection.setRemoteDescription(one.connection.localDescription)
        answer = await other.connection.createAnswer()
        await other.connection.setLocalDescription(answer)
        with pytest.raises(one.engine.InvalidStateError):
            await other.connection.setRemoteDescription(
                one.engine.RTCSessionDescription(other.connection.localDescription.sdp, "answer")
            )

    async def test_has_statistics_by_their_id(self, ends: Pair) -> None:
        await opened(*ends)
        reports = await ends[0].connection.getStats()  # aiortc's are of sound and pictures: with none, none
        assert [(report.id, type(report.type)) for report in reports.values()] == [(id, str) for id in reports]
        await ends[0].connection.close()
        assert await ends[0].connection.getStats() == {}

    @pytest.mark.parametrize("kind", ["sideways", "", "OFFER"])
    async def test_knows_four_kinds_of_description(self, engine: ModuleType, kind: str) -> None:
        with pytest.raises(ValueError, match="type"):
            engine.RTCSessionDescription(sdp="v=0", type=kind)


class TestAChannel:
    async def test_has_what_it_was_made_with_on_both_sides(self, ends: Pair) -> None:
        for channel in await opened(*ends, label="the label", protocol="p2pchat.1"):
            assert (channel.label, channel.protocol) == ("the label", "p2pchat.1")
            assert channel.ordered is True
            assert (channel.maxRetransmits, channel.maxPacketLifeTime) == (None, None)
            assert (channel.negotiated, channel.bufferedAmount) == (False, 0)
            assert channel.id is not None
        assert len({channel.id for end in ends for channel in end.channels}) == 1

    async def test_carries_ten_thousand_messages_in_order_sent_in_one_go(self, ends: Pair) -> None:
        ours, _ = await opened(*ends)
        many = [str(number) for number in range(10_000)]
        for text in many:
            ours.send(text)
        await ends[1].until(lambda: len(ends[1].messages) >= len(many), timeout=60)
        assert ends[1].messages == many

    async def test_carries_ten_mebibytes_to_who_waits_for_room(self, ends: Pair) -> None:
        ours, _ = await opened(*ends)
        ours.bufferedAmountLowThreshold = 128 * 1024
        room = asyncio.Event()
        ours.on("bufferedamountlow", room.set)
        most = 0
        for number in range(640):
            if ours.bufferedAmount > 512 * 1024:
                room.clear()
                await asyncio.wait_for(room.wait(), 60)
                assert ours.bufferedAmount <= 128 * 1024
            ours.send(bytes([number % 256]) * 16_384)
            most = max(most, ours.bufferedAmount)
        assert most <= 528 * 1024
        await ends[1].until(lambda: len(ends[1].messages) >= 640, timeout=60)
        assert [(message[0], len(message)) for message in ends[1].messages] == [(n % 256, 16_384) for n in range(640)]

    async def test_may_be_heard_by_a_coroutine(self, ends: Pair) -> None:
        ours, theirs = await opened(*ends)

        async def answer(message: str) -> None:
            await asyncio.sleep(0)
            theirs.send(f"{message} yourself")

        theirs.on("message", answer)
        ours.send("hello")
        await ends[0].until(lambda: ends[0].messages == ["hello yourself"])

    async def test_carries_both_ways_at_once(self, ends: Pair) -> None:
        channels = await opened(*ends)
        for number in range(500):
            for channel in channels:
                channel.send(str(number))
        for end in ends:
            await end.until(lambda end=end: len(end.messages) == 500)
            assert end.messages == [str(number) for number in range(500)]

    async def test_carries_text_and_bytes_and_tells_them_apart(self, ends: Pair) -> None:
        ours, theirs = await opened(*ends)
        for message in (all_kinds := ["", b"", "text", b"bytes", "\x00", b"\x00", "👋é", bytes(range(256)), "end"]):
            ours.send(message)
            theirs.send(message)
        for end in ends:
            await end.until(lambda end=end: len(end.messages) == len(all_kinds))
            assert [(type(m), m) for m in end.messages] == [(type(m), m) for m in all_kinds]

    async def test_carries_bytes_of_any_size_up_to_64_kib(self, ends: Pair) -> None:
        ours, _ = await opened(*ends)
        powers = [2**power for power in range(17)]
        sizes = sorted({size + by for size in [*powers, 1_200] for by in (-1, 0, 1) if size + by <= 65_536})
        said = [bytes(number * 31 % 251 for number in range(size)) for size in sizes]
        for data in said:
            ours.send(data)
        await ends[1].until(lambda: len(ends[1].messages) == len(said))
        assert ends[1].messages == said

    async def test_takes_whatever_holds_bytes(self, ends: Pair) -> None:
        ours, _ = await opened(*ends)
        ours.send(bytes(memoryview(b"-bytes-")[1:6]))
        await ends[1].until(lambda: ends[1].messages == [b"bytes"])

    async def test_refuses_a_message_larger_than_the_other_side_takes_and_stays_open(self, ends: Pair) -> None:
        ours, _ = await opened(*ends)
        with pytest.raises(ValueError, match="bytes"):
            ours.send(b"x" * (1024 * 1024))
        ours.send("still open")
        await ends[1].until(lambda: ends[1].messages == ["still open"])

    @pytest.mark.parametrize("value", [None, 7, ["text"], {}])
    async def test_refuses_what_is_neither_text_nor_bytes(self, ends: Pair, value: object) -> None:
        ours, _ = await opened(*ends)
        with pytest.raises((TypeError, ValueError)):
            ours.send(value)

    async def test_tells_how_much_waits_and_when_it_is_little(self, ends: Pair) -> None:
        ours, _ = await opened(*ends)
        low: list[int] = []
        ours.bufferedAmountLowThreshold = 65_536
        ours.on("bufferedamountlow", lambda: low.append(ours.bufferedAmount))
        for _ in range(40):
            ours.send(b"x" * 16_384)
        assert ours.bufferedAmount > 65_536
        await ends[0].until(lambda: low)
        assert low[0] <= 65_536
        for times in (1, 2):
            await ends[1].until(lambda times=times: len(ends[1].messages) == 40 * times)
            await ends[0].until(lambda times=times: len(low) >= times)
            assert len(low) == times, "once for each time that it falls to the threshold"
            ours.bufferedAmountLowThreshold = 0
            await ends[0].until(lambda: ours.bufferedAmount == 0)
            ours.bufferedAmountLowThreshold = 65_536
            del low[times:]
            if times == 1:
                for _ in range(40):
                    ours.send(b"x" * 16_384)

    @pytest.mark.parametrize("value", [-1, 2**32])
    async def test_has_a_threshold_that_is_an_amount_of_bytes(self, ends: Pair, value: int) -> None:
        channel = ends[0].create()
        with pytest.raises(ValueError, match="bufferedAmountLowThreshold"):
            channel.bufferedAmountLowThreshold = value
        assert channel.bufferedAmountLowThreshold == 0

    @pytest.mark.parametrize(
        "options",
        [
            {"ordered": False},
            {"ordered": False, "maxRetransmits": 0},
            {"ordered": True, "maxRetransmits": 3},
            {"ordered": True, "maxPacketLifeTime": 500},
        ],
        ids=str,
    )
    async def test_may_be_unordered_or_unreliable(self, ends: Pair, options: dict) -> None:
        for channel in (channels := await opened(*ends, **options)):
            for name in ("ordered", "maxRetransmits", "maxPacketLifeTime"):
                assert getattr(channel, name) == options.get(name), name
        said = [str(number) for number in range(20)]
        for text in said:
            channels[0].send(text)
        await ends[1].until(lambda: len(ends[1].messages) == len(said))  # nothing is lost on loopback
        assert sorted(ends[1].messages, key=int) == said

    async def test_is_not_both_bounded_in_time_and_in_tries(self, ends: Pair) -> None:
        with pytest.raises((TypeError, ValueError)):
            ends[0].connection.createDataChannel("both", maxRetransmits=1, maxPacketLifeTime=1)

    async def test_may_be_agreed_upon_beforehand(self, ends: Pair) -> None:
        with pytest.raises(ValueError, match="ID"):
            ends[0].connection.createDataChannel("nameless", negotiated=True)
        channels = [end.create("agreed", negotiated=True, id=6) for end in ends]
        await negotiate(*ends)
        for end, channel in zip(ends, channels, strict=True):
            await end.until(lambda channel=channel: channel.readyState == "open")
            assert (channel.negotiated, channel.id) == (True, 6)
            channel.send("agreed")
        for end in ends:
            await end.until(lambda end=end: end.messages == ["agreed"])
            assert len(end.channels) == 1

    async def test_has_an_id_of_its_own(self, ends: Pair) -> None:
        one, other = ends
        for id in (-1, 65_535):
            with pytest.raises(ValueError, match="ID"):
                one.connection.createDataChannel("out of range", negotiated=True, id=id)
        channels = [end.create("agreed", negotiated=True, id=6) for end in ends]
        with pytest.raises(ValueError, match="ID 6 "):
            one.connection.createDataChannel("again", negotiated=True, id=6)
        await negotiate(*ends)
        await one.until(lambda: channels[0].readyState == "open")
        with pytest.raises(ValueError, match="ID 6 "):
            one.connection.createDataChannel("again", negotiated=True, id=6)
        channels[0].send("not disturbed")
        await other.until(lambda: other.messages == ["not disturbed"])
        for end, channel in zip(ends, channels, strict=True):
            channel.close()
            await end.until(lambda channel=channel: channel.readyState == "closed")
        channels = [end.create("anew", negotiated=True, id=6) for end in ends]
        for end, channel in zip(ends, channels, strict=True):
            await end.until(lambda channel=channel: channel.readyState == "open")

    async def test_before_it_is_open_refuses_to_send(self, ends: Pair) -> None:
        channel = ends[0].create()
        with pytest.raises(ends[0].engine.InvalidStateError):
            channel.send("too early")

    @pytest.mark.parametrize("closer", [0, 1], ids=["who opened it", "who did not"])
    async def test_closed_by_one_side_is_closed_on_both(self, ends: Pair, closer: int) -> None:
        channels = await opened(*ends)
        channels[closer].send("the last words")
        channels[closer].close()
        assert channels[closer].readyState == "closing"
        with pytest.raises(ends[0].engine.InvalidStateError):
            channels[closer].send("too late")
        for end, channel in zip(ends, channels, strict=True):
            await end.until(lambda channel=channel: channel.readyState == "closed")
        assert ends[1 - closer].messages == ["the last words"]
        assert [end.connection.connectionState for end in ends] == ["connected", "connected"]

    async def test_closed_as_soon_as_it_is_open_loses_no_word(self, ends: Pair) -> None:
        one, other = ends
        await opened(one, other)
        for number in range(20):
            channel = one.create()
            channel.on("open", lambda channel=channel, said=str(number): (channel.send(said), channel.close()))
            await one.until(lambda channel=channel: channel.readyState == "closed")
            await other.until(lambda count=number + 2: len(other.channels) == count)
            await other.until(lambda: other.channels[-1].readyState == "closed")
        assert other.messages == [str(number) for number in range(20)]

    async def test_may_be_closed_by_both_sides_at_once_and_again(self, ends: Pair) -> None:
        channels = await opened(*ends)
        for channel in channels + channels:
            channel.close()
        for end, channel in zip(ends, channels, strict=True):
            await end.until(lambda channel=channel: channel.readyState == "closed")
            channel.close()

    async def test_is_one_of_several_that_do_not_disturb_each_other(self, ends: Pair) -> None:
        one, other = ends
        first, _ = await opened(one, other, label="first")
        second = one.create("second")
        await one.until(lambda: second.readyState == "open")
        await other.until(lambda: len(other.channels) == 2)
        assert [channel.label for channel in other.channels] == ["first", "second"]
        first.close()
        second.send("here")
        await other.until(lambda: other.messages == ["here"])


class TestCandidates:
    async def test_may_come_after_the_description(self, ends: Pair) -> None:
        one, other = ends
        channel = one.create()
        await one.connection.setLocalDescription(await one.connection.createOffer())
        lines = one.connection.localDescription.sdp.splitlines()
        bare = [line for line in lines if not line.startswith(("a=candidate:", "a=end-of-candidates"))]
        offer = one.engine.RTCSessionDescription("\r\n".join(bare) + "\r\n", "offer")
        await other.connection.setRemoteDescription(offer)
        await other.connection.setLocalDescription(await other.connection.createAnswer())
        await one.connection.setRemoteDescription(other.connection.localDescription)
        for line in lines:
            if line.startswith("a=candidate:"):
                init = {"candidate": line.removeprefix("a="), "sdpMid": "0", "sdpMLineIndex": 0}
                await other.connection.addIceCandidate(one.engine.ice_candidate(init))
        await one.until(lambda: channel.readyState == "open")

    async def test_may_come_as_they_are_found(self, ends: Pair) -> None:
        """An engine that has no ``icecandidate`` has them all in its description: who listens misses none."""
        found: list[tuple[End, object]] = []
        changed = asyncio.Event()
        for end, other in zip(ends, reversed(ends), strict=True):
            end.connection.on("icecandidate", lambda c, other=other: (found.append((other, c)), changed.set()))
        channel = ends[0].create()
        await negotiate(*ends)
        async with asyncio.timeout(60):
            while channel.readyState != "open":
                while found:
                    other, candidate = found.pop(0)
                    usable = candidate and other.engine.ice_candidate(candidate.toJSON())
                    await other.connection.addIceCandidate(usable)
                changed.clear()
                ends[0].connection.once("connectionstatechange", changed.set)
                channel.once("open", changed.set)
                if channel.readyState != "open":
                    await changed.wait()

    @pytest.mark.parametrize("init", [{}, {"candidate": None}, {"candidate": "candidate:1 1 udp"}])
    async def test_that_cannot_be_read_is_an_error(self, engine: ModuleType, init: dict) -> None:
        with pytest.raises(ValueError, match="candidate"):
            engine.ice_candidate(init)

    async def test_that_belongs_nowhere_is_an_error(self, ends: Pair) -> None:
        ends[0].create()
        await negotiate(*ends)
        stray = {"candidate": "candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host"}
        with pytest.raises(ValueError, match="sdpMid"):
            await ends[0].connection.addIceCandidate(ends[0].engine.ice_candidate(stray))

    async def test_end_at_last(self, ends: Pair) -> None:
        channel = ends[0].create()
        await negotiate(*ends)
        await ends[1].connection.addIceCandidate(None)
        await ends[0].until(lambda: channel.readyState == "open")
