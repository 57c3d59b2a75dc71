"""The widget that brings `peer_connections.js` and the page's end of the bridge into the page of a notebook.

It shows nothing. The page runs its code as soon as it is made, displayed or not.
"""

import traitlets
from anywidget import AnyWidget

from p2pchat.webrtc.javascript import script


class PeerConnections(AnyWidget):
    """Owns the connections of this kernel; closing it closes them."""

    _esm = script("peer_connections.js") + script("bridge_page.js")

    name = traitlets.Unicode().tag(sync=True)  # of the BroadcastChannel
