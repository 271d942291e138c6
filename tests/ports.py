"""Free ports for servers that are told theirs."""

import random
import socket
from contextlib import suppress


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
