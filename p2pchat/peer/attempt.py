"""One attempt to reach the stranger: a peer connection, its one channel, and candidates that came too early.

Who finds somebody in the room makes the offer and opens the channel, the other one answers. Candidates travel as they
are found, where the engine finds them one by one (trickle ICE, RFC 8838). On both ways they may be early: ours wait
until our description is out, and the stranger's wait until both descriptions are there.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from p2pchat.errors import ConnectFailed, SocketClosed
from p2pchat.messages import Accept, Answer, Candidate, JsonObject, Offer, SignalingFrame
from p2pchat.peer.conversation import LABEL, PROTOCOL
from p2pchat.peer.room_client import RoomClient
from p2pchat.peer.talk import Talk
from p2pchat.webrtc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
    ice_candidate,
)

CLOSE_TIMEOUT = 5.0  # seconds for an engine to say goodbye; aiortc waits as long for a STUN server that is silent
MAX_EARLY_MESSAGES = 16  # kept until the channel is open; ours send one, a Hello (our choice)
MAX_PENDING_CANDIDATES = 200  # kept while a description is missing: twice what ICE may check (RFC 8445, 6.1.2.5)

OpenTalk: TypeAlias = Callable[[RTCDataChannel, bool], Talk]  # with the open channel, and whether we made it


class Attempt:
    """One attempt to reach the stranger; another one is another object.

    Args:
        room: where frames to the stranger go.
        accept: what the server said when we entered the room.
        ice_servers: W3C RTCIceServer dictionaries, used when ``accept`` names none.
        opened: resolved with the talk as soon as the channel is open, or with why it will never be.
        open_talk: begins the talk on an open channel, before any message can come over it.

    Raises: SignalingFailed, if the ICE servers are not valid; ConnectFailed, if there is no WebRTC.
    """

    def __init__(
        self,
        room: RoomClient,
        accept: Accept,
        ice_servers: Sequence[JsonObject],
        opened: "asyncio.Future[Talk]",
        open_talk: OpenTalk,
    ) -> None:
        self._room = room
        self._offers = accept.exists
        self._opened = opened
        self._open_talk = open_talk
        self._channel: RTCDataChannel | None = None
        self._talk: Talk | None = None
        self._pending: list[JsonObject] = []  # candidates of the stranger
        self._sending: set[asyncio.Task[None]] = set()  # candidates of ours
        self._description_sent = asyncio.Event()
        self.descriptions_set = asyncio.Event()  # both: from here on ICE can do without the server
        try:
            servers = [RTCIceServer(**_ice_server(server)) for server in accept.ice_servers or ice_servers]
            self._connection = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        except (KeyError, TypeError, ValueError) as error:
            raise room.failed(f"the server names ICE servers that cannot be used ({error})") from None
        except Exception as error:  # whatever it raises where there is no WebRTC
            raise webrtc_failed(error) from error
        self._connection.on("datachannel", self._take_channel)
        self._connection.on("icecandidate", self._trickle)
        self._connection.on("connectionstatechange", self._on_connection_state)

    async def begin(self) -> None:
        """Make the offer, if that is our part. Raises: SocketClosed."""
        if self._offers:
            self._take_channel(self._connection.createDataChannel(LABEL, protocol=PROTOCOL), ours=True)
            await self._send_description(Offer)

    async def receive(self, frame: SignalingFrame) -> None:
        """Take a frame of the stranger. Raises: ConnectFailed, if it cannot be used; SocketClosed."""
        try:
            match frame:
                case Offer(sdp):
                    await self._connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
                    await self._send_description(Answer)
                    await self._add_pending()
                case Answer(sdp):
                    await self._connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
                    await self._add_pending()
                case Candidate(ice) if ice is not None:  # their end is nothing to wait for: the timeouts end it
                    if self.descriptions_set.is_set():
                        await self._add(ice)
                    elif len(self._pending) < MAX_PENDING_CANDIDATES:
                        self._pending.append(ice)
        except SocketClosed:
            raise
        except Exception as error:  # there is no end of what an engine raises at a description that makes no sense
            kind, why = type(frame).__name__.lower(), str(error) or repr(error)
            raise ConnectFailed(
                f"The stranger's {kind} could not be used: {why}. Press START to meet another stranger."
            ) from error

    def retire(self) -> None:
        """Take no more part: nothing that the connection still tells is listened to, and no candidate is sent."""
        self._connection.remove_all_listeners()
        if self._channel is not None and self._talk is None:
            self._channel.remove_all_listeners()
        for task in self._sending:
            task.cancel()

    async def close(self) -> None:
        """Retire, and close the connection."""
        self.retire()
        if self._sending:
            await asyncio.wait(self._sending)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._connection.close()

    async def _send_description(self, kind: type[Offer] | type[Answer]) -> None:
        await self._connection.setLocalDescription()
        assert self._connection.localDescription is not None
        await self._room.send(kind(self._connection.localDescription.sdp))
        self._description_sent.set()

    # --- candidates ---------------------------------------------------------------------------------------------

    def _trickle(self, candidate: Any) -> None:
        task = asyncio.ensure_future(self._send_candidate(candidate))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send_candidate(self, candidate: Any) -> None:
        await self._description_sent.wait()
        with suppress(SocketClosed):
            await self._room.send(Candidate(None if candidate is None else candidate.toJSON()))

    async def _add_pending(self) -> None:
        self.descriptions_set.set()
        for ice in self._pending:
            await self._add(ice)
        self._pending.clear()

    async def _add(self, ice: JsonObject) -> None:
        with suppress(ValueError):  # one candidate that cannot be read; there are others
            if (candidate := ice_candidate(ice)) is not None:
                await self._connection.addIceCandidate(candidate)

    # --- the channel --------------------------------------------------------------------------------------------

    def _take_channel(self, channel: RTCDataChannel, ours: bool = False) -> None:
        """Take the one channel of this chat; a stranger that opens more of them is not listened to."""
        if self._channel is not None:
            return
        self._channel = channel
        early: list[str | bytes] = []

        def on_message(data: str | bytes) -> None:
            """The other side may send before what opens our channel has come (RFC 8832, section 6): Firefox does."""
            if len(early) < MAX_EARLY_MESSAGES:
                early.append(data)

        def on_open() -> None:
            channel.remove_listener("message", on_message)
            if not self._opened.done():
                self._talk = self._open_talk(channel, ours)
                self._opened.set_result(self._talk)
                for data in early:
                    self._talk.receive(data)

        channel.on("message", on_message)
        channel.on("open", on_open)
        if channel.readyState == "open":
            on_open()

    def _on_connection_state(self) -> None:
        if self._connection.connectionState not in ("failed", "closed"):
            return
        if self._talk is not None:
            self._talk.lost()
        elif not self._opened.done():
            self._opened.set_exception(
                ConnectFailed(
                    "ICE failed: none of the ways to the stranger that were tried works. "
                    "A firewall or a strict NAT may be between you; a TURN server would help."
                )
            )


def webrtc_failed(error: Exception) -> ConnectFailed:
    """What to tell a person where the engine of this side failed."""
    return ConnectFailed(f"This side's WebRTC could not be set up: {error!r}. Press START to try again.")


def _ice_server(server: JsonObject) -> JsonObject:
    """What of a W3C RTCIceServer dictionary (section 4.2.4) an engine takes."""
    return {"urls": server["urls"]} | {key: server[key] for key in ("username", "credential") if server.get(key)}
