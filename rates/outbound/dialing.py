"""
Opening connections within a deadline, through a proxy if there is one.

The timeout of a socket starts again with each byte, and name resolution has none. So names are resolved in a thread
that may be left behind, and sockets have deadlines.

Tested in `tests/outbound/test_http.py`, `tests/outbound/test_proxies.py` and `tests/sources/test_websocket.py`.
"""

import queue
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPException, HTTPResponse
from threading import Thread
from typing import Any

from rates.outbound.deadlines import is_over, set_deadline, time_left
from rates.outbound.errors import ProxyError, describe
from rates.outbound.happy_eyeballs import connect_first
from rates.outbound.proxies import SECURE, Endpoint, Proxy, parse_endpoint, proxy_for
from rates.outbound.tls import tls_context

# Firewalls block clients that do not say who they are.
USER_AGENT = "rates-board/1.0"


@contextmanager
def open_connection(url: str, deadline: float) -> Iterator[socket.socket]:
    """
    Open a connection to the host of *url*, with TLS for https and wss.

    Whoever uses it has to set its timeout to what is left until *deadline* before each step: it starts again with each.

    Raises:
        OSError: the connection cannot be opened, or broke; `TimeoutError` if that was after *deadline*.
    """
    endpoint = parse_endpoint(url)
    try:
        with closing(_wrap(endpoint, open_socket(endpoint, deadline))) as sock:
            sock.settimeout(time_left(deadline))
            if isinstance(sock, ssl.SSLSocket):
                sock.do_handshake()
            yield sock
    except ProxyError:
        raise
    except OSError as error:
        if is_over(deadline):
            raise TimeoutError("no answer in time") from error
        raise


def _wrap(endpoint: Endpoint, sock: socket.socket) -> socket.socket:
    if endpoint.scheme not in SECURE:
        return sock
    return tls_context().wrap_socket(sock, server_hostname=endpoint.host, do_handshake_on_connect=False)


def open_socket(endpoint: Endpoint, deadline: float) -> socket.socket:
    """
    Return a socket that is connected to *endpoint*, through a tunnel if there is a proxy; TLS is left to the caller.

    Raises:
        OSError: as `connect`; `ProxyError` if the proxy is down, or refuses.
    """
    proxy = proxy_for(endpoint)
    return _open_tunnel(proxy, endpoint, deadline) if proxy else connect(endpoint.host, endpoint.port, deadline)


def _open_tunnel(proxy: Proxy, endpoint: Endpoint, deadline: float) -> socket.socket:
    with proxy_errors(proxy, deadline):
        sock = connect(proxy.host, proxy.port, deadline)
        try:
            set_deadline(sock, deadline)
            status = _ask_for_tunnel(sock, proxy, endpoint)
            if is_over(deadline):
                # A truncated header may look complete.
                raise TimeoutError
            if not 200 <= status < 300:
                raise proxy_refusal(proxy, status)
        except BaseException:
            sock.close()
            raise
        return sock


def _ask_for_tunnel(sock: socket.socket, proxy: Proxy, endpoint: Endpoint) -> int:
    """Return the status of the answer of *proxy*; after a 200, *sock* is connected to *endpoint*."""
    target = f"[{endpoint.host}]:{endpoint.port}" if ":" in endpoint.host else f"{endpoint.host}:{endpoint.port}"
    headers = {"Host": target, "User-Agent": USER_AGENT, **proxy.headers}
    lines = [f"CONNECT {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    sock.sendall("\r\n".join(lines).encode())
    # It may read ahead, but with TLS and WebSockets the client speaks first.
    with closing(HTTPResponse(sock, method="CONNECT")) as response:
        response.begin()
        return response.status


def proxy_refusal(proxy: Proxy, status: int) -> ProxyError:
    """Return the exception for the *status* of a refusal."""
    words = "it requires a valid user and password" if status == 407 else "it refuses to connect"
    return ProxyError(proxy.name, f"{words} ({status})")


@contextmanager
def proxy_errors(proxy: Proxy, deadline: float) -> Iterator[None]:
    """Turn every error into a `ProxyError`."""
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

    Raises:
        OSError: if none of its addresses accepts the connection by *deadline*.
    """
    sock = connect_first((host, port), _resolve(host, port, deadline), deadline)
    sock.settimeout(time_left(deadline))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _resolve(host: str, port: int, deadline: float) -> list[Any]:
    with suppress(OSError, UnicodeError):
        # An address needs no name server, so nothing has to be waited for.
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    found: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()
    Thread(target=_resolve_into, args=(found, host, port), daemon=True).start()
    try:
        result = found.get(timeout=time_left(deadline))
    except queue.Empty:
        raise TimeoutError("no answer from the name server in time") from None
    if isinstance(result, OSError):
        raise result
    return result


def _resolve_into(found: "queue.SimpleQueue[list[Any] | OSError]", host: str, port: int) -> None:
    try:
        found.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        found.put(error if isinstance(error, OSError) else OSError("not a host name"))
