"""
Connections that end by a deadline, through the proxy where there is one.

The timeouts of sockets begin again with each byte and each address, and a name look-up has none. So the name is looked
up in a thread that may be left behind, and a connection is shut down when its time is over.

Tested in `tests/outbound/test_http.py`, `tests/outbound/test_proxies.py` and `tests/sources/test_websocket.py`.
"""

import queue
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPException, HTTPResponse
from threading import Thread
from typing import Any

from rates.outbound.deadlines import is_over, shut_down_at, time_left
from rates.outbound.errors import ProxyError, describe
from rates.outbound.proxies import SECURE, Place, Proxy, proxy_for, read_place
from rates.outbound.tls import tls_context

# Firewalls block clients that do not say who they are.
USER_AGENT = "rates-board/1.0"


@contextmanager
def open_connection(url: str, deadline: float) -> Iterator[socket.socket]:
    """
    Open a connection to the host of *url*, with TLS where its scheme asks for it; it is shut down at *deadline*.

    Raises:
        OSError: it cannot be opened, or it broke off; `TimeoutError` when that was after *deadline*.
    """
    place = read_place(url)
    try:
        with closing(_wrap(place, open_socket(place, deadline))) as sock, shut_down_at(deadline, sock):
            if isinstance(sock, ssl.SSLSocket):
                sock.do_handshake()
            yield sock
    except ProxyError:
        raise
    except OSError as error:
        if is_over(deadline):
            raise TimeoutError("no answer in time") from error
        raise


def _wrap(place: Place, sock: socket.socket) -> socket.socket:
    if place.scheme not in SECURE:
        return sock
    return tls_context().wrap_socket(sock, server_hostname=place.host, do_handshake_on_connect=False)


def open_socket(place: Place, deadline: float) -> socket.socket:
    """
    Return a socket that is connected to *place*, by a tunnel where a proxy is on the way; TLS is left to the caller.

    Raises:
        OSError: as `connect`; `ProxyError` when it is the proxy that cannot be reached, or refuses.
    """
    proxy = proxy_for(place)
    return _open_tunnel(proxy, place, deadline) if proxy else connect(place.host, place.port, deadline)


def _open_tunnel(proxy: Proxy, place: Place, deadline: float) -> socket.socket:
    with told_of_proxy(proxy, deadline):
        sock = connect(proxy.host, proxy.port, deadline)
        try:
            with shut_down_at(deadline, sock):
                status = _ask_for_tunnel(sock, proxy, place)
            if is_over(deadline):
                # A header that was cut off may look complete.
                raise TimeoutError
            if not 200 <= status < 300:
                raise refused_by(proxy, status)
        except BaseException:
            sock.close()
            raise
        return sock


def _ask_for_tunnel(sock: socket.socket, proxy: Proxy, place: Place) -> int:
    """Return the status that *proxy* answers with; 200 when *sock* leads to *place* from now on."""
    target = f"[{place.host}]:{place.port}" if ":" in place.host else f"{place.host}:{place.port}"
    headers = {"Host": target, "User-Agent": USER_AGENT, **proxy.headers}
    lines = [f"CONNECT {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    sock.sendall("\r\n".join(lines).encode())
    # It may read ahead; but neither TLS nor WebSockets let a server speak first.
    with closing(HTTPResponse(sock, method="CONNECT")) as response:
        response.begin()
        return response.status


def refused_by(proxy: Proxy, status: int) -> ProxyError:
    """Return the exception for a *status* with which *proxy* refuses to go on."""
    words = "it wants another user or password" if status == 407 else "it refuses to connect"
    return ProxyError(proxy.name, f"{words} ({status})")


@contextmanager
def told_of_proxy(proxy: Proxy, deadline: float) -> Iterator[None]:
    """Raise every failure as one of *proxy*."""
    try:
        yield
    except ProxyError:
        raise
    except (OSError, HTTPException) as error:
        words = "no answer in time" if is_over(deadline) else describe(error)
        raise ProxyError(proxy.name, words) from error


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
