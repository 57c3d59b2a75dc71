"""From a room to an open DataChannel: attempts to reach the stranger, and what the signaling server says meanwhile.

Mostly there is one attempt. A server that is restarted (close code 1012) before the channel is open knows nothing of
the room any more: both sides come to it again and begin anew, with a fresh attempt. One that has both descriptions
first gives its connection the time to open: then no server is needed.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from p2pchat.errors import ConnectFailed, SignalingFailed, SocketClosed
from p2pchat.messages import Accept, Bye, Connected, JsonObject, Reject
from p2pchat.peer.attempt import CLOSE_TIMEOUT, Attempt, OpenTalk, webrtc_failed
from p2pchat.peer.reconnect import SERVICE_RESTART
from p2pchat.peer.room_client import RoomClient
from p2pchat.peer.talk import Talk

OPEN_TIMEOUT = 2.0  # seconds that ICE and DTLS take at most, where two tabs of one browser are to meet


class Negotiation:
    """All attempts to reach the stranger in one room.

    Args:
        room: entered by us, and to be closed by whoever opened it.
        accept: what the server said then.
        ice_servers: W3C RTCIceServer dictionaries, used when the signaling server names none.
        open_talk: called with the open channel and whether we made it, before any message can come over it.

    Raises: SignalingFailed, if the ICE servers are not valid; ConnectFailed, if there is no WebRTC.
    """

    def __init__(
        self, room: RoomClient, accept: Accept, ice_servers: Sequence[JsonObject], open_talk: OpenTalk
    ) -> None:
        self._room = room
        self._ice_servers = ice_servers
        self._open_talk = open_talk
        self._opened: asyncio.Future[Talk] = asyncio.get_running_loop().create_future()
        self._answered = asyncio.Event()  # both descriptions were there, in this attempt or an earlier one
        self._attempt = self._new_attempt(accept)
        self._retired: set[asyncio.Task[None]] = set()  # earlier attempts that close
        self._tasks = {asyncio.create_task(self._follow(), name="p2pchat signaling")}

    async def open(self, stranger_timeout: float, connect_timeout: float) -> Talk:
        """Wait until the DataChannel is open.

        Args:
            stranger_timeout: seconds until the stranger must have sent its offer or answer.
            connect_timeout: seconds that ICE and DTLS may take after that.

        Raises: SignalingFailed, ConnectFailed.
        """
        self._opened.add_done_callback(lambda _: self._answered.set())  # open or failed: nothing more to wait for
        try:
            async with asyncio.timeout(stranger_timeout):
                await self._answered.wait()
        except TimeoutError:
            raise ConnectFailed(
                f"Your match never came: nothing from the stranger in {stranger_timeout:g} seconds. Press START again."
            ) from None
        try:
            async with asyncio.timeout(connect_timeout):
                talk = await asyncio.shield(self._opened)
        except TimeoutError:
            raise ConnectFailed(
                f"ICE failed: no way to the stranger was found within {connect_timeout:g} seconds. "
                "A firewall or a strict NAT may be between you; a TURN server would help."
            ) from None
        self._tasks.add(asyncio.create_task(self._tell_connected(talk), name="p2pchat connected"))
        return talk

    async def close(self) -> None:
        """Close the connections of all attempts."""
        if not self._opened.done():
            self._opened.cancel()
        elif not self._opened.cancelled():
            self._opened.exception()  # whoever waited has gone; asyncio need not complain
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self._attempt.close()
        if self._retired:
            await asyncio.wait(self._retired, timeout=CLOSE_TIMEOUT)

    def _new_attempt(self, accept: Accept) -> Attempt:
        return Attempt(self._room, accept, self._ice_servers, self._opened, self._open_talk)

    async def _tell_connected(self, talk: Talk) -> None:
        """Leave the signaling server as soon as the stranger is known to need it no more either.

        A third-party client may take our leaving for a goodbye: with one who speaks plain text we stay.
        """
        await talk.handshake_done.wait()
        with suppress(SocketClosed):
            await self._room.send(Connected())

    async def _follow(self) -> None:
        """Negotiate, then stay in the room until the server or `close` ends it."""
        try:
            while True:
                try:
                    await self._negotiate(self._attempt)
                except SocketClosed as error:
                    if error.code != SERVICE_RESTART or await self._opens():
                        raise
                    await self._begin_anew(error)
        except SocketClosed as error:
            if not self._attempt.descriptions_set.is_set():  # with both, ICE may find a way all the same
                self._fail(self._room.failed(f"the server went away too early ({error})"))
        except (ConnectFailed, SignalingFailed) as error:
            self._fail(error)
        except Exception as error:  # for instance ICE servers that only gathering finds not to be valid
            self._fail(webrtc_failed(error))

    async def _negotiate(self, attempt: Attempt) -> None:
        await attempt.begin()
        while True:
            match await self._room.receive():
                case Bye():  # many leave the room as soon as their channel is open
                    if not await self._opens():
                        raise ConnectFailed(
                            "The stranger left before the two of you were connected. Press START to meet another."
                        )
                case Reject(reason):
                    raise self._room.failed(f"the server sent us away: {reason}")
                case frame:
                    await attempt.receive(frame)
                    if attempt.descriptions_set.is_set():
                        self._answered.set()

    async def _opens(self) -> bool:
        """Whether the channel needs no server any more; the other side's may be open a moment before ours is."""
        if self._attempt.descriptions_set.is_set():
            await asyncio.wait({self._opened}, timeout=OPEN_TIMEOUT)
        return self._opened.done()

    async def _begin_anew(self, error: SocketClosed) -> None:
        """Retire this attempt, enter the same room of the server's successor, and make another one.

        Raises: SignalingFailed, ConnectFailed.
        """
        self._attempt.retire()
        closing = asyncio.create_task(self._attempt.close(), name="p2pchat retired")
        self._retired.add(closing)
        closing.add_done_callback(self._retired.discard)
        self._attempt = self._new_attempt(await self._room.reenter(error))

    def _fail(self, error: ConnectFailed | SignalingFailed) -> None:
        """End the waiting for the channel; once it is open, what the server says matters no more."""
        if not self._opened.done():
            self._opened.set_exception(error)
