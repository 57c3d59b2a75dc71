"""The exercises of lesson 07: a chat peer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from p2pchat import ChatError, ChatPeer, Servers, State
from p2pchat.lab.exercises import Exercise
from p2pchat.webrtc import RTCDataChannel, RTCPeerConnection

MEETING = 5.0  # seconds
OPENING = 3.0  # seconds for what takes a thirtieth of one on one machine
NOTICING = 3.0  # seconds


async def notices_a_goodbye(new_peer: Callable[..., Any]) -> None:
    """07.1: a peer made by ``new_peer(matchmaking_url, signaling_url)`` sees the stranger leave."""
    async with Servers(static_port=None) as servers:
        ours = ChatPeer(servers.matchmaking_url, servers.signaling_url, name="ours")
        mine = new_peer(servers.matchmaking_url, servers.signaling_url)
        assert mine.state == "idle", f"before START the state is idle, not {mine.state!r}."
        try:
            await ours.start()
            async with asyncio.timeout(MEETING):
                await mine.start()
            await ours.wait_for(State.OPEN, MEETING)
            assert mine.state == "open", f"the two have met, so the state is open, not {mine.state!r}."
            await ours.leave()
            for _ in range(int(NOTICING / 0.05)):
                if mine.state == "closed":
                    break
                await asyncio.sleep(0.05)
            assert mine.state == "closed", (
                f"the stranger left {NOTICING:g} seconds ago, and your peer still believes it is {mine.state}."
            )
        except TimeoutError:
            raise AssertionError(f"your peer did not meet ours within {MEETING:g} seconds.") from None
        except ChatError as error:
            raise AssertionError(f'your peer did not meet ours. Ours says: "{error}"') from None
        finally:
            await ours.leave()
            await mine.leave()
        assert mine.state == "closed", "after leave() the state is closed, too."


async def two_connections_meet(
    meet: Callable[[RTCPeerConnection, RTCPeerConnection], Awaitable[RTCDataChannel]],
) -> None:
    """07.2: ``meet(caller, callee)`` gives a channel that opens."""
    caller, callee = RTCPeerConnection(), RTCPeerConnection()
    came = asyncio.Event()
    callee.on("datachannel", lambda _: came.set())
    try:
        channel = await meet(caller, callee)
        for _ in range(int(OPENING / 0.05)):
            if channel.readyState == "open" and came.is_set():
                return
            await asyncio.sleep(0.05)
        counts = {
            name: connection.remoteDescription.sdp.count("a=candidate:") if connection.remoteDescription else 0
            for name, connection in (("caller", caller), ("callee", callee))
        }
        raise AssertionError(
            f"after {OPENING:g} seconds the channel is {channel.readyState}, the connection {caller.connectionState}, "
            f"and nobody complains. The caller was told {counts['caller']} addresses of the callee, "
            f"the callee {counts['callee']} of the caller."
        )
    finally:
        await caller.close()
        await callee.close()


EXERCISES = (
    Exercise(
        "07.1",
        notices_a_goodbye,
        "your peer notices when the stranger leaves.",
        (
            'A channel has events: "open", "message" and "close" (W3C WebRTC, section 6.2).',
            'In `adopt`, after the other handlers: `channel.on("close", ...)` with a function that sets the state.',
        ),
    ),
    Exercise(
        "07.2",
        two_connections_meet,
        "the description that travels must be the one with the addresses in it.",
        (
            "An address to try is a line `a=candidate:` in the description. Print both descriptions, and count.",
            "`createOffer` only makes a draft. What gathers the addresses, and where does the result stand?",
            "After `setLocalDescription`, read `localDescription`. It holds more than what you put in.",
        ),
    ),
)
