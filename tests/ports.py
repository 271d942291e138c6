"""Free ports for servers that are told theirs, and whether one listens there by now."""

import random
import socket
import time
from contextlib import suppress

START_SECONDS = 30


def free_port() -> int:
    """
    Return a port that nobody listens on.

    By chance and below those that the kernel gives to outgoing connections: between this look and the use of the port
    lie seconds, in which other tests look too.
    """
    while True:
        port = random.randrange(10000, 32000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def await_listener(port: int) -> None:
    """Return when somebody listens on *port*."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise TimeoutError(f"nobody listens on port {port} after {START_SECONDS} s")
