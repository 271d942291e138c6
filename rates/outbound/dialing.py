"""
Connections that end by a deadline, which is a time of the monotonic clock.

The timeouts of sockets begin again with each byte and each address, and a name look-up has none. So the name is looked
up in a thread that may be left behind, and a connection is shut down when its time is over.

Tested in `tests/outbound/test_http.py` and `tests/sources/test_websocket.py`.
"""

import queue
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from threading import Thread, Timer
from typing import Any
from urllib.parse import SplitResult, urlsplit

from rates.outbound.tls import tls_context

PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
SECURE = ("https", "wss")
# Seconds: the least that is left for a step, so that a deadline that has just passed fails as a timeout.
LEAST = 0.01
# Firewalls block clients that do not say who they are.
USER_AGENT = "rates-board/1.0"


def time_left(deadline: float) -> float:
    """Return the seconds until *deadline*; never zero."""
    return max(LEAST, deadline - time.monotonic())


def describe(error: Exception) -> str:
    """Return *error* in words that name no address, no path and no header."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


@contextmanager
def open_connection(url: str, deadline: float) -> Iterator[socket.socket]:
    """
    Open a connection to the host of *url*, with TLS where its scheme asks for it; it is shut down at *deadline*.

    Raises:
        OSError: it cannot be opened, or it broke off; `TimeoutError` when that was after *deadline*.
    """
    try:
        with closing(_wrap(urlsplit(url), open_socket(url, deadline))) as sock, shut_down_at(deadline, sock):
            if isinstance(sock, ssl.SSLSocket):
                sock.do_handshake()
            yield sock
    except OSError as error:
        if time.monotonic() >= deadline:
            raise TimeoutError("no answer in time") from error
        raise


def _wrap(parts: SplitResult, sock: socket.socket) -> socket.socket:
    if parts.scheme not in SECURE:
        return sock
    return tls_context().wrap_socket(sock, server_hostname=parts.hostname, do_handshake_on_connect=False)


@contextmanager
def shut_down_at(deadline: float, sock: socket.socket) -> Iterator[None]:
    """Shut *sock* down at *deadline*: whoever waits for it then reads its end."""
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


def open_socket(url: str, deadline: float) -> socket.socket:
    """
    Return a socket that is connected to the host of *url*; TLS is left to the caller.

    Raises:
        OSError: as `connect`.
    """
    parts = urlsplit(url)
    return connect(parts.hostname or "", parts.port or PORTS[parts.scheme], deadline)


def connect(host: str, port: int, deadline: float) -> socket.socket:
    """
    Return a socket that is connected to *port* of *host*.

    Each address of the host gets an equal share of the time, so that a dead one does not use it up.

    Raises:
        OSError: when none of the addresses takes the connection by *deadline*.
    """
    addresses = _look_up(host, port, deadline)
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
