"""Workarounds for ICE as aioice does it, one class each; `p2pchat.webrtc.aiortc_engine` makes one class of them all.

They are subclasses: a plain ``aioice.Connection`` in the same process is not touched. The names with an
underscore that they use are aioice's own and may change with any version, so ``pyproject.toml`` bounds its version.
Each has a class of tests in ``tests/webrtc/test_workarounds.py``; they fail as well when aioice has mended the fault.
"""

import asyncio
import ipaddress
import random

from aioice import Candidate, Connection, TransportPolicy
from aioice.ice import CandidatePair
from aioice.stun import TransactionError

__all__ = ["ConsentChecksEnd", "LoopbackCandidate", "ShortConsent", "UnresolvedNames"]

LOOPBACK = "127.0.0.1"


class LoopbackCandidate(Connection):
    """Offers loopback where nothing else is to offer.

    Fault: no loopback address is gathered, so two peers on a machine without a network have no candidate at all.
    Seen in: aioice 0.13.0.
    Shown by: TestLoopbackCandidate.
    Unnecessary when: aioice gathers loopback where there is no other address.
    """

    async def get_component_candidates(self, component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:
        """Gather the candidates of one component (RFC 8445, section 5.1.1), each bound to one of the addresses."""
        if not addresses and self._transport_policy is TransportPolicy.ALL:
            addresses = [LOOPBACK]
        return await super().get_component_candidates(component, addresses, timeout)


class UnresolvedNames(Connection):
    """Looks up no name that stands for an address, and waits for the checks of whoever is behind it.

    Browsers hide their addresses behind ``.local`` names (mDNS). ICE finds them all the same, as peer-reflexive
    candidates (RFC 8445, section 7.3.1.3).

    Fault: a look-up takes a second where nobody answers, and setting the description takes as long. If there were names
    only and the candidates are at an end, aioice gathers none itself and stays "new", or fails at once if it has some:
    before a check of the other side can arrive.
    Seen in: aioice 0.13.0.
    Shown by: TestUnresolvedNames.
    Unnecessary when: aioice looks names up beside everything else, and waits before it fails as RFC 8863 asks for.
    """

    _has_hidden_candidates = False

    async def add_remote_candidate(self, remote_candidate: Candidate | None) -> None:
        """Add a candidate of the other side, or None at their end: that is no end where some stayed unknown."""
        if remote_candidate is not None and not _is_address(remote_candidate.host):
            self._has_hidden_candidates = True
        elif remote_candidate is not None or not self._has_hidden_candidates:
            await super().add_remote_candidate(remote_candidate)


class ConsentChecksEnd(Connection):
    """Starts no consent checks on a connection that is closed.

    Fault: where ICE succeeds at the very moment of closing, a closed connection is checked for ever.
    Seen in: aioice 0.13.0.
    Shown by: TestConsentChecksEnd.
    Unnecessary when: ``Connection.connect`` looks whether the connection is being closed before it starts the checks.
    """

    async def query_consent(self) -> None:
        """Ask the other side again and again whether it still takes our packets (RFC 7675, section 5.1)."""
        if not self._closing:
            await super().query_consent()


class ShortConsent(Connection):
    """Notices within some 10 s that the other side is gone, where RFC 7675 allows it 30 s.

    Fault: the peer that was killed is noticed after half a minute, and how often it is asked can only be set for the
    whole process (``aioice.ice.CONSENT_INTERVAL`` and ``CONSENT_FAILURES``).
    Seen in: aioice 0.13.0.
    Shown by: TestShortConsent.
    Unnecessary when: aioice has these two as arguments, or attributes, of a connection.
    """

    consent_interval = 2.0  # seconds from one check to the next, by a fifth more or less (RFC 7675, section 5.1)
    consent_failures = 4  # checks in a row without an answer; each waits for it 0.5 s (aioice.stun.RETRY_RTO)

    async def query_consent(self) -> None:
        """Ask the other side again and again whether it still takes our packets (RFC 7675, section 5.1)."""
        failures = 0
        while failures < self.consent_failures:
            await asyncio.sleep(self.consent_interval * random.uniform(0.8, 1.2))
            for pair in tuple(self._nominated.values()):
                failures = 0 if await self._has_consent(pair) else failures + 1
        self._query_consent_task = None  # close would cancel it and wait for it: that is, for ourselves
        await self.close()

    async def _has_consent(self, pair: CandidatePair) -> bool:
        assert self.remote_password is not None, "which is there before anything can be nominated"
        check = self.build_request(pair, nominate=False)
        key = self.remote_password.encode()
        try:
            await pair.protocol.request(check, pair.remote_addr, integrity_key=key, retransmissions=0)
        except TransactionError:
            return False
        return True


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
