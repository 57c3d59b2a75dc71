"""From a room to an open DataChannel: offer, answer and candidates through the signaling server.

Who finds somebody in the room makes the offer and opens the channel, the other one answers. Candidates travel as they
are found, where the engine finds them one by one (trickle ICE, RFC 8838), and wait here when they come before the
description that they belong to.

A server that is restarted (close code 1012) before the channel is open knows nothing of the room any more: both sides
come to it again and begin anew, with a fresh connection. One that has both descriptions first gives its connection
the time to open: then no server is needed.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from p2pchat.errors import ConnectFailed, FrameError, SignalingFailed, SocketClosed, SocketError
from p2pchat.messages import (
    Accept,
    Answer,
    Bye,
    Candidate,
    Connected,
    JsonObject,
    Offer,
    Ping,
    Pong,
    Register,
    Reject,
    SignalingFrame,
    parse_signaling,
)
from p2pchat.peer.conversation import LABEL, PROTOCOL
from p2pchat.peer.reconnect import SERVICE_RESTART, Reconnect
from p2pchat.sockets import TextSocket, connect
from p2pchat.webrtc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
    ice_candidate,
)

CLOSE_TIMEOUT = 5.0  # seconds for an engine to say goodbye
OPEN_TIMEOUT = 2.0  # seconds that ICE and DTLS take at most, where two tabs of one browser are to meet
MAX_PENDING_CANDIDATES = 200  # kept while the description they belong to is not there


class Negotiation:
    """One attempt to reach the stranger in one room.

    Args:
        url: of the signaling server.
        room: the room id that both were given.
        ice_servers: W3C RTCIceServer dictionaries, used when the signaling server names none.
        on_channel: called with the DataChannel and whether we opened it, before any message can come over it; and
            again with another one, if the server was restarted before the first was open.
        on_lost: called when the connection under the channel broke or was closed.
        report: called with (sent, frame) for each signaling frame.
    """

    def __init__(
        self,
        url: str,
        room: str,
        ice_servers: Sequence[JsonObject],
        on_channel: Callable[[RTCDataChannel, bool], None],
        on_lost: Callable[[], None],
        report: Callable[[bool, SignalingFrame], None],
    ) -> None:
        self._url = url
        self._room = room
        self._ice_servers = ice_servers
        self._on_channel = on_channel
        self._on_lost = on_lost
        self._report = report
        self._socket: TextSocket | None = None
        self._connection: RTCPeerConnection | None = None
        self._channel: RTCDataChannel | None = None
        self._reader: asyncio.Task[None] | None = None
        self._timeout = 0.0  # seconds for the server to answer
        self._reconnect: Reconnect | None = None
        self._retired: set[asyncio.Task[None]] = set()  # closing the connections of earlier attempts
        self._early: list[JsonObject] = []
        self._described_us = asyncio.Event()  # our description is out, and candidates may follow it
        self._has_both = False  # both descriptions are there, in this attempt
        self._sending: set[asyncio.Task[None]] = set()
        self._answered = asyncio.Event()  # both descriptions are there, or were once
        self._open: asyncio.Future[RTCDataChannel] = asyncio.get_running_loop().create_future()

    async def enter(self, timeout: float) -> None:
        """Enter the room; who comes second makes the offer.

        Raises: SignalingFailed.
        """
        self._timeout = timeout
        self._reconnect = Reconnect(self._url, timeout)
        try:
            async with asyncio.timeout(timeout):
                self._socket = await connect(self._url, timeout)
                accept = await self._register()
        except TimeoutError:
            raise self._failed(f"no answer within {timeout:g} seconds") from None
        except SocketError as error:
            raise self._failed(error.reason or str(error)) from None
        self._reader = asyncio.create_task(self._follow(accept), name="p2pchat signaling")

    async def open(self, stranger_timeout: float, connect_timeout: float) -> RTCDataChannel:
        """Wait until the DataChannel is open.

        Args:
            stranger_timeout: seconds until the stranger must have sent its offer or answer.
            connect_timeout: seconds that ICE and DTLS may take after that.

        Raises: SignalingFailed, ConnectFailed.
        """
        self._open.add_done_callback(lambda _: self._answered.set())  # open or failed: nothing more to wait for
        try:
            async with asyncio.timeout(stranger_timeout):
                await self._answered.wait()
        except TimeoutError:
            raise ConnectFailed(
                f"Your match never came: nothing from the stranger in {stranger_timeout:g} seconds. Press START again."
            ) from None
        try:
            async with asyncio.timeout(connect_timeout):
                return await asyncio.shield(self._open)
        except TimeoutError:
            raise ConnectFailed(
                f"ICE failed: no way to the stranger was found within {connect_timeout:g} seconds. "
                "A firewall or a strict NAT may be between you; a TURN server would help."
            ) from None

    async def connected(self) -> None:
        """Tell the signaling server that it is needed no more."""
        with suppress(SocketClosed):
            await self._send(Connected())

    async def close(self) -> None:
        """Close the peer connection and leave the room."""
        for task in (self._reader, *self._sending):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        if not self._open.done():
            self._open.cancel()
        elif not self._open.cancelled():
            self._open.exception()  # whoever waited has gone; asyncio need not complain
        if self._connection is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._connection.close()
        if self._retired:
            await asyncio.wait(self._retired, timeout=CLOSE_TIMEOUT)
        if self._socket is not None:
            await self._socket.close()

    async def _register(self) -> Accept:
        """Enter the room; if the server is restarted meanwhile, that of its successor."""
        assert self._reconnect is not None
        while True:
            try:
                await self._send(Register(self._room, standalone=True))
                return await self._accepted()
            except SocketClosed as error:
                self._socket = await self._reconnect.after(error)

    async def _accepted(self) -> Accept:
        while True:
            match await self._receive():
                case Accept() as accept:
                    return accept
                case Reject(reason):
                    raise self._failed(f"it refused us: {reason}")
                case Ping():
                    await self._send(Pong())

    async def _follow(self, accept: Accept) -> None:
        """Negotiate, then stay in the room until the server or `close` ends it."""
        try:
            while True:
                try:
                    await self._negotiate(accept)
                except SocketClosed as error:
                    if error.code != SERVICE_RESTART or await self._opens():
                        raise
                    accept = await self._begin_anew(error)
        except SocketError as error:
            if not self._has_both:  # with both descriptions, ICE may find a way all the same
                self._fail(self._failed(f"it went away too early ({error})"))
        except (ConnectFailed, SignalingFailed) as error:
            self._fail(error)
        except Exception as error:  # for instance ICE servers that only gathering finds to be none
            self._fail(ConnectFailed(f"This side's WebRTC could not be set up: {error!r}."))

    async def _negotiate(self, accept: Accept) -> NoReturn:
        connection = self._connection = self._new_connection(accept)
        if accept.exists:
            self._adopt(connection.createDataChannel(LABEL, protocol=PROTOCOL), connection, ours=True)
            await connection.setLocalDescription()
            await self._describe(Offer(connection.localDescription.sdp))
        while True:
            await self._handle(await self._receive(), connection)

    async def _opens(self) -> bool:
        """Whether the channel needs no server any more; the other side's may be open a moment before ours is."""
        if self._has_both:
            await asyncio.wait({self._open}, timeout=OPEN_TIMEOUT)
        return self._open.done()

    async def _begin_anew(self, error: SocketClosed) -> Accept:
        """Retire the connection, and enter the same room of the server's successor. Raises: SocketError."""
        assert self._reconnect is not None
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            closing = asyncio.ensure_future(connection.close())
            self._retired.add(closing)
            closing.add_done_callback(self._retired.discard)
        for task in self._sending:
            task.cancel()
        self._described_us.clear()
        self._has_both = False
        self._early.clear()
        try:
            async with asyncio.timeout(self._timeout):
                self._socket = await self._reconnect.after(error)
                return await self._register()
        except TimeoutError:
            raise self._failed(f"it was restarted, and did not answer within {self._timeout:g} seconds") from None

    def _new_connection(self, accept: Accept) -> RTCPeerConnection:
        servers = accept.ice_servers or self._ice_servers
        try:
            ice_servers = [RTCIceServer(**_ice_server(server)) for server in servers]
            connection = RTCPeerConnection(RTCConfiguration(iceServers=ice_servers))
        except (KeyError, TypeError, ValueError) as error:
            raise self._failed(f"it names ICE servers that cannot be used ({error})") from None

        def trickle(candidate: Any) -> None:
            if connection is self._connection:
                self._trickle(candidate)

        def watch() -> None:
            if connection is self._connection and connection.connectionState in ("failed", "closed"):
                self._fail(ConnectFailed("ICE failed: none of the ways to the stranger that were tried works."))
                self._on_lost()

        connection.on("datachannel", lambda channel: self._adopt(channel, connection))
        connection.on("icecandidate", trickle)
        connection.on("connectionstatechange", watch)
        return connection

    def _adopt(self, channel: RTCDataChannel, connection: RTCPeerConnection, ours: bool = False) -> None:
        """Take the one channel of this chat; a stranger that opens more of them is not listened to."""
        if self._channel is not None or connection is not self._connection:
            return
        self._channel = channel
        self._on_channel(channel, ours)

        def opened() -> None:
            if not self._open.done() and channel is self._channel:
                self._open.set_result(channel)

        channel.on("open", opened)
        if channel.readyState == "open":
            opened()

    def _trickle(self, candidate: Any) -> None:
        task = asyncio.ensure_future(self._send_candidate(candidate))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send_candidate(self, candidate: Any) -> None:
        await self._described_us.wait()
        with suppress(SocketClosed):
            await self._send(Candidate(None if candidate is None else candidate.toJSON()))

    async def _handle(self, frame: SignalingFrame, connection: RTCPeerConnection) -> None:
        try:
            match frame:
                case Offer(sdp):
                    await connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
                    await connection.setLocalDescription()
                    await self._describe(Answer(connection.localDescription.sdp))
                    await self._described(connection)
                case Answer(sdp):
                    await connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
                    await self._described(connection)
                case Candidate(ice) if ice is not None:
                    if self._has_both:
                        await self._add(ice, connection)
                    elif len(self._early) < MAX_PENDING_CANDIDATES:
                        self._early.append(ice)
                case Ping():
                    await self._send(Pong())
                case Bye():  # many leave the room as soon as their channel is open
                    if not await self._opens():
                        raise ConnectFailed("The stranger left before the two of you were connected.")
                case Reject(reason):
                    raise self._failed(f"it sent us away: {reason}")
        except (ConnectFailed, SignalingFailed, SocketError):
            raise
        except Exception as error:  # there is no end of what an engine raises at a description that makes no sense
            kind = type(frame).__name__.lower()
            raise ConnectFailed(f"The stranger's {kind} could not be used: {error or 'not now'}.") from error

    async def _describe(self, frame: Offer | Answer) -> None:
        await self._send(frame)
        self._described_us.set()

    async def _described(self, connection: RTCPeerConnection) -> None:
        self._has_both = True
        self._answered.set()
        for ice in self._early:
            await self._add(ice, connection)
        self._early.clear()

    async def _add(self, ice: JsonObject, connection: RTCPeerConnection) -> None:
        with suppress(ValueError):  # one candidate that cannot be read; there are others
            if (candidate := ice_candidate(ice)) is not None:
                await connection.addIceCandidate(candidate)

    def _fail(self, error: ConnectFailed | SignalingFailed) -> None:
        """End the waiting for the channel; once it is open, what the server says matters no more."""
        if not self._open.done():
            self._open.set_exception(error)

    def _failed(self, why: str) -> SignalingFailed:
        return SignalingFailed(f"The signaling server at {self._url} did not do its part: {why}.")

    async def _send(self, frame: SignalingFrame) -> None:
        assert self._socket is not None
        self._report(True, frame)
        await self._socket.send(frame.to_json())

    async def _receive(self) -> SignalingFrame:
        """The next frame; what cannot be read is passed over, as the protocol asks of clients."""
        assert self._socket is not None
        while True:
            try:
                frame = parse_signaling(await self._socket.recv())
            except FrameError:
                continue
            self._report(False, frame)
            return frame


def _ice_server(server: JsonObject) -> JsonObject:
    """What of a W3C RTCIceServer dictionary (section 4.2.4) an engine takes."""
    return {"urls": server["urls"]} | {key: server[key] for key in ("username", "credential") if server.get(key)}
