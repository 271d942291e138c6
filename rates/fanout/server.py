"""
uvicorn's WebSocket protocol, sending encoded frames too: `uvicorn --ws rates.fanout.server:RatesWebSocketProtocol`.

    hub ─► ClientLink.write(frame) ─► the kernel      no queue, no task, no encoding per socket

It offers itself to the application as `scope["extensions"]["rates.link"]`; under other servers the application uses
the links in `links`. It replaces uvicorn's timers (two per socket) by `check_client`, which the hub calls for all.

Tested in `tests/fanout/test_server.py`, `tests/fanout/test_consumers.py` and `tests/fanout/test_frames.py`.
"""

import os
import random
from asyncio.transports import BaseTransport
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame as MessageFrame

from rates.fanout.close_codes import CloseCode
from rates.fanout.slow_clients import (
    CLOSE_TIMEOUT,
    SlowClientTimer,
    bound_send_buffer,
    reset_connection,
    unacknowledged,
)
from rates.fanout.sockets import Frame
from rates.telemetry import counts

MAX_MESSAGE_BYTES = 4096
# Seconds for the last frames to a client that does not read.
STUCK_CLOSE_TIMEOUT = 0.3
# Seconds of silence before a ping, and for the pong to arrive.
PING_AFTER = 13.0
PONG_TIMEOUT = 9.0
# The same where the client's host has acknowledged every byte: some libraries answer pings only while a program reads.
PONG_TIMEOUT_IF_ACKNOWLEDGED = 60.0
MAX_FRAGMENTS = 100

PING = b"\x89\x00"
# The pong to it is this header and four bytes of mask.
PONG_HEADER = b"\x8a\x80"
PONG_SIZE = 6


def ends_at_frame_boundary(data: bytes) -> bool:
    """Return whether *data*, which begins with a client's frame, ends at the end of one."""
    at = 0
    while at + 2 <= len(data):
        size = data[at + 1] & 0x7F
        wide = {126: 2, 127: 8}.get(size, 0)
        if wide:
            size = int.from_bytes(data[at + 2 : at + 2 + wide], "big")
        at += 2 + wide + 4 + size
    return at == len(data)


def is_utf8(data: bytes) -> bool:
    """Return whether *data* is valid UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


class RatesWebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection; also the hub's `ClientLink` to it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.conn.max_message_size = MAX_MESSAGE_BYTES
        # Frames are encoded once for all clients, so they cannot be compressed for one; a compressor costs 30 KB.
        self.conn.available_extensions = []
        self.on_writable: Callable[[], None] = lambda: None
        self._heard_at = self.loop.time() - random.random() * PING_AFTER  # spreads the pings of a crowd
        self._pinged_at: float | None = None
        self._timer = SlowClientTimer()
        # Nothing waits and the connection is not closing: one flag, because `write` is the hot path.
        self._accepts_frames = True
        self._descriptor = -1
        self._at_frame_boundary = False

    def connection_made(self, transport: BaseTransport) -> None:
        """Buffer nothing in the process beyond the rest of one frame."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=0)
        connection = transport.get_extra_info("socket")
        bound_send_buffer(connection)
        if connection is not None and transport.get_extra_info("sslcontext") is None:
            self._descriptor = connection.fileno()

    def connection_lost(self, exc: Exception | None) -> None:
        """Break the reference cycles, which would otherwise wait for the garbage collector."""
        super().connection_lost(exc)
        self._accepts_frames = False
        self.on_writable = lambda: None
        if self.handshake_initiated and hasattr(self, "scope"):
            cast("dict[str, Any]", self.scope["extensions"]).pop("rates.link", None)
        self.conn.parser.close()
        transport: Any = self.transport
        if hasattr(transport, "_read_ready_cb"):
            transport._read_ready_cb = None

    def handle_connect(self, event: Any) -> None:
        """Offer the connection to the application."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            cast("dict[str, Any]", self.scope["extensions"])["rates.link"] = self

    def eof_received(self) -> None:
        """Stop writing to a client that has gone; the transport closes by itself."""
        self._accepts_frames = False

    # Called by the hub

    def write(self, frame: Frame) -> bool:
        """
        Write *frame*, unless the client has not taken the one before yet.

        As nothing waits, it goes straight to the kernel, and only what the kernel does not take to the transport; that
        saves a tenth of the time. TLS has to go through the transport, which also reports broken connections.
        """
        if not self._accepts_frames:
            return False
        wire = frame.wire
        try:
            taken = os.write(self._descriptor, wire) if self._descriptor >= 0 else 0
        except OSError:
            taken = 0
        if taken < len(wire):
            self.transport.write(wire[taken:])
        return True

    def close(self, code: int) -> None:
        """Send a close frame after what waits, and end the connection soon, whether the client answers or not."""
        if self.close_sent or self.transport.is_closing():
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": ""})
        self.conn.send_close(code)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._accepts_frames = False
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        timeout = STUCK_CLOSE_TIMEOUT if self._is_blocked() else CLOSE_TIMEOUT
        self.close_timer = self.loop.call_later(timeout, self.abort)

    def abort(self) -> None:
        """End the connection at once and drop what waits."""
        self._accepts_frames = False
        if self._is_blocked():
            reset_connection(self.transport)
        else:
            self.transport.abort()

    def check_client(self) -> None:
        """Ping a silent client, drop one that does not answer, close one that does not read."""
        now = self.loop.time()
        if self.transport.is_closing():
            return
        if self._is_blocked():
            if not self.close_sent:
                self._timer.close_if_stuck(self, self.transport.get_write_buffer_size(), now)
        elif self._pinged_at is not None:
            waited = now - self._pinged_at
            if waited >= PONG_TIMEOUT_IF_ACKNOWLEDGED or (waited >= PONG_TIMEOUT and not self._is_acknowledged()):
                counts.closed.labels("dead").inc()
                self.abort()
        elif now - self._heard_at >= PING_AFTER and not self.close_sent:
            self._pinged_at = now
            self.transport.write(PING)

    def _is_acknowledged(self) -> bool:
        """Return whether the client's host has taken all that was sent, the ping too: a host that is gone has not."""
        return not unacknowledged(self.transport.get_extra_info("socket"))

    def shutdown(self) -> None:
        """End the connection when the server stops; a client that does not read cannot delay that."""
        self._accepts_frames = False
        super().shutdown()
        if self._is_blocked():
            self.abort()

    def _is_blocked(self) -> bool:
        """Return whether the client has yet to read what was written to it."""
        return not self.writable.is_set()

    def pause_writing(self) -> None:
        """Have the hub skip this client until it has read what was written."""
        super().pause_writing()
        self._accepts_frames = False
        self._timer.restart()

    def resume_writing(self) -> None:
        """Have the hub send what the client has missed."""
        super().resume_writing()
        self._accepts_frames = not (self.close_sent or self.transport.is_closing())
        self.on_writable()

    async def send(self, message: Any) -> None:
        """Send *message*; without the override uvicorn logs a refused handshake as an error of the application."""
        await super().send(message)
        if self.close_sent:
            self.handshake_complete = True
            self._accepts_frames = False

    # Called for what the client sends

    def data_received(self, data: bytes) -> None:
        """Note the sign of life; a pong that comes alone is not parsed."""
        self._heard_at = self.loop.time()
        self._pinged_at = None
        if self._at_frame_boundary:
            if len(data) == PONG_SIZE and data.startswith(PONG_HEADER):
                return
            self._at_frame_boundary = ends_at_frame_boundary(data)
        elif not self.handshake_initiated:
            self._at_frame_boundary = data.endswith(b"\r\n\r\n")
        super().data_received(data)

    def handle_close(self, event: MessageFrame) -> None:
        """Answer the client's close; nothing may be written after that."""
        self._accepts_frames = False
        super().handle_close(event)

    def handle_ping(self) -> None:
        """Answer, unless the client does not read: otherwise the pongs to a flood of pings would pile up in memory."""
        output = self.conn.data_to_send()
        if not self._is_blocked():
            self.transport.write(b"".join(output))

    def handle_cont(self, event: MessageFrame) -> None:
        """Refuse a message in too many fragments: empty ones would never reach the size limit."""
        if len(self.frames) >= MAX_FRAGMENTS:
            self._fail(CloseCode.MESSAGE_TOO_BIG)
        else:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """Pass the message on; invalid UTF-8 is the client's fault and would be logged as an internal error."""
        if self.curr_msg_data_type == "text" and not is_utf8(b"".join(self.frames)):
            self._fail(CloseCode.INVALID_DATA)
        else:
            super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """End a connection whose bytes cannot be parsed; before the handshake there is no close frame to send."""
        self._accepts_frames = False
        if self.conn.close_sent is not None:
            counts.closed.labels("protocol").inc()
            super().handle_parser_exception()
        else:
            self.transport.close()

    def _fail(self, code: CloseCode) -> None:
        self.frames = []
        counts.closed.labels("protocol").inc()
        self.close(code)
