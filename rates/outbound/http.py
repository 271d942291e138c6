"""
HTTP calls with `requests`: a total deadline, a size limit, no redirects and no cookies.

The timeout of `requests` is the time between two bytes, so a header or a body that drips outlasts it, and name
resolution has none. Here `dialing` opens the connections, and each of their sockets has the deadline of the call that
uses it.

Connections are kept alive for the next call, because the TLS handshake is most of what a call costs. One that the
server has closed in the meantime is replaced within the same call.
"""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Any, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import RequestException
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from rates.outbound.deadlines import is_over, set_deadline, time_left
from rates.outbound.dialing import connect, open_socket, proxy_errors, proxy_refusal
from rates.outbound.errors import ProxyError
from rates.outbound.proxies import Endpoint, Proxy, parse_endpoint, proxy_for, read_proxy
from rates.outbound.tls import tls_context

# Bytes that are read at a time.
CHUNK = 2**16
# Seconds: a connection that was idle for longer is not used again, because a router may have dropped it silently.
LONGEST_IDLE = 30.0


class Answer(NamedTuple):
    """An HTTP answer; the names of its *headers* are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Call:
    """
    The call that the current thread is making.

    Attributes:
        deadline: nothing is read from its connection after it.
        is_reusing: its connection served an earlier call, so the server may be closing it right now.
    """

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.is_reusing = False

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make this the call of the current thread."""
        token = _call.set(self)
        try:
            yield
        finally:
            _call.reset(token)


_call: ContextVar[_Call] = ContextVar("_call")


class _Connection(HTTPConnection):
    """A connection of urllib3 that obeys the deadline of the current call."""

    used_at = 0.0
    used_by: _Call | None = None

    @property
    def is_connected(self) -> bool:
        """Whether another call may use it; otherwise the pool replaces it."""
        return time.monotonic() - self.used_at <= LONGEST_IDLE and super().is_connected

    def _new_conn(self) -> socket.socket:
        self.used_by = call = _call.get()
        sock = self._open(call.deadline)
        set_deadline(sock, call.deadline)
        return sock

    def _open(self, deadline: float) -> socket.socket:
        # If there is a proxy, this is its host: it is asked for the whole address.
        return connect(self._dns_host, self.port, deadline)

    def request(self, *args: Any, **options: Any) -> None:
        call = _call.get()
        if self.sock is not None:
            # One that was opened for this call with TLS is another object than the one that was connected.
            set_deadline(self.sock, call.deadline)
            call.is_reusing = self.used_by is not call
        self.used_by = call
        self.used_at = time.monotonic()
        super().request(*args, **options)


class _TlsConnection(_Connection, HTTPSConnection):
    """The same with TLS; through a proxy it uses a tunnel, like a WebSocket."""

    def _open(self, deadline: float) -> socket.socket:
        return open_socket(Endpoint("https", self._dns_host, self.port), deadline)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS = {"http": _Pool, "https": _TlsPool}


class _Adapter(HTTPAdapter):
    """How requests are sent, and over which connections."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        """Return the same headers as for a tunnel; `requests` fails at passwords that are not Latin-1."""
        return dict(read_proxy(proxy).headers)

    def build_connection_pool_key_attributes(self, *args: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        host, tls = super().build_connection_pool_key_attributes(*args)
        return host, {**tls, "ssl_context": tls_context()}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Name no bundle: `requests` would load its own into our context for each connection, which takes 20 ms."""
        conn.cert_reqs = "CERT_REQUIRED"


@cache
def _adapter() -> _Adapter:
    return _Adapter()


# A source is asked the same question over and over, and to prepare it takes as long as to send it.
@lru_cache(maxsize=64)
def _prepare(url: str, headers: tuple[tuple[str, str], ...]) -> requests.PreparedRequest:
    return requests.Request("GET", url, dict(headers)).prepare()


def http_get(url: str, headers: Mapping[str, str], deadline: float, longest: int) -> Answer:
    """
    Return the answer to a GET of *url*, whatever its status; the uncompressed body is cut off at *longest* + 1 bytes.

    Raises:
        OSError: no connection, a connection that broke, or no complete answer by *deadline*.
    """
    endpoint = parse_endpoint(url)
    proxy = proxy_for(endpoint) if endpoint.scheme == "http" else None
    with proxy_errors(proxy, deadline) if proxy else nullcontext(), _late_is_timeout(deadline):
        call = _Call(deadline)
        try:
            return _get(url, headers, call, proxy, longest)
        except OSError:
            if not call.is_reusing or is_over(deadline):
                raise
        # The pool has discarded the connection that failed, and opens a new one in its place.
        return _get(url, headers, _Call(deadline), proxy, longest)


@contextmanager
def _late_is_timeout(deadline: float) -> Iterator[None]:
    """Raise `TimeoutError` after *deadline* whatever happened: a truncated body may look complete."""
    failure = None
    try:
        yield
    except ProxyError:
        raise
    except OSError as error:
        failure = error
    if is_over(deadline):
        raise TimeoutError("no answer in time") from failure
    if failure:
        raise failure


def _get(url: str, headers: Mapping[str, str], call: _Call, proxy: Proxy | None, longest: int) -> Answer:
    proxies = {"http": proxy.url} if proxy else {}
    try:
        with (
            call.active(),
            # Without a session, which would follow redirects, keep cookies, and read the environment and ~/.netrc.
            _adapter().send(
                _prepare(url, tuple(headers.items())), proxies=proxies, stream=True, timeout=time_left(call.deadline)
            ) as response,
        ):
            # The server has answered, so a second attempt would not help.
            call.is_reusing = False
            if proxy and response.status_code == 407:
                raise proxy_refusal(proxy, 407)
            return Answer(response.status_code, response.headers, _read_body(response, longest))
    except (RequestException, HTTPError) as error:
        raise _find_cause(error) from None


def _read_body(response: requests.Response, longest: int) -> bytes:
    # Not a list of parts: one may be a single byte, which takes 40 bytes as an object.
    body, most = bytearray(), longest + 1
    # `read` and `iter_content` would read a chunk of negative size to the end of the connection.
    while len(body) < most and (part := response.raw.read1(min(CHUNK, most - len(body)), decode_content=True)):
        body += part
    return bytes(body)


def _find_cause(error: Exception) -> OSError:
    """Return the cause of *error*: urllib3 and `requests` wrap errors of sockets and of http.client several times."""
    for inner in (getattr(error, "reason", None), *error.args):
        if isinstance(inner, Exception):
            return _find_cause(inner)
    if isinstance(error, OSError) and not isinstance(error, RequestException):
        return error
    return ConnectionResetError(type(error).__name__)
