"""
Whether the web process answers where it listens: `python -m config.probe`, the container's health check.

`make run` waits by it too. Tested in `tests/config/test_probe.py`.
"""

import os
import socket
import sys
from contextlib import suppress
from ipaddress import ip_address


def reachable(host: str) -> str:
    """Return the address at which this machine reaches a server that listens on *host*, without brackets."""
    host = host.removeprefix("[").removesuffix("]")
    with suppress(ValueError):
        address = ip_address(host)
        if address.is_unspecified:
            return "127.0.0.1" if address.version == 4 else "::1"
    return host


def answers(host: str, port: int) -> int:
    """
    Return the status with which the server on *host* (as the setting) and *port* answers; 0 when it does not.

    Only the first line of an answer is wanted, for which http.client would load the parser of mails, 2 MB.
    """
    with suppress(OSError, ValueError), socket.create_connection((reachable(host), port), timeout=5) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
        _protocol, status, *_reason = connection.makefile("rb").readline(100).split()
        return int(status)
    return 0


if __name__ == "__main__":
    sys.exit(answers(os.environ.get("HOST") or "127.0.0.1", int(os.environ.get("PORT") or 8000)) != 200)
