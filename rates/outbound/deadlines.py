"""
Deadlines: times of the monotonic clock by which whatever uses a connection has to end.

Tested in `tests/outbound/test_http.py`.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer

# Seconds: what is left after a deadline has passed, so that the next step fails as a timeout.
MIN_LEFT = 0.01


def time_left(deadline: float) -> float:
    """Return the seconds until *deadline*; never zero."""
    return max(MIN_LEFT, deadline - time.monotonic())


def is_over(deadline: float) -> bool:
    """Return whether *deadline* has passed."""
    return time.monotonic() >= deadline


@contextmanager
def shut_down_at(deadline: float, sock: socket.socket) -> Iterator[None]:
    """
    Shut *sock* down at *deadline*, so that a pending read returns.

    The socket's own timeout cannot do that, because it starts again with each byte.
    """
    timer = Timer(time_left(deadline), _shut_down, (sock,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut_down(sock: socket.socket) -> None:
    with suppress(OSError):
        # Not the method of a TLS socket, which would leave a pending read without decryption.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
