"""
A TCP connection under `manage.py serve`: what asyncio's transport does, with less memory and fewer calls.

What the kernel does not take is kept as a view of the bytes that were written: all clients of a long board share them.
TLS is asyncio's own.

Tested in `tests/inbound/test_transport.py`.
"""

import asyncio
import socket
from typing import Any

# Bytes of one read.
READ_SIZE = 64 * 1024
# asyncio's limits of what may wait before the protocol is told to pause; `serve` sets them to zero for sockets.
HIGH_WATER = 64 * 1024
# Parts of what waits that are sent at once: the kernel takes at most 1024.
MAX_PARTS = 64


class SocketTransport(asyncio.Transport):
    """The transport of an accepted *connection* from *peer*; it ends with `connection_lost`, as any other."""

    __slots__ = (
        "_closing",
        "_connection",
        "_high",
        "_loop",
        "_lost",
        "_low",
        "_paused",
        "_peer",
        "_pending",
        "_protocol",
        "_protocol_paused",
        "_waiting",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: socket.socket, peer: Any, protocol: Any) -> None:
        self._loop, self._connection, self._peer, self._protocol = loop, connection, peer, protocol
        self._closing = self._lost = self._paused = self._protocol_paused = False
        self._waiting: tuple[memoryview, ...] = ()
        self._pending = 0
        self._high, self._low = HIGH_WATER, HIGH_WATER // 4

    def start(self) -> None:
        """Begin; the client's first bytes are often there already."""
        self._protocol.connection_made(self)
        if self.is_reading():
            self._loop.add_reader(self._connection.fileno(), self._read)
            self._read()

    # What asyncio asks of a transport

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the socket, or the address of either side."""
        match name:
            case "socket":
                return self._connection
            case "peername":
                return self._peer
            case "sockname":
                return self._connection.getsockname()
        return default

    def set_protocol(self, protocol: Any) -> None:
        """Hand over to *protocol* what arrives from now on."""
        self._protocol = protocol

    def get_protocol(self) -> Any:
        """Return the protocol."""
        return self._protocol

    def is_closing(self) -> bool:
        """Return whether it is closed, or will be when nothing waits any more."""
        return self._closing

    def is_reading(self) -> bool:
        """Return whether what arrives is read."""
        return not (self._closing or self._paused)

    def pause_reading(self) -> None:
        """Leave to the kernel what arrives."""
        if self.is_reading():
            self._paused = True
            self._loop.remove_reader(self._connection.fileno())

    def resume_reading(self) -> None:
        """Read again."""
        if self._paused and not self._closing:
            self._paused = False
            self._loop.add_reader(self._connection.fileno(), self._read)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Tell the protocol to pause when more than *high* bytes wait, and to go on at *low*."""
        self._high = HIGH_WATER if high is None else high
        self._low = self._high // 4 if low is None else low

    def get_write_buffer_size(self) -> int:
        """Return how many bytes wait."""
        return self._pending

    def can_write_eof(self) -> bool:
        """Return that no side is closed alone."""
        return False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write *data*, as much as the kernel takes now and the rest when it can take more."""
        if self._lost or not data:
            return
        if not self._waiting:
            try:
                sent = self._connection.send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as error:
                self._end(error)
                return
            if sent == len(data):
                return
            data = memoryview(data)[sent:]
            self._loop.add_writer(self._connection.fileno(), self._write_more)
        self._keep(memoryview(data))

    def close(self) -> None:
        """Close when nothing waits any more."""
        if not self._closing:
            self._stop_reading()
            if not self._waiting:
                self._lose(None)

    def abort(self) -> None:
        """Close at once and drop what waits."""
        self._end(None)

    # What waits

    def _keep(self, part: memoryview) -> None:
        self._waiting = (*self._waiting, part if part.readonly else memoryview(bytes(part)))
        self._pending += len(part)
        if self._pending > self._high and not self._protocol_paused:
            self._protocol_paused = True
            self._protocol.pause_writing()

    def _write_more(self) -> None:
        if self._lost:
            return
        try:
            sent = self._connection.sendmsg(self._waiting[:MAX_PARTS])
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(error)
            return
        self._pending -= sent
        self._waiting = drop_sent(self._waiting, sent)
        if self._protocol_paused and self._pending <= self._low:
            self._protocol_paused = False
            self._protocol.resume_writing()
        if not self._waiting:
            self._loop.remove_writer(self._connection.fileno())
            if self._closing:
                self._lose(None)

    # What arrives

    def _read(self) -> None:
        if self._lost:
            return
        try:
            data = self._connection.recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(error)
            return
        try:
            if data:
                self._protocol.data_received(data)
            else:
                self._end_reading()
        except Exception as error:
            self.fail(error)

    def _end_reading(self) -> None:
        """Close, unless the protocol still has something to write."""
        if self._protocol.eof_received():
            self.pause_reading()
        else:
            self.close()

    # The end

    def fail(self, error: Exception) -> None:
        """End a connection whose protocol has raised *error*."""
        self._loop.call_exception_handler(
            {"message": "a protocol failed", "exception": error, "transport": self, "protocol": self._protocol}
        )
        self._end(error)

    def _stop_reading(self) -> None:
        self._closing = True
        self._loop.remove_reader(self._connection.fileno())

    def _end(self, error: Exception | None) -> None:
        if self._lost:
            return
        if self._waiting:
            self._waiting, self._pending = (), 0
            self._loop.remove_writer(self._connection.fileno())
        if not self._closing:
            self._stop_reading()
        self._lose(error)

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = True
            self._loop.call_soon(self._finish, error)

    def _finish(self, error: Exception | None) -> None:
        protocol, self._protocol = self._protocol, None
        try:
            protocol.connection_lost(error)
        finally:
            self._connection.close()


def drop_sent(parts: tuple[memoryview, ...], sent: int) -> tuple[memoryview, ...]:
    """Return what is left of *parts* without the first *sent* bytes."""
    for number, part in enumerate(parts):
        if sent < len(part):
            return (part[sent:], *parts[number + 1 :])
        sent -= len(part)
    return ()
