"""WebRTC by the browser that runs this Python (Pyodide), with aiortc's API: the same names, the same behaviour.

::

    your code ── RTCPeerConnection, RTCDataChannel (here: Python, with the state mirrored)
                      │ calls and events, each a message of plain values
                 browser_transports ── on a page: direct calls        ── peer_connections.js ── the browser's own
                                └── in a Worker: a BroadcastChannel ── the same file, on the page of the notebook

A call that returns nothing to wait for (`RTCPeerConnection`, `RTCPeerConnection.createDataChannel`,
`RTCDataChannel.send`) raises what W3C WebRTC lets us check in Python, on a page and in a Worker alike. What the browser
alone can know comes later in both places: a channel is closed with an ``error`` event, a connection is closed, and
whatever is then asked of it raises the reason.

One thing differs from aiortc, where a browser can do more. `RTCPeerConnection.setLocalDescription` returns when all
candidates are gathered and stand in ``localDescription``, as aiortc does; but if somebody listens to ``icecandidate``,
it returns at once, and the candidates come as events while they are found (trickle ICE, RFC 8838; None at the end).
"""

import asyncio
import itertools
from contextlib import suppress
from typing import Any

from p2pchat.errors import InvalidStateError, OperationError
from p2pchat.webrtc.browser_channel import RTCDataChannel
from p2pchat.webrtc.browser_events import BufferingEmitter
from p2pchat.webrtc.browser_transports import to_javascript, transport
from p2pchat.webrtc.browser_types import (
    RTCConfiguration,
    RTCIceCandidate,
    RTCIceServer,
    RTCSessionDescription,
    RTCStats,
    data_channel_init,
    error_from,
    ice_candidate,
)

__all__ = [
    "InvalidStateError",
    "OperationError",
    "RTCConfiguration",
    "RTCDataChannel",
    "RTCIceCandidate",
    "RTCIceServer",
    "RTCPeerConnection",
    "RTCSessionDescription",
    "ice_candidate",
]

GATHERING_TIMEOUT = 5.0  # seconds; a STUN server that does not answer holds candidates up for much longer


class RTCPeerConnection(BufferingEmitter):
    """The browser's RTCPeerConnection (W3C WebRTC, section 4.4).

    Events: ``datachannel``, ``icecandidate``, ``connectionstatechange``, ``iceconnectionstatechange``,
    ``icegatheringstatechange``, ``signalingstatechange``. Channels wait for the first listener to ``datachannel``;
    after `close` all listeners are removed, as in aiortc.

    Raises: ValueError where the configuration names no usable ICE servers, PageMissing.
    """

    def __init__(self, configuration: RTCConfiguration | None = None) -> None:
        super().__init__(buffered="datachannel")
        self._states = {
            "connectionState": "new",
            "iceConnectionState": "new",
            "iceGatheringState": "new",
            "signalingState": "stable",
        }
        self._descriptions: dict[str, RTCSessionDescription | None] = {}
        self._channels: list[RTCDataChannel] = []
        self._call_numbers = itertools.count(1)
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._gathered = asyncio.Event()
        self._failure: Exception | None = None
        init = (configuration or RTCConfiguration()).to_init()
        self._transport = transport()
        self._number = self._transport.add(self._on_message)
        self._transport.post(self._number, "new", to_javascript(init))

    @property
    def connectionState(self) -> str:
        """new, connecting, connected, disconnected, failed or closed."""
        return self._states["connectionState"]

    @property
    def iceConnectionState(self) -> str:
        """new, checking, connected, completed, disconnected, failed or closed."""
        return self._states["iceConnectionState"]

    @property
    def iceGatheringState(self) -> str:
        """new, gathering or complete."""
        return self._states["iceGatheringState"]

    @property
    def signalingState(self) -> str:
        """stable, have-local-offer, have-remote-offer, have-local-pranswer, have-remote-pranswer or closed."""
        return self._states["signalingState"]

    @property
    def localDescription(self) -> RTCSessionDescription | None:
        """Our offer or answer, with the candidates found so far."""
        return self._descriptions.get("localDescription")

    @property
    def remoteDescription(self) -> RTCSessionDescription | None:
        """The other side's offer or answer."""
        return self._descriptions.get("remoteDescription")

    def createDataChannel(
        self,
        label: str,
        maxPacketLifeTime: int | None = None,
        maxRetransmits: int | None = None,
        ordered: bool = True,
        protocol: str = "",
        negotiated: bool = False,
        id: int | None = None,
    ) -> RTCDataChannel:
        """Make a channel (section 6.1).

        If the browser refuses it all the same, for instance because a channel that is not open yet got this ``id`` from
        the browser, the channel is closed with an ``error`` event.

        Raises: InvalidStateError where the connection is closed, ValueError where the options do not fit together, are
        out of range, or the ``id`` is in use.
        """
        self._check_not_closed()
        init = data_channel_init(label, maxPacketLifeTime, maxRetransmits, ordered, protocol, negotiated, id)
        if negotiated and any(it.id == id for it in self._channels if it.readyState != "closed"):
            raise ValueError(f"ID {id} is in use by another channel of this connection")
        channel = RTCDataChannel(self._transport, {"readyState": "connecting", "label": label, **init})
        self._add_channel(channel)
        self._transport.post(self._number, "channel", channel._number, label, to_javascript(init))
        return channel

    async def createOffer(self) -> RTCSessionDescription:
        """Make an offer. Raises: InvalidStateError where the connection is closed."""
        return _description(await self._call("createOffer"))

    async def createAnswer(self) -> RTCSessionDescription:
        """Make an answer. Raises: InvalidStateError where there is no offer, or the connection is closed."""
        return _description(await self._call("createAnswer"))

    async def setLocalDescription(self, sessionDescription: RTCSessionDescription | None = None) -> None:
        """Take our own offer or answer, and gather candidates; see this module's docstring for when it returns.

        Raises: InvalidStateError where it does not fit the moment.
        """
        await self._call("setLocalDescription", _init(sessionDescription))
        if not self.listeners("icecandidate"):
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHERING_TIMEOUT):
                    await self._gathered.wait()

    async def setRemoteDescription(self, sessionDescription: RTCSessionDescription) -> None:
        """Take the other side's offer or answer.

        Raises: InvalidStateError where it does not fit the moment, ValueError or OperationError where the browser
        cannot use it.
        """
        await self._call("setRemoteDescription", _init(sessionDescription))

    async def addIceCandidate(self, candidate: RTCIceCandidate | None) -> None:
        """Take a candidate of the other side; None for the end of candidates.

        Raises: InvalidStateError where there is no description that it could belong to, ValueError where the browser
        cannot use it.
        """
        if candidate is None:
            await self._call("addIceCandidate")
            return
        if candidate.sdpMid is None and candidate.sdpMLineIndex is None:
            raise ValueError("Candidate must have either sdpMid or sdpMLineIndex")
        try:
            await self._call("addIceCandidate", to_javascript(candidate.toJSON()))
        except OperationError as error:
            raise ValueError(str(error)) from error

    async def getStats(self) -> dict[str, RTCStats]:
        """What the browser counts and measures: reports by their id; none once the connection is closed."""
        if self.signalingState == "closed":
            return {}
        return {report["id"]: RTCStats.read(report) for report in await self._call("getStats")}

    async def close(self) -> None:
        """Close the connection and its channels; a closed one stays so."""
        self._transport.post(self._number, "close")
        self._set_closed()

    def _add_channel(self, channel: RTCDataChannel) -> None:
        self._channels = [*(known for known in self._channels if known.readyState != "closed"), channel]

    def _check_not_closed(self) -> None:
        if self.signalingState == "closed":
            raise self._failure or InvalidStateError("RTCPeerConnection is closed")

    async def _call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the browser's object that gives a promise, and wait for that."""
        self._check_not_closed()
        number = next(self._call_numbers)
        result = self._calls[number] = self._eventloop.create_future()
        try:
            self._transport.post(self._number, "ask", number, method, *arguments)
            return await result
        finally:
            del self._calls[number]

    def _on_message(self, what: str, *rest: Any) -> None:
        match what:
            case "state":
                self._update(*rest)
            case "answer":
                call, state, *value = rest
                self._update(state)
                self._settle(call, value[0].to_py() if value and value[0] is not None else None)
            case "refused":
                call, state, name, words = rest
                self._update(state)
                self._settle(call, error_from(name, words))
            case "icecandidate":
                state, *init = rest
                self._update(state)
                candidate = RTCIceCandidate(**init[0].to_py()) if init and init[0] is not None else None
                # A turn later, so that whoever awaits `setLocalDescription` goes on before the first candidate comes.
                self._eventloop.call_soon(self._emit_safely, "icecandidate", candidate)
            case "datachannel":
                number, state = rest
                channel = RTCDataChannel(self._transport, state.to_py(), number)
                self._add_channel(channel)
                self._emit_or_buffer(channel)
            case "error":
                self._failure = error_from(*rest)
                self._set_closed()
            case "gone":
                (self._failure,) = rest
                self._set_closed()

    def _settle(self, call: int, value: Any) -> None:
        result = self._calls.get(call)
        if result is None or result.done():  # whoever called was cancelled
            return
        if isinstance(value, Exception):
            result.set_exception(value)
        else:
            result.set_result(value)

    def _update(self, state: Any) -> None:
        """Mirror the browser's state, and tell of what has changed."""
        new = state.to_py()
        if self.signalingState == "closed":
            return
        for name in ("localDescription", "remoteDescription"):
            self._descriptions[name] = _description(new[name]) if new.get(name) else None
        changed = [name for name, value in self._states.items() if new[name] != value]
        self._states = {name: new[name] for name in self._states}
        if self.iceGatheringState == "complete":
            self._gathered.set()
        for name in changed:
            self._emit_safely(f"{name.lower()}change")

    def _set_closed(self) -> None:
        """Be closed: no event comes after this, and nobody waits for a result that cannot come."""
        if self.signalingState == "closed":
            return
        self._transport.remove(self._number)
        changed = ("signalingState", "iceConnectionState", "connectionState")
        self._states |= dict.fromkeys(changed, "closed")
        self._gathered.set()
        for result in self._calls.values():
            if not result.done():
                result.set_exception(self._failure or InvalidStateError("RTCPeerConnection is closed"))
        for channel in self._channels:
            channel._set_closed(self._failure)
        for name in changed:
            self._emit_safely(f"{name.lower()}change")
        self.remove_all_listeners()


def _description(init: dict[str, str]) -> RTCSessionDescription:
    return RTCSessionDescription(sdp=init["sdp"], type=init["type"])


def _init(description: RTCSessionDescription | None) -> Any:
    return None if description is None else to_javascript({"type": description.type, "sdp": description.sdp})
