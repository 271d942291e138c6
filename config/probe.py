"""
Whether the web process answers where it listens: `python -m config.probe`, the container's health check.

`make run` waits by it too. Tested in `tests/config/test_probe.py`.
"""

import http.client
import os
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
    """Return the status with which the server on *host* (as the setting) and *port* answers; 0 when it does not."""
    connection = http.client.HTTPConnection(reachable(host), port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(answers(os.environ.get("HOST") or "127.0.0.1", int(os.environ.get("PORT") or 8000)) != 200)
