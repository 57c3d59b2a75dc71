"""The load, in a process of its own: ``load.py pairs|relay|idle URL SECONDS CLIENTS``; it prints one line of JSON.

* ``pairs``: each client joins the matchmaking line, waits for its MATCH, closes, waits until the server has closed too,
  and begins again.
* ``relay``: half as many rooms as clients, and in each one frame that goes to and fro.
* ``idle``: all join the line as one user, so nobody is matched; then it prints, and holds them until its input ends.

It is a client of a hundred lines and not of a library, so that the server is what is measured. It offers compression
as a browser does, and uses it where the server accepts. (A frame compressed once with no look back at others is
valid every time, RFC 7692. And a masking key of zeros leaves the bytes as they are, RFC 6455.)
"""

import asyncio
import json
import os
import sys
import time
import zlib
from collections.abc import Callable
from typing import Any, NoReturn, cast
from urllib.parse import urlsplit

TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A
COMPRESSED = 0x40
JOIN = '{"user_id":"%s","created_at":"2026-01-31T12:00:00Z"}'
CANDIDATE = "a=candidate:%032x 1 udp 2130706431 192.0.2.1 50000 typ host"
SDP = "\r\n".join(["v=0", *(CANDIDATE % number for number in range(11))])
OFFER = json.dumps({"type": "offer", "sdp": SDP}, separators=(",", ":"))  # about 1.2 KB


class Client(asyncio.Protocol):
    """One WebSocket. ``heard`` is called with each text frame of the server, ``lost`` when the connection is gone."""

    def __init__(
        self, url: str, first: str, heard: Callable[["Client"], None], lost: Callable[["Client"], None]
    ) -> None:
        self._first = first
        self._heard = heard
        self._lost = lost
        self._buffer = b""
        self._upgraded = False
        self.compressed = False
        self.told = "nothing"  # by the server, in its close frame
        address = urlsplit(url)
        self._request = (
            f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
        ).encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data
        if not self._upgraded:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            if b" 101 " not in head:
                raise RuntimeError(f"refused: {head!r}")
            self._upgraded = True
            self.compressed = b"permessage-deflate" in head
            self.transport.write(frame(self._first, self.compressed))
        while len(data) >= 2:
            length, begin = data[1], 2
            if length == 126:
                length, begin = int.from_bytes(data[2:4]), 4
            if len(data) < begin + length:
                break
            opcode, payload, data = data[0] & ~COMPRESSED, data[begin : begin + length], data[begin + length :]
            if opcode == TEXT:
                self._heard(self)
            elif opcode == CLOSE:
                self.told = payload[2:].decode()
            elif opcode == PING:
                self.transport.write(_masked(PONG, payload))
        self._buffer = data

    def close(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_masked(CLOSE, b"\x03\xe8"))  # 1000

    def connection_lost(self, error: Exception | None) -> None:
        self._lost(self)


def frame(text: str, compressed: bool) -> bytes:
    payload = text.encode()
    if not compressed:
        return _masked(TEXT, payload)
    deflate = zlib.compressobj(wbits=-15)
    payload = deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return _masked(TEXT | COMPRESSED, payload[:-4])


def _masked(head: int, payload: bytes) -> bytes:
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2)
    return bytes([head]) + length + bytes(4) + payload


async def connect(url: str, first: str, heard: Callable[[Client], None], lost: Callable[[Client], None]) -> Client:
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    _, client = await asyncio.get_running_loop().create_connection(
        lambda: Client(url, first, heard, lost), address.hostname, address.port
    )
    return client


async def pairs(url: str, seconds: float, clients: int) -> dict[str, float]:
    matches = 0

    def heard(client: Client) -> None:
        nonlocal matches
        matches += 1
        client.close()

    async def stranger(number: int) -> None:
        while time.perf_counter() < until:
            gone = asyncio.Event()

            def lost(_: Client, gone: asyncio.Event = gone) -> None:
                gone.set()

            await connect(url, JOIN % f"user {number}", heard, lost)
            await gone.wait()

    began = time.perf_counter()
    until = began + seconds
    strangers = [asyncio.create_task(stranger(number)) for number in range(clients)]
    await asyncio.sleep(seconds)
    rate = matches / 2 / (time.perf_counter() - began)
    for task in strangers:  # at the end some wait for a match that nobody is left for
        task.cancel()
    return {"per_second": rate}


async def relay(url: str, seconds: float, clients: int) -> dict[str, float]:
    latencies: list[float] = []
    others: dict[Client, Client] = {}
    sent: dict[Client, float] = {}
    accepted: dict[Client, asyncio.Event] = {}
    offers = {compressed: frame(OFFER, compressed) for compressed in (False, True)}

    def heard(client: Client) -> None:
        if client not in others:
            accepted.setdefault(client, asyncio.Event()).set()
            return
        now = time.perf_counter()
        if now > until:
            return
        latencies.append(now - sent[others[client]])
        sent[client] = now
        client.transport.write(offers[client.compressed])

    def lost(client: Client) -> None:
        if not until or time.perf_counter() < until:
            raise RuntimeError(f"a client was closed in the middle of it, and told {client.told!r}")

    until = 0.0
    rooms = []
    for room in range(clients // 2):
        two = []
        register = json.dumps({"type": "register", "roomId": f"{os.getpid()} {room}"})
        for _ in range(2):
            client = await connect(url, register, heard, lost)
            await accepted.setdefault(client, asyncio.Event()).wait()
            two.append(client)
        rooms.append(two)
    for one, other in rooms:
        others |= {one: other, other: one}
    began = time.perf_counter()
    until = began + seconds
    for one, _ in rooms:
        sent[one] = began
        one.transport.write(offers[one.compressed])
    await asyncio.sleep(seconds + 0.1)  # the frames that are on their way end there
    rate = len(latencies) / seconds
    for client in others:
        client.close()
    latencies.sort()
    return {
        "per_second": rate,
        "p50": latencies[len(latencies) // 2] * 1e3,
        "p99": latencies[len(latencies) * 99 // 100] * 1e3,
    }


async def idle(url: str, seconds: float, clients: int) -> dict[str, float]:
    def matched(client: Client) -> None:
        raise RuntimeError("one user was matched with itself")

    for _ in range(clients):
        await connect(url, JOIN % "the only user", matched, lambda _: None)
    await asyncio.sleep(seconds)
    return {}


LOADS = {"pairs": pairs, "relay": relay, "idle": idle}


def fail(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> NoReturn:
    """A load that does half its work would measure nothing: end at the first exception in a callback."""
    print(context["message"], repr(context.get("exception")), file=sys.stderr, flush=True)
    os._exit(1)


async def main() -> None:
    asyncio.get_running_loop().set_exception_handler(fail)
    job, url, seconds, clients = sys.argv[1:]
    print(json.dumps(await LOADS[job](url, float(seconds), int(clients))), flush=True)
    if job == "idle":
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    try:
        import uvloop

        uvloop.run(main())
    except ImportError:
        asyncio.run(main())
