"""From START to MATCH: standing in the line of a matchmaking server, and again in that of its successor."""

import asyncio
from collections.abc import Callable

from p2pchat.errors import FrameError, MatchmakingFailed, SocketClosed, SocketError, SocketNotOpened
from p2pchat.messages import Join, Match, parse_match
from p2pchat.peer.reconnect import Reconnect
from p2pchat.peer.timeouts import Timeouts
from p2pchat.sockets import TABS, TextSocket, connect


async def find_stranger(
    url: str, join: Join, timeouts: Timeouts, on_joined: Callable[[], None], on_lonely: Callable[[], None]
) -> tuple[Match, asyncio.Task[None]]:
    """Ask the matchmaking server at ``url`` for a stranger, and wait until it names a room.

    If the server is restarted meanwhile (close code 1012), we join again, within the same timeouts.

    Args:
        on_joined: called once, when the place in the line is taken.
        on_lonely: called once, if nobody has come after ``timeouts.lonely`` seconds.

    Returns: the match, and the task that closes the socket. Nobody need wait for it to go on to the room: some servers
        never answer a close.

    Raises: MatchmakingFailed.
    """
    try:
        socket: TextSocket = await connect(url, timeouts.server)
    except SocketNotOpened as error:
        raise _failed(url, f"cannot be reached: {error.reason}") from None
    lonely = asyncio.get_running_loop().call_later(timeouts.lonely, on_lonely)
    closing: asyncio.Task[None] | None = None
    reconnect = Reconnect(url, timeouts.server)
    joined = False
    try:
        async with asyncio.timeout(timeouts.match):
            while True:
                try:
                    await socket.send(join.to_json())
                    if not joined:
                        joined = True
                        on_joined()
                    match = parse_match(await socket.recv())
                    break
                except SocketClosed as error:
                    socket = await reconnect.after(error)
        closing = asyncio.create_task(socket.close(), name="p2pchat closing")
        return match, closing
    except SocketError as error:
        raise _failed(url, f"sent us away ({error})") from None
    except FrameError as error:
        raise _failed(url, f"said something that cannot be read ({error})") from None
    except TimeoutError:
        raise MatchmakingFailed(f"Nobody came within {timeouts.match:g} seconds. Press START to wait again.") from None
    finally:
        lonely.cancel()
        if closing is None:
            await socket.close()


def _failed(url: str, why: str) -> MatchmakingFailed:
    starts = "await start_servers()" if url.startswith(TABS) else "p2pchat serve"
    return MatchmakingFailed(f"The matchmaking server at {url} {why}. Is it running? `{starts}` starts one.")
