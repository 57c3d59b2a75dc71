"""One socket for text frames, whatever its transport.

Everybody else knows only what stands here; which transport is behind it is a matter of this package alone:

* in CPython `websockets` (`p2pchat.sockets.websocket`), and `listen` puts a server on a port;
* in a browser `js.WebSocket` (`p2pchat.sockets.js_websocket`) for ``ws:`` and ``wss:``, and a BroadcastChannel
  (`p2pchat.sockets.tabs`) for ``tabs:``, where `listen` puts a server: there are no ports in a browser.
"""

import sys

from p2pchat.sockets.text_socket import TABS, Listener, TextSocket

if sys.platform == "emscripten":
    from p2pchat.sockets.browser import connect, listen
else:
    from p2pchat.sockets.listening import listen
    from p2pchat.sockets.websocket import connect

__all__ = ["TABS", "Listener", "TextSocket", "connect", "listen"]
