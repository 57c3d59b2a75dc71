"""A chat peer, from START to goodbye: `ChatPeer`, what it tells of, and how long it waits for what."""

from p2pchat.peer.chat_peer import MATCHMAKING_URL, SIGNALING_URL, ChatPeer

__all__ = ["MATCHMAKING_URL", "SIGNALING_URL", "ChatPeer"]
