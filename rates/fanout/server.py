"""
The WebSocket connection under our server: `uvicorn --ws rates.fanout.server:RatesWebSocketProtocol`.

    hub ─► ClientLink.write(frame) ─► the kernel      no queue, no task, no timer, no encoding per socket

It is the hub's link to a client, and hands the client's messages to its session. What a connection needs for a while
it has for a while: an `Upgrade` until it is open, a parser while the client says something, a `SlowClientTimer` while
it does not read. Most clients only listen, so ten thousand of them take a few KB each.

Tested in `tests/fanout/test_server.py`, `tests/fanout/test_consumers.py` and `tests/fanout/test_frames.py`.
"""

import asyncio
import logging
import os
import random
from asyncio.transports import BaseTransport
from collections.abc import Callable
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Any, cast
from zlib import MAX_WBITS

from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame as MessageFrame
from websockets.frames import Opcode
from websockets.protocol import OPEN, Side
from websockets.protocol import Protocol as Parser

from rates.fanout.close_codes import CloseCode
from rates.fanout.slow_clients import (
    CLOSE_TIMEOUT,
    SlowClientTimer,
    bound_send_buffer,
    reset_connection,
    unacknowledged,
)
from rates.fanout.sockets import MAX_MESSAGE_BYTES, SOON, Frame, do_nothing
from rates.inbound.opening import Handshake
from rates.inbound.upgrade import Upgrade
from rates.telemetry import counts

if TYPE_CHECKING:
    # It needs the models, which uvicorn's child processes have not loaded when they import this.
    from rates.fanout.consumers import Session

# Seconds for the last frames to a client that does not read.
STUCK_CLOSE_TIMEOUT = 0.3
# Seconds of silence before a ping, and for the pong to arrive.
PING_AFTER = 13.0
PONG_TIMEOUT = 9.0
# The same where the client's host has acknowledged every byte: some libraries answer pings only while a program reads.
PONG_TIMEOUT_IF_ACKNOWLEDGED = 60.0
MAX_FRAGMENTS = 100
# For a ping that no frame has taken along.
NOTHING = Frame()

# Seconds of silence from which a heartbeat, or any frame, takes the ping along: one write instead of two.
PING_WITH_HEARTBEAT_AFTER = PING_AFTER / 2
PING_WITH_FRAME_AFTER = PING_AFTER - 2
PING = b"\x89\x00"
# The pong to it is this header and four bytes of mask.
PONG_HEADER = b"\x8a\x80"
PONG_SIZE = 6

logger = logging.getLogger("uvicorn.error")


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


# A frame goes to thousands.
@lru_cache(maxsize=1)
def with_ping(wire: bytes) -> bytes:
    """Return the encoded frame *wire* with a ping behind it."""
    return wire + PING


class RatesWebSocketProtocol(asyncio.Protocol):
    """One connection: the hub's `ClientLink` to a client."""

    __slots__ = (
        "_accepts_frames",
        "_blocked",
        "_close_sent",
        "_close_timer",
        "_compressed",
        "_connections",
        "_descriptor",
        "_fragments",
        "_heard_at",
        "_is_text",
        "_parser",
        "_ping_is_due",
        "_pinged_at",
        "_session",
        "_timer",
        "_upgrade",
        "loop",
        "on_blocked",
        "on_writable",
        "transport",
    )

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.loop = _loop or asyncio.get_running_loop()
        self.transport: asyncio.Transport
        # For a connection that the hub does not know, or not any more.
        self.on_writable: Callable[[], None] = do_nothing
        self.on_blocked: Callable[[], None] = do_nothing
        self._connections: set[Any] = server_state.connections
        self._upgrade: Upgrade | None = Upgrade(self, config, server_state)
        self._session: Session | None = None
        # Only while the client is in the middle of something.
        self._parser: Parser | None = None
        self._fragments: tuple[bytes, ...] = ()
        self._is_text = False
        self._heard_at = monotonic() - random.random() * PING_AFTER  # spreads the pings of a crowd
        self._pinged_at: float | None = None
        # The next frame takes a ping along.
        self._ping_is_due = False
        # While the client has yet to read what was written to it.
        self._blocked = False
        self._timer: SlowClientTimer | None = None
        # Nothing waits and the connection is not closing: one flag, because `write` is the hot path.
        self._accepts_frames = False
        self._compressed = False
        self._descriptor = -1
        self._close_sent = False
        self._close_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Buffer nothing in the process beyond the rest of one frame."""
        self._connections.add(self)
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=0)
        bound_send_buffer(transport.get_extra_info("socket"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Break the reference cycles, which would otherwise wait for the garbage collector."""
        self._connections.discard(self)
        self._accepts_frames = False
        if self._close_timer:
            self._close_timer.cancel()
        if self._upgrade:
            self._upgrade.gone = True
        self._end_session()
        self._drop_parser()
        transport: Any = self.transport
        if hasattr(transport, "_read_ready_cb"):
            transport._read_ready_cb = None

    def eof_received(self) -> None:
        """Stop writing to a client that has gone; the transport closes by itself."""
        self._accepts_frames = False

    # From the handshake to the session

    def begin(self, handshake: Handshake) -> None:
        """Begin with a *handshake* that has been checked."""
        assert self._upgrade
        self._upgrade.begin(handshake)

    def accept_frames(self, compressed: bool) -> None:
        """Take the frames of the greeting; they leave together with the answer to the handshake."""
        self._compressed = compressed
        self._accepts_frames = not self.transport.is_closing()

    def adopt(self, session: "Session") -> None:
        """Hand the client's messages to *session* from now on; it is greeted, so nothing of the handshake is left."""
        upgrade, self._upgrade, self._session = self._upgrade, None, session
        assert upgrade
        if upgrade.head:
            self.transport.write(upgrade.head)
        if self.transport.get_extra_info("sslcontext") is None:
            self._descriptor = self.transport.get_extra_info("socket").fileno()
        if upgrade.early:
            self._read_early(upgrade)

    def _read_early(self, upgrade: Upgrade) -> None:
        """Read what the client said before its handshake was answered, and go on reading."""
        early, upgrade.early = upgrade.early, b""
        self.transport.resume_reading()
        self.data_received(early)

    def _end_session(self) -> None:
        session, self._session = self._session, None
        self.on_writable = self.on_blocked = do_nothing
        if session:
            session.end()

    # Called by the hub

    def write(self, frame: Frame) -> bool:
        """
        Write *frame*, unless the client has not taken the one before yet.

        As nothing waits, it goes straight to the kernel, and only what the kernel does not take to the transport; that
        saves a tenth of the time. TLS has to go through the transport, which also reports broken connections.
        """
        if not self._accepts_frames:
            return False
        wire = frame.compressed if self._compressed else frame.wire
        if self._ping_is_due:
            wire = with_ping(wire)
            self._ping_is_due, self._pinged_at = False, monotonic()
        try:
            taken = os.write(self._descriptor, wire) if self._descriptor >= 0 else 0
        except OSError:
            taken = 0
        if taken < len(wire):
            self._hand_over(memoryview(wire)[taken:])
        return True

    def write_heartbeat(self, frame: Frame) -> bool:
        """Write *frame*, and with it the ping that would soon be due."""
        if self._pinged_at is None and monotonic() - self._heard_at >= PING_WITH_HEARTBEAT_AFTER:
            self._ping_is_due = True
        return self.write(frame)

    def _hand_over(self, data: bytes | memoryview) -> None:
        """Give *data* to the transport, with the answer to the handshake in front if that waits for it."""
        if self._upgrade and self._upgrade.head:
            data, self._upgrade.head = b"".join((self._upgrade.head, data)), b""
        self.transport.write(data)

    def close(self, code: int) -> None:
        """Send a close frame after what waits, and end the connection soon, whether the client answers or not."""
        if self._close_sent or self.transport.is_closing():
            return
        parser = self._open_parser()
        parser.send_close(code)
        self._hand_over(b"".join(parser.data_to_send()))
        self._close_sent, self._accepts_frames = True, False
        timeout = STUCK_CLOSE_TIMEOUT if self._blocked else CLOSE_TIMEOUT
        self._close_timer = self.loop.call_later(timeout, self.abort)
        self._end_session()
        if self._upgrade and self._upgrade.early:
            self._read_early(self._upgrade)

    def abort(self) -> None:
        """End the connection at once and drop what waits."""
        self._accepts_frames = False
        if self._blocked:
            reset_connection(self.transport)
        else:
            self.transport.abort()

    def check_client(self) -> float:
        """Ping a silent client, drop one that does not answer, close one that does not read; return when it is next."""
        now = monotonic()
        if self._blocked:
            if self._timer and not (self._close_sent or self.transport.is_closing()):
                self._timer.close_if_stuck(self, self.transport.get_write_buffer_size(), now)
            return SOON
        if self._pinged_at is not None:
            self._check_pong(now - self._pinged_at)
            return self._pinged_at + PONG_TIMEOUT
        silence = now - self._heard_at
        if silence < PING_WITH_FRAME_AFTER:
            return self._heard_at + PING_WITH_FRAME_AFTER
        self._ping_is_due = True
        if silence < PING_AFTER:
            return self._heard_at + PING_AFTER
        if not self.write(NOTHING):
            return SOON
        self._pinged_at = now
        return now + PONG_TIMEOUT

    def _check_pong(self, waited: float) -> None:
        late = waited >= PONG_TIMEOUT_IF_ACKNOWLEDGED or (waited >= PONG_TIMEOUT and not self._is_acknowledged())
        if late and not self.transport.is_closing():
            counts.closed.labels("dead").inc()
            self.abort()

    def _is_acknowledged(self) -> bool:
        """Return whether the client's host has taken all that was sent, the ping too: a host that is gone has not."""
        return not unacknowledged(self.transport.get_extra_info("socket"))

    # Called by the server and the transport

    def shutdown(self) -> None:
        """End the connection when the server stops; a client that does not read cannot delay that."""
        if self._upgrade and not self._upgrade.head:
            self._upgrade.fail()
        else:
            self.close(CloseCode.SERVICE_RESTART)
        if self._blocked:
            self.abort()
        else:
            self.transport.close()

    def pause_writing(self) -> None:
        """Have the hub skip this client until it has read what was written."""
        self._blocked, self._accepts_frames = True, False
        self._timer = SlowClientTimer()
        self.on_blocked()

    def resume_writing(self) -> None:
        """Have the hub send what the client has missed."""
        self._blocked, self._timer = False, None
        self._accepts_frames = not (self._close_sent or self.transport.is_closing())
        self.on_writable()

    # Called for what the client sends

    def data_received(self, data: bytes) -> None:
        """Note the sign of life; a pong that comes alone is not parsed."""
        self._heard_at = monotonic()
        self._pinged_at, self._ping_is_due = None, False
        if self._upgrade and not self._close_sent:
            self._upgrade.data_received(data)
        elif self._parser or len(data) != PONG_SIZE or not data.startswith(PONG_HEADER):
            self._parse(data)

    def _open_parser(self) -> Parser:
        if self._parser is None:
            self._parser = Parser(Side.SERVER, max_size=MAX_MESSAGE_BYTES, logger=logger)
            if self._compressed:
                self._parser.extensions = [PerMessageDeflate(True, True, MAX_WBITS, MAX_WBITS)]
        return self._parser

    def _drop_parser(self) -> None:
        if self._parser:
            self._parser.parser.close()  # a generator that knows its owner
            self._parser = None

    def _parse(self, data: bytes) -> None:
        was_between = self._parser is None
        parser = self._open_parser()
        parser.receive_data(data)
        if parser.parser_exc is not None:
            self._end_unparsable(parser)
            return
        for frame in parser.events_received():
            self._handle(cast("MessageFrame", frame), parser)
        is_between = was_between and not self._fragments and ends_at_frame_boundary(data)
        if is_between and parser.current_size is None and parser.state is OPEN:
            self._drop_parser()

    def _handle(self, frame: MessageFrame, parser: Parser) -> None:
        match frame.opcode:
            case Opcode.PING:
                self._answer_pings(parser)
            case Opcode.CLOSE:
                self._answer_close(parser)
            case Opcode.TEXT | Opcode.BINARY | Opcode.CONT if not self._close_sent:
                self._add_fragment(frame)

    def _answer_pings(self, parser: Parser) -> None:
        """Answer, unless the client does not read: otherwise the pongs to a flood of pings would pile up in memory."""
        output = parser.data_to_send()
        if not self._blocked:
            self.transport.write(b"".join(output))

    def _answer_close(self, parser: Parser) -> None:
        """Answer the client's close, after which nothing may be written; the end is there if it is an answer itself."""
        self._accepts_frames = False
        if not self._close_sent:
            self.transport.write(b"".join(parser.data_to_send()))
        self.transport.close()
        self._end_session()

    def _add_fragment(self, frame: MessageFrame) -> None:
        """Add to the message; one in too many fragments is refused, because empty ones never reach the size limit."""
        if frame.opcode is not Opcode.CONT:
            self._fragments, self._is_text = (), frame.opcode is Opcode.TEXT
        elif len(self._fragments) >= MAX_FRAGMENTS:
            self._fail(CloseCode.MESSAGE_TOO_BIG)
            return
        self._fragments = (*self._fragments, bytes(frame.data))
        if frame.fin:
            data, self._fragments = b"".join(self._fragments), ()
            self._hand_in(data)

    def _hand_in(self, data: bytes) -> None:
        """Hand a message to the session; text that is not UTF-8 breaks the protocol."""
        try:
            text = data.decode() if self._is_text else None
        except UnicodeDecodeError:
            self._fail(CloseCode.INVALID_DATA)
            return
        if self._session:
            self._session.receive(text)

    def _end_unparsable(self, parser: Parser) -> None:
        """End a connection whose bytes are no frames."""
        counts.closed.labels("protocol").inc()
        self._accepts_frames, self._close_sent = False, True
        self.transport.write(b"".join(parser.data_to_send()))
        self.transport.close()
        self._end_session()

    def _fail(self, code: CloseCode) -> None:
        self._fragments = ()
        counts.closed.labels("protocol").inc()
        self.close(code)
