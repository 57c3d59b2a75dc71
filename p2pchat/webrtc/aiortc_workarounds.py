"""Workarounds for aiortc, one class each; `p2pchat.webrtc.aiortc_engine` makes one class of them all.

They are subclasses: a plain ``aiortc.RTCPeerConnection`` in the same process is not touched. The names with an
underscore that they use are aiortc's own and may change with any version, so ``pyproject.toml`` bounds its version.
Each has a class of tests in ``tests/webrtc/test_workarounds.py``; they fail as well when aiortc has mended the fault.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

from aioice import Connection
from aiortc import (
    InvalidStateError,
    RTCConfiguration,
    RTCDataChannel,
    RTCDtlsTransport,
    RTCPeerConnection,
    RTCSctpTransport,
    RTCSessionDescription,
)
from aiortc.rtcsctptransport import Chunk, DataChunk

__all__ = [
    "ClosedForGood",
    "LostPackets",
    "NoDefaultIceServers",
    "OwnTransports",
    "PacketsAsBuffered",
    "WholeGathering",
]

GATHERING_TIMEOUT = 5.0  # seconds for one who is cancelled; a STUN server that is silent takes as long

MIN_PACKET = 768  # bytes that Linux takes of a socket's receive buffer for the smallest of packets (measured)


class OwnTransports(RTCPeerConnection):
    """Has an ICE connection and an SCTP transport of classes that a subclass names.

    Fault: aiortc makes both itself, and nothing that is documented says of which class. So this takes what was just
    made, in the two methods that make it, and changes its class: to a subclass without an ``__init__`` of its own.
    Seen in: aiortc 1.16.0.
    Shown by: TestOwnTransports.
    Unnecessary when: an RTCPeerConnection can be told which classes to use, or there are no workarounds for them.
    """

    ice_connection: type[Connection] = Connection
    sctp_transport: type[RTCSctpTransport] = RTCSctpTransport

    def _RTCPeerConnection__createDtlsTransport(self) -> RTCDtlsTransport:
        made: RTCDtlsTransport = super()._RTCPeerConnection__createDtlsTransport()  # type: ignore[misc]
        made.transport.iceGatherer._connection.__class__ = self.ice_connection
        return made

    def _RTCPeerConnection__createSctpTransport(self) -> None:
        super()._RTCPeerConnection__createSctpTransport()  # type: ignore[misc]
        assert self.sctp is not None
        self.sctp.__class__ = self.sctp_transport


class NoDefaultIceServers(RTCPeerConnection):
    """Asks no server where none is named, as the W3C has it (section 4.2.1: ``iceServers`` is empty by default).

    Fault: without ``iceServers`` a public STUN server is asked, and awaited for 5 s where there is no way out.
    Seen in: aiortc 1.16.0.
    Shown by: TestNoDefaultIceServers.
    Unnecessary when: ``RTCIceGatherer.getDefaultIceServers`` gives none.
    """

    def __init__(self, configuration: RTCConfiguration | None = None) -> None:
        configuration = configuration or RTCConfiguration()
        super().__init__(replace(configuration, iceServers=configuration.iceServers or []))


class ClosedForGood(RTCPeerConnection):
    """Makes no channel once it is closed.

    Fault: ``createDataChannel`` gives a channel of a closed connection, which stays "connecting".
    Seen in: aiortc 1.16.0.
    Shown by: TestClosedForGood.
    Unnecessary when: aiortc raises InvalidStateError here, as for its other methods.
    """

    def createDataChannel(self, *args: Any, **options: Any) -> RTCDataChannel:
        """Make a channel (W3C WebRTC, section 6.1). Raises: InvalidStateError where the connection is closed."""
        if self.signalingState == "closed":
            raise InvalidStateError("RTCPeerConnection is closed")
        return super().createDataChannel(*args, **options)


class WholeGathering(RTCPeerConnection):
    """Gathers to the end, also for one who is cancelled meanwhile.

    Fault: who is cancelled half-way leaves sockets open that `close` knows nothing of.
    Seen in: aiortc 1.16.0 with aioice 0.13.0.
    Shown by: TestWholeGathering.
    Unnecessary when: aioice closes the sockets of a gathering that is cancelled, or knows each from its beginning.
    """

    async def setLocalDescription(self, sessionDescription: RTCSessionDescription | None = None) -> None:
        """Take our own offer or answer, made now if none is given (W3C WebRTC, section 4.4.1.5), and gather candidates.

        Raises: InvalidStateError where it does not fit the moment.
        """
        gathering = asyncio.ensure_future(super().setLocalDescription(sessionDescription))
        try:
            await asyncio.shield(gathering)
        except asyncio.CancelledError:
            await asyncio.wait({gathering}, timeout=GATHERING_TIMEOUT)
            raise


class PacketsAsBuffered(RTCSctpTransport):
    """Counts no packet as less than it takes in the receiver's buffer.

    Fault: the congestion window counts the bytes of messages alone. Of messages of four bytes a thousand packets fit
    into it, far more than the system's buffer for a UDP socket holds; most were lost, and each loss waits a second to
    be repaired: 10,000 short messages in one go took minutes.
    Seen in: aiortc 1.16.0.
    Shown by: TestPacketsAsBuffered.
    Unnecessary when: aiortc counts what a packet costs, or bundles short messages (RFC 9260, section 6.10).
    """

    def _flight_size_increase(self, chunk: DataChunk) -> None:
        chunk._book_size = max(chunk._book_size, MIN_PACKET)
        super()._flight_size_increase(chunk)


class LostPackets(RTCSctpTransport):
    """Takes a packet that DTLS does not send any more as lost, which SCTP is made for.

    Fault: where the other side closes while something waits to be sent, a task of aiortc's own ends with an error that
    nobody can catch: "Task exception was never retrieved … Cannot send encrypted data, not connected".
    Seen in: aiortc 1.16.0.
    Shown by: TestLostPackets.
    Unnecessary when: the tasks that RTCSctpTransport starts expect a ConnectionError.
    """

    async def _send_chunk(self, chunk: Chunk) -> None:
        with suppress(ConnectionError):
            await super()._send_chunk(chunk)
