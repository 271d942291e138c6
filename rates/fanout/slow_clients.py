"""
A client that reads too slowly is closed here, whatever server it is connected to.

The hub has every link check its client once a second. A link tells its `SlowClientTimer` how much still waits for the
client: less than before means that the client reads. One that takes nothing for `STUCK_AFTER` seconds is closed with
`CloseCode.TRY_AGAIN_LATER`.
"""

import fcntl
import socket
import struct
import sys
import termios
from typing import Any, Protocol

from rates.fanout.close_codes import CloseCode
from rates.telemetry import counts

# Seconds in which a client has to take something.
STUCK_AFTER = 15.0
# Seconds for the client's side of the closing handshake.
CLOSE_TIMEOUT = 3.0

# Bytes that the kernel may hold for a client that does not read (it doubles this); a board of 200 coins fits.
SEND_BUFFER = 64 * 1024


class Closable(Protocol):
    """The part of a link that the timer needs."""

    def close(self, code: int) -> None:
        """Close the connection with *code*."""


class SlowClientTimer:
    """Measures how long one client has taken nothing of what waits for it."""

    __slots__ = ("_pending", "_since")

    def __init__(self) -> None:
        self._since: float | None = None
        self._pending = 0

    def restart(self) -> None:
        """Note that the client has taken something."""
        self._since = None

    def close_if_stuck(self, link: Closable, pending: int, now: float) -> bool:
        """
        Close the client of *link* when it has taken nothing for too long; return whether it was closed.

        *pending* is what waits for the client, in any unit; *now* is in seconds of a monotonic clock.
        """
        if not pending:
            self._since = None
        elif self._since is None or pending < self._pending:
            self._since = now
        self._pending = pending
        if self._since is None or now - self._since < STUCK_AFTER:
            return False
        counts.closed.labels("slow").inc()
        link.close(CloseCode.TRY_AGAIN_LATER)
        return True


def bound_send_buffer(connection: Any) -> None:
    """Bound what the kernel keeps for the client of *connection*, a socket, where it has such a buffer."""
    if connection is not None and connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)


def unacknowledged(connection: Any) -> int:
    """Return how many of the bytes sent the client's host has not confirmed; one that is gone confirms none."""
    return int.from_bytes(fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def reset_connection(transport: Any) -> None:
    """End the connection of an asyncio *transport* by a TCP reset, so that the kernel drops unread data as well."""
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
