"""
An HTTP proxy that writes down what it is asked for; faults are those of `FAULTS`.

It finds vendors by names that no name server has, so nobody can have reached them past it.
"""

import socket
import threading
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

# It never answers, answers byte by byte, answers what is no HTTP, closes the connection, or refuses.
FAULTS = frozenset({"hang", "slow", "garbage", "closed", "403", "407", "502"})
# Seconds between two bytes of a slow answer.
DRIP = 0.02


class Asked(NamedTuple):
    """One request: its method, the address as it was written, and its headers, whose names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]


@dataclass
class ProxyStandIn:
    """
    A proxy on this machine.

    Attributes:
        routes: the port on this machine for each name of a vendor.
        fault: how it misbehaves now; empty for well.
        requests: all that it was asked for.
    """

    routes: dict[str, int] = field(default_factory=dict)
    fault: str = ""
    requests: list[Asked] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"stand_in": self}))
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def asked(self) -> list[str]:
        """What it was asked for, in short: `CONNECT vendor.test:443`."""
        return [f"{request.method} {request.target}" for request in self.requests]


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    stand_in: ProxyStandIn
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def do_CONNECT(self) -> None:
        """Open a tunnel."""
        if self._begins_well():
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._route(f"//{self.path}"))) as far:
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                splice(self.connection, far)
        self.close_connection = True

    def do_GET(self) -> None:
        """Pass a request on."""
        self.close_connection = True
        if self._begins_well():
            # One of the two may leave at any moment.
            with suppress(OSError, HTTPException):
                self._forward()
                self.close_connection = False

    def _forward(self) -> None:
        parts = urlsplit(self.path)
        headers = {name: value for name, value in self.headers.items() if not name.lower().startswith("proxy-")}
        with closing(HTTPConnection("127.0.0.1", self._route(self.path), timeout=30)) as far:
            far.request("GET", f"{parts.path}?{parts.query}", headers=headers)
            response = far.getresponse()
            self.send_response_only(response.status)
            for name, value in response.getheaders():
                self.send_header(name, value)
            self.end_headers()
            while data := response.read1(1000):
                self.wfile.write(data)

    def _route(self, address: str) -> int:
        return self.stand_in.routes[urlsplit(address).hostname or ""]

    def _begins_well(self) -> bool:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.stand_in.requests.append(Asked(self.command, self.path, headers))
        fault = self.stand_in.fault
        with suppress(OSError):
            if fault == "hang":
                self.stand_in.stopping.wait(30)
            elif fault == "slow":
                self._drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + 10_000 * b"s")
            elif fault == "garbage":
                self.wfile.write(b"SSH-2.0-OpenSSH\r\n")
            elif fault.isdigit():
                self.wfile.write(f"HTTP/1.1 {fault} No\r\nContent-Length: 0\r\n\r\n".encode())
        return not fault

    def _drip(self, data: bytes) -> None:
        for number in range(len(data)):
            self.wfile.write(data[number : number + 1])
            time.sleep(DRIP)

    def log_message(self, *args: object) -> None:
        """Be quiet."""


def splice(near: socket.socket, far: socket.socket) -> None:
    """Carry bytes both ways until both have ended."""
    back = threading.Thread(target=_carry, args=(far, near), daemon=True)
    back.start()
    _carry(near, far)
    back.join()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(2**16):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
