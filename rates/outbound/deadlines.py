"""
Deadlines: times of the monotonic clock at which whatever uses a connection has to end.

Tested in `tests/outbound/test_http.py`.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer

# Seconds: the least that is left for a step, so that a deadline that has just passed fails as a timeout.
LEAST = 0.01


def time_left(deadline: float) -> float:
    """Return the seconds until *deadline*; never zero."""
    return max(LEAST, deadline - time.monotonic())


def is_over(deadline: float) -> bool:
    """Return whether *deadline* has passed."""
    return time.monotonic() >= deadline


@contextmanager
def shut_down_at(deadline: float, sock: socket.socket) -> Iterator[None]:
    """
    Shut *sock* down at *deadline*: whoever waits for it then reads its end.

    Its own timeout could not do that: it begins again with each byte.
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
        # Not the method of a TLS socket: that one would leave a reader without its decryption.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
