"""A server that does on each connection what a test wrote down: well-behaved libraries cannot misbehave enough."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

Behaviour = Callable[[socket.socket, int], None]
# Seconds between two bytes of what drips.
DRIP = 0.02


class Scripted(NamedTuple):
    """A running server: its address, the requests that it read, and how many connections it took."""

    url: str
    port: int
    requests: list[str]
    connections: list[socket.socket]


@contextmanager
def scripted(behave: Behaviour, certificate: Path | None = None) -> Iterator[Scripted]:
    """Call *behave* with every connection and its number from 1, each in a thread; with TLS for a *certificate*."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    told = Scripted(f"{'https' if certificate else 'http'}://127.0.0.1:{port}/", port, [], [])
    threading.Thread(target=_accept, args=(server, behave, told, certificate), daemon=True).start()
    try:
        yield told
    finally:
        # A thread that waits in `accept` would keep the port.
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        for connection in told.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


def _accept(server: socket.socket, behave: Behaviour, told: Scripted, certificate: Path | None) -> None:
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            told.connections.append(connection)
            threading.Thread(
                target=_serve, args=(connection, behave, len(told.connections), told, certificate), daemon=True
            ).start()


def _serve(connection: socket.socket, behave: Behaviour, number: int, told: Scripted, certificate: Path | None) -> None:
    with suppress(OSError):
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, certificate.parent / "privkey.pem")
            connection = context.wrap_socket(connection, server_side=True)
        with connection:
            told.connections[number - 1] = connection
            behave(connection, number)


def read_request(connection: socket.socket) -> str:
    """Return the head of the next request; empty when the client has closed the connection."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            return ""
        head += byte
    return head.decode()


def answer(connection: socket.socket, body: bytes = b"{}", *headers: str, status: str = "200 OK") -> None:
    """Send a whole answer."""
    connection.sendall(head(f"Content-Length: {len(body)}", *headers, status=status) + body)


def head(*headers: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode()


def keep_answering(connection: socket.socket, _: int = 0) -> None:
    """Answer every request of a connection."""
    while read_request(connection):
        answer(connection)


def drip(connection: socket.socket, data: bytes) -> None:
    """Send *data* byte by byte."""
    for number in range(len(data)):
        connection.sendall(data[number : number + 1])
        time.sleep(DRIP)


def pour(connection: socket.socket, data: bytes, size: int) -> None:
    """Send *data* again and again, *size* bytes in all."""
    for _ in range(size // len(data)):
        connection.sendall(data)
