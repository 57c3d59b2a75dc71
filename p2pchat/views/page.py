"""The chat as a page of its own: no Jupyter, no widgets, the same `ChatPeer`.

The page ``/chat/`` of the site (``jupyterlite/chat/``) runs this in Pyodide, on its main thread, and hands over what
draws: an object of JavaScript with the methods of `p2pchat.views.presenter.View`. Its buttons call the `Presenter`.
"""

import inspect
import sys

from p2pchat.peer import ChatPeer
from p2pchat.servers import start_servers
from p2pchat.views.presenter import MAX_CHARACTERS, MAX_LINES, Presenter, View

__all__ = ["MAX_CHARACTERS", "MAX_LINES", "lines_of_code", "open_chat"]  # what the page asks for


async def open_chat(view: View) -> Presenter:
    """Find the servers, or let the tabs of this browser be them, and make a peer.

    Raises: ServerFailed.
    """
    servers = await start_servers()
    return Presenter(ChatPeer(servers.matchmaking_url, servers.signaling_url), view)


def lines_of_code() -> int:
    """How many lines of Python of ours run here: those of each module of p2pchat that has been imported."""
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == "p2pchat"]
    return sum(len(inspect.getsource(module).splitlines()) for module in modules)
