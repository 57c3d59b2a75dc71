"""The text socket between tabs of one browser, and within one, over a BroadcastChannel.

There are no ports in a browser, but all pages and Workers of a site can talk to each other over named channels
(https://html.spec.whatwg.org/multipage/web-messaging.html#broadcasting-to-other-browsing-contexts). What a server and
its clients need beyond that:

* **Who serves** (`listener`). A leader election: whoever holds the lock with the server's name
  (`p2pchat.sockets.locks`) is the leader, and serves. When it is gone the browser grants the lock to the next.
* **The listening channel**, with the server's name. A client sends a connect request there, with an id that it has just
  made, and from then on the two have a channel of their own, with that id for a name (`connection`). A server that
  begins to listen says so: whoever asked in vain asks again.
* **That the other end is gone.** Each end of a connection holds a lock, and the other requests it too: the browser
  grants it when its holder is gone. So no keepalive is needed, and a busy tab is not taken for a dead one.

What is said on the channels is in `protocol`, without I/O.
"""
