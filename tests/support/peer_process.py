"""A stranger to be killed: ``python -m tests.support.peer_process ours|plain MATCHMAKING SIGNALING``."""

import asyncio
import sys

from p2pchat import ChatPeer, State
from tests.support.third_party import PlainPartner, enter, match


async def ours(matchmaking: str, signaling: str) -> None:
    async with ChatPeer(matchmaking, signaling) as peer:
        await peer.start()
        await peer.wait_for(State.OPEN, 60)
        await peer.send("open")
        await peer.wait_for(State.CLOSED)


async def plain(matchmaking: str, signaling: str) -> None:
    partner = PlainPartner()
    async with enter(signaling, await match(matchmaking)) as room:
        await partner.negotiate(room)
        assert partner.channel is not None
        partner.channel.send("open")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run({"ours": ours, "plain": plain}[sys.argv[1]](*sys.argv[2:]))
