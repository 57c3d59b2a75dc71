"""WebRTC by the browser that runs this Python (Pyodide), with aiortc's API: the same names, the same behaviour.

::

    your code ── RTCPeerConnection, RTCDataChannel (here: Python, with the state mirrored)
                      │ calls and events, each a message of plain values
                 browser_transports ── on a page: direct calls        ── peer_connections.js ── the browser's own
                                └── in a Worker: a BroadcastChannel ── the same file, on the page of the notebook

One thing differs from aiortc, where a browser can do more. `RTCPeerConnection.setLocalDescription` returns when all
candidates are gathered and stand in ``localDescription``, as aiortc does; but if somebody listens to ``icecandidate``,
it returns at once, and the candidates come as events while they are found (trickle ICE, RFC 8838; None at the end).
"""

import asyncio
import itertools
from contextlib import suppress
from typing import Any

from p2pchat.webrtc.browser_channel import RTCDataChannel
from p2pchat.webrtc.browser_events import PatientEmitter
from p2pchat.webrtc.browser_transports import carrier, to_javascript
from p2pchat.webrtc.browser_types import (
    InvalidStateError,
    OperationError,
    RTCConfiguration,
    RTCIceCandidate,
    RTCIceServer,
    RTCSessionDescription,
    RTCStats,
    error_from,
    ice_candidate,
)

__all__ = [
    "InvalidStateError",
    "RTCConfiguration",
    "RTCDataChannel",
    "RTCIceCandidate",
    "RTCIceServer",
    "RTCPeerConnection",
    "RTCSessionDescription",
    "ice_candidate",
]

GATHERING_TIMEOUT = 5.0  # seconds; a STUN server that does not answer holds candidates up for much longer
MAX_NAME = 65_535  # bytes of a label or protocol (W3C WebRTC, section 6.1)


class RTCPeerConnection(PatientEmitter):
    """The browser's RTCPeerConnection (W3C WebRTC, section 4.4).

    Events: ``datachannel``, ``icecandidate``, ``connectionstatechange``, ``iceconnectionstatechange``,
    ``icegatheringstatechange``, ``signalingstatechange``. Channels wait for the first listener to ``datachannel``;
    after `close` all listeners are removed, as in aiortc.
    """

    def __init__(self, configuration: RTCConfiguration | None = None) -> None:
        super().__init__(kept="datachannel")
        self._states = {
            "connectionState": "new",
            "iceConnectionState": "new",
            "iceGatheringState": "new",
            "signalingState": "stable",
        }
        self._descriptions: dict[str, RTCSessionDescription | None] = {}
        self._channels: list[RTCDataChannel] = []
        self._questions = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._gathered = asyncio.Event()
        self._failure: Exception | None = None
        self._carrier = carrier()
        self._number = self._carrier.add(self._hear)
        self._carrier.post(self._number, "new", to_javascript((configuration or RTCConfiguration()).to_init()))
        if self._failure is not None:
            raise self._failure

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

        Raises: InvalidStateError where the connection is closed, ValueError where the options do not fit together.
        """
        self._refuse_if_closed()
        if maxPacketLifeTime is not None and maxRetransmits is not None:
            raise ValueError("Cannot specify both maxPacketLifeTime and maxRetransmits")
        if negotiated and (id is None or not 0 <= id <= 65_534):
            raise ValueError("ID must be in range 0-65534 if data channel is negotiated out-of-band")
        if max(len(label.encode()), len(protocol.encode())) > MAX_NAME:
            raise ValueError(f"A label or protocol has {MAX_NAME} bytes at most")
        options = {
            "maxPacketLifeTime": maxPacketLifeTime,
            "maxRetransmits": maxRetransmits,
            "ordered": ordered,
            "protocol": protocol,
            "negotiated": negotiated,
            "id": id,
        }
        options = {name: value for name, value in options.items() if value is not None}
        channel = RTCDataChannel(self._carrier, {"readyState": "connecting", "label": label, **options})
        self._own(channel)
        self._carrier.post(self._number, "channel", channel._number, label, to_javascript(options))
        if channel._failure is not None:
            raise channel._failure
        return channel

    async def createOffer(self) -> RTCSessionDescription:
        """Make an offer. Raises: InvalidStateError where the connection is closed."""
        return _description(await self._ask("createOffer"))

    async def createAnswer(self) -> RTCSessionDescription:
        """Make an answer. Raises: InvalidStateError where there is no offer, or the connection is closed."""
        return _description(await self._ask("createAnswer"))

    async def setLocalDescription(self, sessionDescription: RTCSessionDescription | None = None) -> None:
        """Take our own offer or answer, and gather candidates; see this module's docstring for when it returns.

        Raises: InvalidStateError where it does not fit the moment.
        """
        await self._ask("setLocalDescription", _init(sessionDescription))
        if not self.listeners("icecandidate"):
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHERING_TIMEOUT):
                    await self._gathered.wait()

    async def setRemoteDescription(self, sessionDescription: RTCSessionDescription) -> None:
        """Take the other side's offer or answer.

        Raises: InvalidStateError where it does not fit the moment, ValueError or OperationError where the browser
        cannot use it.
        """
        await self._ask("setRemoteDescription", _init(sessionDescription))

    async def addIceCandidate(self, candidate: RTCIceCandidate | None) -> None:
        """Take a candidate of the other side; None for the end of candidates.

        Raises: InvalidStateError where there is no description that it could belong to, ValueError where the browser
        cannot use it.
        """
        if candidate is None:
            await self._ask("addIceCandidate")
            return
        if candidate.sdpMid is None and candidate.sdpMLineIndex is None:
            raise ValueError("Candidate must have either sdpMid or sdpMLineIndex")
        try:
            await self._ask("addIceCandidate", to_javascript(candidate.toJSON()))
        except OperationError as error:
            raise ValueError(str(error)) from error

    async def getStats(self) -> dict[str, RTCStats]:
        """What the browser counts and measures: reports by their id; none once the connection is closed."""
        if self.signalingState == "closed":
            return {}
        return {report["id"]: RTCStats.read(report) for report in await self._ask("getStats")}

    async def close(self) -> None:
        """Close the connection and its channels; a closed one stays so."""
        self._carrier.post(self._number, "close")
        self._end()

    def _own(self, channel: RTCDataChannel) -> None:
        self._channels = [*(known for known in self._channels if known.readyState != "closed"), channel]

    def _refuse_if_closed(self) -> None:
        if self.signalingState == "closed":
            raise self._failure or InvalidStateError("RTCPeerConnection is closed")

    async def _ask(self, method: str, *arguments: Any) -> Any:
        """Call a method of the browser's object that gives a promise, and wait for that."""
        self._refuse_if_closed()
        question = next(self._questions)
        answer = self._asked[question] = self._eventloop.create_future()
        try:
            self._carrier.post(self._number, "ask", question, method, *arguments)
            return await answer
        finally:
            del self._asked[question]

    def _hear(self, what: str, *rest: Any) -> None:
        match what:
            case "state":
                self._look(*rest)
            case "answer":
                question, state, *value = rest
                self._look(state)
                self._answer(question, value[0].to_py() if value and value[0] is not None else None)
            case "refused":
                question, state, name, words = rest
                self._look(state)
                self._answer(question, error_from(name, words))
            case "icecandidate":
                state, *init = rest
                self._look(state)
                candidate = RTCIceCandidate(**init[0].to_py()) if init and init[0] is not None else None
                # A turn later, so that whoever awaits `setLocalDescription` goes on before the first candidate comes.
                self._eventloop.call_soon(self._tell, "icecandidate", candidate)
            case "datachannel":
                number, state = rest
                channel = RTCDataChannel(self._carrier, state.to_py(), number)
                self._own(channel)
                self._emit_or_keep(channel)
            case "error":
                self._failure = error_from(*rest)
                self._end()
            case "gone":
                (self._failure,) = rest
                self._end()

    def _answer(self, question: int, value: Any) -> None:
        answer = self._asked.get(question)
        if answer is None or answer.done():  # whoever asked was cancelled
            return
        if isinstance(value, Exception):
            answer.set_exception(value)
        else:
            answer.set_result(value)

    def _look(self, state: Any) -> None:
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
            self._tell(f"{name.lower()}change")

    def _end(self) -> None:
        """Be closed: no event comes after this, and nobody waits for an answer that cannot come."""
        if self.signalingState == "closed":
            return
        self._carrier.remove(self._number)
        changed = ("signalingState", "iceConnectionState", "connectionState")
        self._states |= dict.fromkeys(changed, "closed")
        self._gathered.set()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(self._failure or InvalidStateError("RTCPeerConnection is closed"))
        for channel in self._channels:
            channel._turn("closed")
        for name in changed:
            self._tell(f"{name.lower()}change")
        self.remove_all_listeners()


def _description(init: dict[str, str]) -> RTCSessionDescription:
    return RTCSessionDescription(sdp=init["sdp"], type=init["type"])


def _init(description: RTCSessionDescription | None) -> Any:
    return None if description is None else to_javascript({"type": description.type, "sdp": description.sdp})
