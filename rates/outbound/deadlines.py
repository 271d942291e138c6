"""
Deadlines: times of the monotonic clock by which whatever uses a connection has to end.

Tested in `tests/outbound/test_http.py`.
"""

import socket
import ssl
import time
from typing import Any

# Seconds: what is left after a deadline has passed, so that the next step fails as a timeout.
MIN_LEFT = 0.01


def time_left(deadline: float) -> float:
    """Return the seconds until *deadline*; never zero."""
    return max(MIN_LEFT, deadline - time.monotonic())


def is_over(deadline: float) -> bool:
    """Return whether *deadline* has passed."""
    return time.monotonic() >= deadline


class DeadlineSocket(socket.socket):
    """
    A socket of which nothing is read after its deadline, however many steps a file makes of it.

    A timeout alone starts again with each step, so that a byte now and then would keep the reader for ever.
    """

    deadline: float | None = None

    def recv_into(self, *args: Any) -> int:
        """Read, by the deadline; `TimeoutError` after it."""
        _begin_step(self, self.deadline)
        return super().recv_into(*args)


class DeadlineTlsSocket(ssl.SSLSocket):
    """The same with TLS."""

    deadline: float | None = None

    def recv_into(self, *args: Any) -> int:
        """Read, by the deadline; `TimeoutError` after it."""
        _begin_step(self, self.deadline)
        return super().recv_into(*args)


def set_deadline(sock: socket.socket, deadline: float) -> None:
    """Let the next step of *sock*, and every one in which something is read, end by *deadline*."""
    assert isinstance(sock, DeadlineSocket | DeadlineTlsSocket)
    sock.deadline = deadline
    sock.settimeout(time_left(deadline))


def _begin_step(sock: socket.socket, deadline: float | None) -> None:
    if deadline is None:
        return
    if is_over(deadline):
        raise TimeoutError("no answer in time")
    sock.settimeout(time_left(deadline))
