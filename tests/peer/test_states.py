"""START, NEXT and LEAVE, in any state and in any order: what a peer does, and that nothing is left behind."""

import asyncio
from collections.abc import Callable

import pytest

from p2pchat import ChatError, ChatPeer, MessageReceived, SaidGoodbye, State, StateChanged, Timeouts
from tests.support.events import Log, until

NewPeer = Callable[..., ChatPeer]
WHOLE_WAY = [State.WAITING, State.MATCHED, State.CONNECTING, State.OPEN, State.CLOSED]


async def open_both(*peers: ChatPeer) -> None:
    await asyncio.gather(*(peer.start() for peer in peers))
    await asyncio.gather(*(peer.wait_for(State.OPEN, 60) for peer in peers))


def room_of(peer: ChatPeer) -> str:
    """The room of its last stranger."""
    return [arrow.room for arrow in peer.trace if arrow.room][-1]


async def test_the_states_come_in_order_and_each_says_why(new_peer: NewPeer) -> None:
    ada, bob = new_peer(), new_peer()
    of_ada, of_bob = Log(ada), Log(bob)
    assert (ada.state, ada.why) == (State.IDLE, "Not started yet.")
    await open_both(ada, bob)
    await ada.leave()
    await of_bob.closed()
    for log in (of_ada, of_bob):
        assert log.states == WHOLE_WAY
        assert all(change.why.endswith(".") for change in log.of(StateChanged))


class TestStart:
    async def test_returns_once_the_peer_has_a_place_in_the_queue(self, new_peer: NewPeer, cores) -> None:
        peer = new_peer()
        await peer.start()
        assert peer.state is State.WAITING
        await until(lambda: cores["matchmaking"].waiting == 1, "one waits")

    async def test_twice_is_harmless(self, new_peer: NewPeer) -> None:
        ada, bob = new_peer(), new_peer()
        of_ada = Log(ada)
        await ada.start()
        await ada.start()
        await open_both(bob)
        await ada.wait_for(State.OPEN, 60)
        await ada.start()
        assert of_ada.states == WHOLE_WAY[:4]

    async def test_twice_at_once_is_harmless(self, new_peer: NewPeer) -> None:
        ada, bob = new_peer(), new_peer()
        of_ada = Log(ada)
        await asyncio.gather(ada.start(), ada.start(), ada.start())
        await open_both(bob)
        await ada.wait_for(State.OPEN, 60)
        assert of_ada.states == WHOLE_WAY[:4]

    async def test_never_meets_itself(self, new_peer: NewPeer) -> None:
        peer, same = new_peer(), new_peer()
        same._user_id = peer._user_id
        await asyncio.gather(peer.start(), same.start())
        stranger = new_peer()
        await open_both(stranger)
        assert {peer.state, same.state} & {State.WAITING} == {State.WAITING}

    async def test_while_the_peer_is_still_closing_begins_again(self, new_peer: NewPeer) -> None:
        ada, bob, eve = new_peer(), new_peer(), new_peer()
        of_ada = Log(ada)
        await open_both(ada, bob)
        leaving = asyncio.create_task(ada.leave())
        await asyncio.sleep(0)
        await ada.start()
        await leaving
        assert ada.state is not State.CLOSED
        await open_both(eve)
        await ada.wait_for(State.OPEN, 60)
        assert of_ada.states == WHOLE_WAY + WHOLE_WAY[:4]

    async def test_at_the_goodbye_of_the_stranger_begins_again(self, new_peer: NewPeer) -> None:
        ada, bob, eve = new_peer(), new_peer(), new_peer()
        of_ada = Log(ada)
        await open_both(ada, bob)
        again: list[asyncio.Task[None]] = []
        stop = ada.listen(lambda e: again.append(asyncio.create_task(ada.start())) if e == SaidGoodbye() else None)
        await bob.leave()
        await of_ada.until(lambda: again)
        stop()
        await asyncio.gather(*again)
        await open_both(eve)
        await ada.wait_for(State.OPEN, 60)

    async def test_that_is_interrupted_leaves_the_peer_in_the_line(self, new_peer: NewPeer) -> None:
        """A kernel that is interrupted cancels the cell, and the peer goes on."""
        ada, bob = new_peer(), new_peer()
        cell = asyncio.create_task(ada.start())
        await asyncio.sleep(0)
        assert ada.state is State.WAITING
        cell.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cell
        await open_both(bob)
        await ada.wait_for(State.OPEN, 60)


class TestLeave:
    async def test_before_the_start_is_harmless(self, new_peer: NewPeer) -> None:
        peer = new_peer()
        await peer.leave()
        assert peer.state is State.IDLE

    async def test_before_the_start_has_begun_its_work(self, new_peer: NewPeer) -> None:
        peer = new_peer()
        log = Log(peer)
        starting = asyncio.create_task(peer.start())
        await asyncio.sleep(0)
        await peer.leave()
        await starting
        assert log.states == [State.WAITING, State.CLOSED]
        assert peer.why == "You left."

    @pytest.mark.parametrize("state", [State.WAITING, State.MATCHED, State.CONNECTING, State.OPEN])
    async def test_in_every_state_closes_everything(self, new_peer: NewPeer, state: State) -> None:
        ada, bob = new_peer(), new_peer()
        leaving: list[asyncio.Task[None]] = []

        def leave_there(event: object) -> None:
            if isinstance(event, StateChanged) and event.state is state:
                leaving.append(asyncio.create_task(ada.leave()))

        ada.listen(leave_there)
        of_ada, of_bob = Log(ada), Log(bob)
        await asyncio.gather(ada.start(), bob.start())
        await of_ada.until(lambda: leaving)
        await asyncio.gather(*leaving)
        assert ada.state is State.CLOSED
        assert ada.why == "You left."
        assert of_ada.states.count(State.CLOSED) == 1
        if state is State.WAITING:
            await bob.leave()
            assert of_bob.states in ([State.WAITING, State.CLOSED], [State.WAITING, State.MATCHED, State.CLOSED])
        elif state is State.OPEN:
            await of_bob.closed()

    async def test_twice_and_at_once_is_harmless(self, new_peer: NewPeer) -> None:
        ada, bob = new_peer(), new_peer()
        of_ada = Log(ada)
        await open_both(ada, bob)
        await asyncio.gather(ada.leave(), ada.leave(), ada.leave())
        await ada.leave()
        assert of_ada.states == WHOLE_WAY

    async def test_while_the_stranger_leaves_does_not_disturb_the_closing(self, new_peer: NewPeer) -> None:
        ada, bob = new_peer(), new_peer()
        of_ada = Log(ada)
        await open_both(ada, bob)
        leaving: list[asyncio.Task[None]] = []
        ada.listen(lambda e: leaving.append(asyncio.create_task(ada.leave())) if e == SaidGoodbye() else None)
        await bob.leave()
        await of_ada.closed()
        await asyncio.gather(*leaving)
        assert of_ada.states == WHOLE_WAY

    async def test_that_is_itself_cancelled_still_closes_everything(self, new_peer: NewPeer) -> None:
        ada, bob = new_peer(), new_peer()
        of_ada, of_bob = Log(ada), Log(bob)
        await open_both(ada, bob)
        leaving = asyncio.create_task(ada.leave())
        await asyncio.sleep(0)
        leaving.cancel()
        await of_ada.closed()
        assert await of_bob.closed() == "The stranger left."

    async def test_of_a_peer_whose_task_is_cancelled_from_outside(self, new_peer: NewPeer) -> None:
        """As the end of ``asyncio.run`` does."""
        ada, bob = new_peer(name="Ada"), new_peer()
        of_ada, of_bob = Log(ada), Log(bob)
        await open_both(ada, bob)
        (task,) = (task for task in asyncio.all_tasks() if task.get_name() == "p2pchat peer Ada")
        task.cancel()
        await of_ada.closed()
        await of_bob.closed()
        await ada.leave()


class TestNext:
    async def test_gives_another_stranger_while_others_wait(self, new_peer: NewPeer) -> None:
        ada, bob, eve = new_peer(name="Ada"), new_peer(name="Bob"), new_peer(name="Eve")
        await open_both(ada, bob)
        await eve.start()
        of_bob, of_eve = Log(bob), Log(eve)
        await ada.next()
        await asyncio.gather(ada.wait_for(State.OPEN, 60), eve.wait_for(State.OPEN, 60))
        await ada.send("somebody else?")
        await of_eve.until(lambda: of_eve.texts)
        assert await of_bob.closed() == "The stranger left."
        assert of_bob.texts == []

    async def test_of_both_does_not_bring_the_same_two_together(self, new_peer: NewPeer) -> None:
        ada, bob, eve, fay = (new_peer(name=name) for name in ("Ada", "Bob", "Eve", "Fay"))
        await open_both(ada, bob)
        room = room_of(ada)
        await asyncio.gather(ada.next(), bob.next())
        await asyncio.gather(eve.start(), fay.start())
        await asyncio.gather(*(peer.wait_for(State.OPEN, 60) for peer in (ada, bob, eve, fay)))
        assert room not in {room_of(ada), room_of(bob)}
        assert room_of(ada) != room_of(bob), "with two others there, those who have just met meet those"

    async def test_at_once_many_times_is_one_step_on(self, new_peer: NewPeer) -> None:
        ada, bob, eve = new_peer(), new_peer(), new_peer()
        of_ada = Log(ada)
        await open_both(ada, bob)
        await asyncio.gather(ada.next(), ada.next(), ada.next())
        assert of_ada.states == [*WHOLE_WAY, State.WAITING]
        await open_both(eve)
        await ada.wait_for(State.OPEN, 60)

    async def test_is_a_start_for_one_who_never_started(self, new_peer: NewPeer) -> None:
        ada, bob = new_peer(), new_peer()
        await ada.next()
        await bob.next()
        await asyncio.gather(ada.wait_for(State.OPEN, 60), bob.wait_for(State.OPEN, 60))

    async def test_ten_strangers_one_after_the_other_leave_nothing(self, new_peer: NewPeer) -> None:
        ada = new_peer(name="Ada")
        of_ada = Log(ada)
        await ada.start()
        for number in range(10):
            stranger = new_peer()
            await open_both(stranger)
            await ada.wait_for(State.OPEN, 60)
            await stranger.send(str(number))
            await of_ada.until(lambda n=number: str(n) in of_ada.texts)
            await ada.next()
            await stranger.leave()
        assert of_ada.texts == [str(number) for number in range(10)]


class TestInterests:
    async def test_bring_those_together_who_share_one(self, new_peer: NewPeer) -> None:
        ada = new_peer(interests=["Chess", "Go"])
        bob = new_peer(interests=["tea"])
        eve = new_peer(interests=[" chess "])
        of_ada, of_eve = Log(ada), Log(eve)
        await asyncio.gather(bob.start(), ada.start())
        await eve.start()
        await asyncio.gather(ada.wait_for(State.OPEN, 60), eve.wait_for(State.OPEN, 60))
        assert room_of(ada) == room_of(eve)
        for log in (of_ada, of_eve):
            (why,) = (change.why for change in log.of(StateChanged) if change.state is State.MATCHED)
            assert "chess" in why


class TestWaitFor:
    async def test_a_state_that_is_there(self, new_peer: NewPeer) -> None:
        await new_peer().wait_for(State.IDLE, 0)

    async def test_a_state_that_passes_quickly(self, new_peer: NewPeer) -> None:
        ada, bob = new_peer(), new_peer()
        waiting = [asyncio.create_task(ada.wait_for(state, 60)) for state in WHOLE_WAY]
        await asyncio.sleep(0)
        await open_both(ada, bob)
        await ada.leave()
        await asyncio.gather(*waiting)

    async def test_tells_in_words_what_did_not_come(self, new_peer: NewPeer) -> None:
        peer = new_peer()
        await peer.start()
        with pytest.raises(ChatError, match=r"Not open within 0\.01 seconds, but waiting: Asking"):
            await peer.wait_for(State.OPEN, 0.01)

    async def test_raises_when_the_peer_is_closed(self, new_peer: NewPeer) -> None:
        peer = new_peer()
        await peer.start()
        waiting = asyncio.create_task(peer.wait_for(State.OPEN))
        await asyncio.sleep(0)
        await peer.leave()
        with pytest.raises(ChatError, match=r"You left\."):
            await waiting


class TestEvents:
    async def test_of_async_for_end_with_closed_and_begin_with_the_first(self, new_peer: NewPeer) -> None:
        ada, bob = new_peer(), new_peer()
        await open_both(ada, bob)
        read = []

        async def follow() -> None:
            async for event in ada:
                read.append(event)
                if isinstance(event, MessageReceived):
                    await ada.leave()

        async with asyncio.timeout(60):
            following = asyncio.create_task(follow())
            await bob.send("hello")
            await following
        assert [event.state for event in read if isinstance(event, StateChanged)] == WHOLE_WAY
        assert MessageReceived("hello") in read

    async def test_of_async_for_go_on_after_the_next_start(self, new_peer: NewPeer) -> None:
        peer = new_peer()
        for _ in range(2):
            await peer.start()
            await peer.leave()
            assert [event.state async for event in peer] == [State.WAITING, State.CLOSED]

    async def test_listening_ends_when_asked_to(self, new_peer: NewPeer) -> None:
        peer = new_peer()
        heard: list[object] = []
        stop = peer.listen(heard.append)
        stop()
        stop()
        await peer.start()
        assert heard == []


class TestAsAContextManager:
    async def test_leaves_at_the_end(self, new_peer: NewPeer) -> None:
        ada, bob = new_peer(), new_peer()
        of_bob = Log(bob)
        async with ada, bob:
            await open_both(ada, bob)
            await ada.leave()
            await of_bob.closed()
        assert ada.state is bob.state is State.CLOSED

    async def test_leaves_when_something_breaks(self, new_peer: NewPeer) -> None:
        peer = new_peer()

        async def lesson() -> None:
            async with peer:
                await peer.start()
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await lesson()
        assert peer.state is State.CLOSED


async def test_somebody_who_waits_alone_is_told_so_and_waits_no_longer_than_the_limit(new_peer: NewPeer) -> None:
    peer = new_peer(timeouts=Timeouts(lonely=0.05, match=0.2))
    log = Log(peer)
    await peer.start()
    assert await log.closed() == "Nobody came within 0.2 seconds. Press START to wait again."
    assert log.notices == ["Nobody else is there yet. You stay in the line."]
