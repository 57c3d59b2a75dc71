"""How calls reach the browser's WebRTC, and its events us: directly, or over a bridge.

`peer_connections.js` keeps the browser's objects by number and speaks in messages. On the main thread of a page its
functions are called directly. In a Worker, where browsers have no RTCPeerConnection, the same messages cross a
BroadcastChannel to the page: an anywidget there (`p2pchat.webrtc.browser_bridge`) runs the same file.

A message is posted and not answered at once, on a page neither: what the browser makes of it comes back as a message of
its own, in a later turn of the event loop.
"""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import js
from pyodide.code import run_js
from pyodide.ffi import create_proxy, to_js

from p2pchat.errors import PageMissing
from p2pchat.webrtc.javascript import script

ANSWER_TIMEOUT = 10.0  # seconds for the page to come to its end of the bridge; it may be busy showing a notebook

OnMessage = Callable[..., None]  # called with what the page says of one object: a word, and what belongs to it


class Transport:
    """Gives objects their numbers, and each object what the page says of it."""

    post: Callable[..., None]  # (number, what, …): see peer_connections.js

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._objects: dict[int, OnMessage] = {}
        self._last = 0

    def add(self, on_message: OnMessage, number: int | None = None) -> int:
        """Call ``on_message`` with what the page says of an object.

        Returns: the number of the object, a new one unless the page has given it one.
        """
        if number is None:
            self._last = number = self._last + 1
        self._objects[number] = on_message
        return number

    def remove(self, number: int) -> None:
        """Forget an object; it may have been removed before."""
        self._objects.pop(number, None)

    def _deliver(self, number: int, what: str, *rest: Any) -> None:
        on_message = self._objects.get(number)
        if on_message is not None:
            on_message(what, *rest)


class DirectTransport(Transport):
    """On the main thread of a page."""

    def __init__(self) -> None:
        super().__init__()
        peer_connections = run_js(f"{script('peer_connections.js')}\npeerConnections")
        self.post = peer_connections(create_proxy(self._deliver)).take


class BridgeTransport(Transport):
    """In a Worker. What is posted before the page is there waits for it, `ANSWER_TIMEOUT` at most."""

    def __init__(self) -> None:
        super().__init__()
        if not hasattr(js.navigator, "locks"):
            raise PageMissing(
                "This page came over plain http from another machine, where browsers withhold what a notebook's WebRTC "
                "needs (Web Locks). Open it over https, or from http://localhost."
            )
        widget = _widget_class()
        self._name = f"p2pchat.webrtc {uuid.uuid4()}"
        self._end = run_js(script("bridge_worker.js"))(self._name, create_proxy(self._deliver))
        self._pending: list[tuple[Any, ...]] = []
        self._awaited = {"locked", "here"}  # we live, and the page is there: only then can it know when we are gone
        self.post = self._post_later
        self._timeout = self._loop.call_later(ANSWER_TIMEOUT, self._on_timeout)
        self._widget = widget(name=self._name)

    def _post_later(self, *message: Any) -> None:
        self._pending.append(message)

    def _deliver(self, number: int, what: str, *rest: Any) -> None:
        if number:
            super()._deliver(number, what, *rest)
        elif what == "gone":
            self._fail(PageMissing("The page has closed this notebook's WebRTC connections: its widget is gone."))
        elif what in self._awaited:
            self._awaited.remove(what)
            if not self._awaited:
                self._timeout.cancel()
                self.post = self._end.post
                for message in ([0, "locked"], *self._pending):
                    self.post(*message)
                self._pending.clear()

    def _on_timeout(self) -> None:
        self._fail(
            PageMissing(
                f"No page answered within {ANSWER_TIMEOUT:g} seconds. This Python runs in a Worker, where browsers "
                "allow no WebRTC, and needs the page of its notebook for it. Open the notebook in a browser tab "
                "(nbconvert and its like have none), see that widgets are shown there, and try again."
            )
        )

    def _fail(self, error: PageMissing) -> None:
        """Close all objects; the next connection that is made builds a new bridge."""
        global _transport
        if _transport is self:
            _transport = None
        self._timeout.cancel()
        self.post = lambda *_: None
        self._end.close()
        for on_message in list(self._objects.values()):
            on_message("gone", error)
        self._objects.clear()
        self._widget.close()


_transport: Transport | None = None


def transport() -> Transport:
    """The one of this program, made when it is first needed.

    Raises: PageMissing in a Worker that has no widgets to reach the page with.
    """
    global _transport
    if _transport is None:
        _transport = DirectTransport() if hasattr(js, "RTCPeerConnection") else BridgeTransport()
    return _transport


def to_javascript(value: object) -> Any:
    """A JavaScript object of a dictionary, a Uint8Array of bytes."""
    return to_js(value, dict_converter=js.Object.fromEntries)


def _widget_class() -> Any:
    try:
        from p2pchat.webrtc.browser_bridge import PeerConnections  # a page without notebooks has no widgets
    except ImportError as error:
        raise PageMissing(
            "In a Worker browsers allow no WebRTC, and the page that could lend it is reached by a widget: "
            f"install anywidget here ({error})."
        ) from error
    return PeerConnections
