"""Reasons in words: as a close frame can carry them, and as the log may keep them."""

import re

MAX_REASON = 123  # bytes in a close frame (RFC 6455, section 5.5)


def shortened(reason: str) -> str:
    """The reason, cut to what a close frame holds."""
    return reason.encode()[:MAX_REASON].decode(errors="ignore")


def without_quotes(reason: str) -> str:
    """The reason as the log may keep it: what a client said is left out, for an address may be in it.

    A single word is kept, as in ``"user_id" is missing``.
    """
    return re.sub(
        r'"(?:\\.|[^"\\])*(?:"|$)',
        lambda quoted: quoted[0] if quoted[0].strip('"').isidentifier() else '"…"',
        reason,
    )
