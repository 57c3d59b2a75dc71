"""A WebSocket client by hand, on asyncio streams: it sends what RFC 6455 allows and what it forbids.

It answers nothing by itself, neither a ping nor a close, so a test sees each frame that a server sends.
"""

import asyncio
import base64
import hashlib
import os
import socket
import ssl
import struct
from contextlib import suppress
from urllib.parse import urlsplit
from weakref import WeakSet

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
LIMIT = 60.0  # seconds for anything that a test waits for, however busy the machine
opened: WeakSet[asyncio.StreamWriter] = WeakSet()  # for a fixture to end what a test leaves open


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    """One frame (RFC 6455, section 5.2); ``reserved`` are the three reserved bits."""
    first, mask_bit = (fin << 7) | (reserved << 4) | opcode, masked << 7
    if len(payload) < 126:
        header = struct.pack("!BB", first, mask_bit | len(payload))
    elif len(payload) < 2**16:
        header = struct.pack("!BBH", first, mask_bit | 126, len(payload))
    else:
        header = struct.pack("!BBQ", first, mask_bit | 127, len(payload))
    if not masked:
        return header + payload
    mask = os.urandom(4)
    stream = (mask * (len(payload) // 4 + 1))[: len(payload)]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")
    return header + mask + mixed.to_bytes(len(payload), "big")


def text(payload: str) -> bytes:
    return frame(TEXT, payload.encode())


def close(code: int = 1000, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason)


class RawWebSocket:
    """One connection after its handshake."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes | str) -> None:
        """Send a text frame, or bytes as they are."""
        self.writer.write(text(data) if isinstance(data, str) else data)

    async def receive(self) -> tuple[int, bytes]:
        """The next frame. Raises: EOFError when there is none, TimeoutError when none comes."""
        async with asyncio.timeout(LIMIT):
            first, length = await self.reader.readexactly(2)
            assert first & 0x80, "the servers do not fragment"
            assert not length & 0x80, "a server must not mask"
            if length == 126:
                (length,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return first & 0xF, await self.reader.readexactly(length)

    async def text(self) -> str:
        opcode, payload = await self.receive()
        assert opcode == TEXT, (opcode, payload)
        return payload.decode()

    async def closed(self) -> tuple[int, str]:
        """Code and reason of the close frame, whatever comes before it."""
        while True:
            opcode, payload = await self.receive()
            if opcode == CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if payload else 1005
                return code, payload[2:].decode()

    async def silent(self, seconds: float = 0.2) -> bool:
        """Whether nothing at all comes for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self.reader.readexactly(1)
        except TimeoutError:
            return True
        except EOFError:
            return False
        return False

    async def ended(self) -> None:
        """Wait until the server has ended the TCP connection."""
        async with asyncio.timeout(LIMIT):
            try:
                while await self.reader.read(2**16):
                    pass
            except ConnectionError:
                pass

    def kill(self) -> None:
        """End like a killed process: no close frame, a TCP reset."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def leave(self) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()


async def raw_connection(
    url: str, *, receive_buffer: int | None = None, tls: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare TCP (or TLS) connection to the server of ``url``."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    family = socket.AF_INET6 if ":" in parts.hostname else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (parts.hostname, parts.port))
    reader, writer = await asyncio.open_connection(
        sock=sock, ssl=tls, server_hostname=parts.hostname if tls else None, limit=2**14
    )
    opened.add(writer)
    return reader, writer


async def ask(url: str, *, headers: dict[str, str] | None = None, path: str | None = None) -> tuple[str, str, str]:
    """One HTTP GET. Returns: the status line, the headers and the body."""
    reader, writer = await raw_connection(url)
    parts = urlsplit(url)
    lines = [f"GET {path or parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    async with asyncio.timeout(LIMIT):
        answer = await reader.read(-1)
    writer.close()
    head, _, body = answer.decode().partition("\r\n\r\n")
    status, _, rest = head.partition("\r\n")
    return status, rest, body


async def open_raw(
    url: str,
    *,
    origin: str | None = None,
    receive_buffer: int | None = None,
    tls: ssl.SSLContext | None = None,
) -> RawWebSocket:
    """A connection whose handshake is done. Raises: ConnectionRefusedError with what the server said."""
    reader, writer = await raw_connection(url, receive_buffer=receive_buffer, tls=tls)
    parts, key = urlsplit(url), base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    ]
    if origin is not None:
        lines.append(f"Origin: {origin}")
    writer.write("\r\n".join([*lines, "", ""]).encode())
    async with asyncio.timeout(LIMIT):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if not head.startswith("HTTP/1.1 101 "):
            said = head.partition("\r\n")[0] + ": " + (await reader.read(-1)).decode()
            writer.close()
            raise ConnectionRefusedError(said)
    expected = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    assert f"Sec-WebSocket-Accept: {base64.b64encode(expected).decode()}\r\n" in head
    return RawWebSocket(reader, writer)
