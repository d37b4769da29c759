"""A WebSocket client (RFC 6455) that costs so little that thousands of them measure the relay and not Python.

It is an asyncio.Protocol without a task, a queue or a copy for each message: one call per read, one clock reading.
Events are the same bytes for every viewer, so only the first one that reads an event parses its JSON.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import time
from collections import Counter
from datetime import datetime
from urllib.parse import SplitResult

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA
FINAL = 0x80
NORMAL_CLOSURE = 1000
# A frame of the relay has some 300 bytes. What claims to be much longer is not understood rightly.
MESSAGE_BYTES_MAX = 1024 * 1024
ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class ProtocolError(Exception):
    """The server said something that WebSocket does not allow."""


class MessageReader:
    """Cuts what a server sends into messages, however it was split into reads and frames."""

    __slots__ = ("_fragments", "_kind", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._fragments = b""
        self._kind: int | None = None

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The messages that `data` completes, as opcode and payload."""
        if self._rest:
            data = self._rest + data
        messages, start, end = [], 0, len(data)
        while end - start >= 2:
            head, length, body = data[start], data[start + 1], start + 2
            if length > 125:
                length_bytes = {126: 2, 127: 8}.get(length)
                if length_bytes is None:
                    raise ProtocolError("a masked frame from the server")
                body += length_bytes
                if end < body:
                    break
                length = int.from_bytes(data[start + 2 : body])
                if length > MESSAGE_BYTES_MAX:
                    raise ProtocolError(f"a frame of {length} bytes")
            if end < body + length:
                break
            start = body + length
            message = self._message(head, data[body:start])
            if message is not None:
                messages.append(message)
        self._rest = data[start:]
        return messages

    def _message(self, head: int, payload: bytes) -> tuple[int, bytes] | None:
        """Adds a frame to the message under way; the message, if that was its last frame."""
        if head == FINAL | TEXT and self._kind is None:
            return TEXT, payload
        opcode, is_final = head & 0x0F, bool(head & FINAL)
        if head & 0x70 or opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise ProtocolError(f"a frame that begins with {head:#x}")
        if opcode >= CLOSE:
            return opcode, payload
        if (opcode == CONTINUATION) == (self._kind is None):
            raise ProtocolError("fragments out of order")
        if opcode != CONTINUATION:
            self._kind, self._fragments = opcode, b""
        self._fragments += payload
        if not is_final:
            return None
        kind, self._kind = self._kind, None
        return kind, self._fragments


def masked_frame(opcode: int, payload: bytes = b"") -> bytes:
    """A short frame as a client must send it, masked."""
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes((FINAL | opcode, 0x80 | len(payload))) + mask + masked


class BidEvent:
    """An accepted bid on its way: when it was accepted, and when each viewer had read it (seconds of perf_counter)."""

    __slots__ = ("accepted_at", "arrivals", "is_ours", "position")

    def __init__(self, body: dict, is_ours: bool) -> None:
        self.position: tuple[int, int] = (body["epoch"], body["seq"])
        self.is_ours = is_ours
        accepted = datetime.fromisoformat(body["timestamp"]).timestamp()
        self.accepted_at = accepted - time.time() + time.perf_counter()
        self.arrivals: list[float] = []


class Audience:
    """What all viewers together have seen."""

    def __init__(self, url: SplitResult, bidder: str) -> None:
        self.url = url
        self.bidder = bidder
        self.closings: Counter[str] = Counter()
        self.repeated = 0
        self.skipped = 0
        self.snapshots = 0
        self._ours: dict[str, BidEvent] = {}
        self._by_bytes: dict[bytes, BidEvent] = {}
        self._enough_read = asyncio.Event()
        self._wanted = 0

    def event(self, payload: bytes) -> BidEvent | None:
        """The event of these bytes, if they are one."""
        event = self._by_bytes.get(payload)
        if event is None:
            body = json.loads(payload)
            if "event_id" not in body:
                return None
            event = self._by_bytes[payload] = BidEvent(body, body["user_id"] == self.bidder)
            if event.is_ours:
                self._ours[body["event_id"]] = event
        return event

    def record(self, event: BidEvent, now: float) -> None:
        event.arrivals.append(now)
        if len(event.arrivals) == self._wanted:
            self._enough_read.set()

    async def see(self, event_id: str, viewers: int, deadline_s: float) -> BidEvent | None:
        """Waits until so many viewers have read the event, or the time is over. `None` if nobody ever saw it."""
        self._wanted = viewers
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                while not self._is_read(event_id):
                    self._enough_read.clear()
                    await self._enough_read.wait()
        return self._ours.get(event_id)

    def _is_read(self, event_id: str) -> bool:
        event = self._ours.get(event_id)
        return event is not None and len(event.arrivals) >= self._wanted


class Viewer(asyncio.Protocol):
    """One connection. `ready` ends when the relay has put it in the audience, or says why it has not."""

    __slots__ = ("_audience", "_handshake", "_key", "_leaving", "_position", "_reader", "_transport", "gone", "ready")

    def __init__(self, audience: Audience) -> None:
        loop = asyncio.get_running_loop()
        self._audience = audience
        self._handshake: bytes | None = b""
        self._key = base64.b64encode(os.urandom(16))
        self._leaving = False
        self._position = (0, 0)
        self._reader = MessageReader()
        self._transport: asyncio.Transport | None = None
        self.ready: asyncio.Future[None] = loop.create_future()
        self.gone: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        url = self._audience.url
        transport.write(
            f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {self._key.decode()}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        try:
            if self._handshake is not None:
                data = self._shake_hands(data)
            for opcode, payload in self._reader.feed(data):
                if opcode == TEXT:
                    self._read_text(payload, now)
                else:
                    self._answer(opcode, payload)
        except (ProtocolError, ValueError, KeyError) as error:
            self._leave_because(str(error) if isinstance(error, ProtocolError) else f"not understood: {error!r}")
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._leave_because(f"cut off: {error}" if error else "cut off without a close frame")
        self.gone.set_result(None)

    def say_goodbye(self) -> None:
        """Closes in order; the server then ends the connection."""
        if not self._leaving:
            self._leaving = True
            self._transport.write(masked_frame(CLOSE, NORMAL_CLOSURE.to_bytes(2)))

    def abort(self) -> None:
        self._leaving = True
        if self._transport:
            self._transport.abort()

    def _shake_hands(self, data: bytes) -> bytes:
        """Reads the answer to the handshake. Returns what follows it, which may be the first frame already."""
        self._handshake += data
        head, blank_line, rest = self._handshake.partition(b"\r\n\r\n")
        if not blank_line:
            return b""
        status, *lines = head.decode("latin-1").split("\r\n")
        if status.split(" ")[1:2] != ["101"]:
            raise ProtocolError(f"the handshake was answered {status}")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        expected = base64.b64encode(hashlib.sha1(self._key + ACCEPT_GUID, usedforsecurity=False).digest())
        if headers.get("sec-websocket-accept") != expected.decode():
            raise ProtocolError("the handshake's answer does not fit its key")
        self._handshake = None
        return rest

    def _read_text(self, payload: bytes, now: float) -> None:
        event = self._audience.event(payload)
        if event is None:
            self._read_notice(json.loads(payload))
            return
        _, last_seq = self._position
        if event.position <= self._position:
            self._audience.repeated += 1
            return
        # Seqs go on through a later epoch.
        _, seq = event.position
        if seq != last_seq + 1:
            self._audience.skipped += 1
        self._position = event.position
        if event.is_ours:
            self._audience.record(event, now)

    def _read_notice(self, body: dict) -> None:
        """The snapshot that makes us a viewer, a later one in place of what we were too slow for, or other news."""
        if body.get("type") in ("connected", "state"):
            self._position = (body["epoch"], body["seq"])
        if body.get("type") == "connected" and not self.ready.done():
            self.ready.set_result(None)
        elif body.get("type") == "state":
            self._audience.snapshots += 1

    def _answer(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._transport.write(masked_frame(PONG, payload))
        elif opcode == CLOSE:
            code = int.from_bytes(payload[:2]) if len(payload) >= 2 else "without a code"
            self._leave_because(f"{code} {payload[2:].decode(errors='replace')}".strip())
            self._transport.write(masked_frame(CLOSE, payload[:2]))
            self._transport.close()

    def _leave_because(self, reason: str) -> None:
        """Notes once why the relay and we part, unless it was our own wish."""
        if self._leaving:
            return
        self._leaving = True
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(reason))
        else:
            self._audience.closings[reason] += 1
