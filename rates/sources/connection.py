"""
How vendors are reached: no proxy, no redirect, no connection kept, and one deadline for everything together.

The time-outs of sockets begin again with each byte and each address, and looking up a name has none. So the name is
looked up in a thread that may be left behind, and a connection is cut when its time is over.
"""

import queue
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse
from threading import Thread, Timer
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
SECURE = ("https", "wss")
# Seconds: the least that is left for a step, so that a deadline that has just passed fails as a time-out.
LEAST = 0.01
# Firewalls turn away those who do not say who they are.
USER_AGENT = "rates-board/1.0"


class Answer(NamedTuple):
    """An HTTP answer; names of *headers* are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def time_left(deadline: float) -> float:
    """Return the seconds until *deadline*, a time of the monotonic clock; never zero."""
    return max(LEAST, deadline - time.monotonic())


def describe(error: Exception) -> str:
    """Return *error* in words that name no address, no path and no header."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def http_get(url: str, headers: Mapping[str, str], deadline: float, longest: int) -> Answer:
    """
    Return the answer to a GET of *url*, whatever its status; its body ends after *longest* + 1 bytes.

    Raises:
        OSError: no connection, a connection that broke off, or no whole answer by *deadline*.
    """
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port or PORTS[parts.scheme])
    with open_connection(url, deadline) as connection.sock, closing(connection):
        try:
            connection.request("GET", f"{parts.path}?{parts.query}", headers=dict(headers))
            answer = _read(connection.getresponse(), longest)
        except HTTPException as error:
            raise ConnectionResetError(type(error).__name__) from error
    if time.monotonic() >= deadline:
        # Whatever was cut off may look complete.
        raise TimeoutError("no answer in time")
    return answer


def _read(response: HTTPResponse, longest: int) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    # `read` takes a chunk that says to be shorter than nothing for one without an end; no answer outgrows a buffer.
    body = bytearray(longest + 1)
    del body[response.readinto(body) :]
    if response.length and len(body) <= longest:
        raise ConnectionResetError("cut off")
    return Answer(response.status, headers, bytes(body))


@contextmanager
def open_connection(url: str, deadline: float) -> Iterator[socket.socket]:
    """
    Open a connection to the host of *url*, with TLS where its scheme asks for it; at *deadline* it is cut.

    Raises:
        OSError: it cannot be opened, or it broke off; `TimeoutError` when that was after *deadline*.
    """
    try:
        with closing(_wrap(urlsplit(url), open_socket(url, deadline))) as sock, _cut_at(deadline, sock):
            if isinstance(sock, ssl.SSLSocket):
                sock.do_handshake()
            yield sock
    except OSError as error:
        if time.monotonic() >= deadline:
            raise TimeoutError("no answer in time") from error
        raise


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _wrap(parts: SplitResult, sock: socket.socket) -> socket.socket:
    if parts.scheme not in SECURE:
        return sock
    return _tls().wrap_socket(sock, server_hostname=parts.hostname, do_handshake_on_connect=False)


@contextmanager
def _cut_at(deadline: float, sock: socket.socket) -> Iterator[None]:
    """Shut *sock* down at *deadline*: whoever waits for it then sees its end."""
    timer = Timer(time_left(deadline), _cut, (sock,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(sock: socket.socket) -> None:
    with suppress(OSError):
        # Not the method of a TLS socket: that one would leave a reader without its decryption.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def open_socket(url: str, deadline: float) -> socket.socket:
    """
    Return a socket that is connected to the host of *url*; TLS is left to the caller.

    Each address of the host gets an equal share of the time, so that a dead one does not use it up.

    Raises:
        OSError: when none of the addresses takes the connection by *deadline*.
    """
    parts = urlsplit(url)
    addresses = _look_up(parts.hostname or "", parts.port or PORTS[parts.scheme], deadline)
    failure = OSError("no address")
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(time_left(deadline) / (len(addresses) - tried))
            sock.connect(address)
            sock.settimeout(time_left(deadline))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def _look_up(host: str, port: int, deadline: float) -> list[Any]:
    found: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()
    Thread(target=_look_up_into, args=(found, host, port), daemon=True).start()
    try:
        result = found.get(timeout=time_left(deadline))
    except queue.Empty:
        raise TimeoutError("no answer from the name server in time") from None
    if isinstance(result, OSError):
        raise result
    return result


def _look_up_into(found: "queue.SimpleQueue[list[Any] | OSError]", host: str, port: int) -> None:
    try:
        found.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        found.put(error if isinstance(error, OSError) else OSError("not a host name"))
