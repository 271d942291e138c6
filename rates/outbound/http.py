"""
HTTP by `requests`: one deadline for everything, a limit for the body; no redirect is followed, no cookie is kept.

What `requests` calls a timeout is the time between two bytes, so a header or a body that drips outlives it, and the
name look-up has none. Here a connection is opened by `dialing`, and shut down at the deadline of the call that uses it.

Connections are kept for the next call: a TLS handshake is most of what a call costs. One that its server has closed
meanwhile is replaced, and the call goes on.
"""

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import RequestException
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from rates.outbound.deadlines import is_over, shut_down_at, time_left
from rates.outbound.dialing import connect, open_socket, refused_by, told_of_proxy
from rates.outbound.errors import ProxyError
from rates.outbound.proxies import Place, Proxy, proxy_for, read_place, read_proxy
from rates.outbound.tls import tls_context

# Bytes that are read at a time.
CHUNK = 2**16
# Seconds without a call after which a connection is not used again: a router may have forgotten it without a word.
LONGEST_IDLE = 30.0


class Answer(NamedTuple):
    """An HTTP answer; *headers* are found by their names in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Call:
    """
    The call that a thread is making.

    Attributes:
        deadline: its connection is shut down then.
        is_reusing: it uses one that is kept from another call, and that the server may close at the same moment.
    """

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.is_reusing = False
        self._bound = ExitStack()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Be the call of this thread, and let go of the connection at the end."""
        token = _call.set(self)
        try:
            with self._bound:
                yield
        finally:
            _call.reset(token)

    def bind(self, sock: socket.socket) -> None:
        """Shut *sock* down at the deadline; by a copy, because TLS takes the descriptor over from the original."""
        copy = self._bound.enter_context(socket.socket(fileno=os.dup(sock.fileno())))
        self._bound.enter_context(shut_down_at(self.deadline, copy))


_call: ContextVar[_Call] = ContextVar("_call")


class _Connection(HTTPConnection):
    """A connection of urllib3 that the call decides about; of its own it would know no deadline."""

    used_at = 0.0
    used_by: _Call | None = None

    @property
    def is_connected(self) -> bool:
        """Whether a call may use it again; the pool drops it otherwise."""
        return time.monotonic() - self.used_at <= LONGEST_IDLE and super().is_connected

    def _new_conn(self) -> socket.socket:
        self.used_by = _call.get()
        sock = self._open(self.used_by.deadline)
        self.used_by.bind(sock)
        return sock

    def _open(self, deadline: float) -> socket.socket:
        # The host is that of the proxy where there is one: it is asked for the whole address.
        return connect(self._dns_host, self.port, deadline)

    def request(self, *args: Any, **options: Any) -> None:
        call = _call.get()
        if self.sock is not None and self.used_by is not call:
            self.used_by, call.is_reusing = call, True
            call.bind(self.sock)
        self.used_at = time.monotonic()
        super().request(*args, **options)


class _TlsConnection(_Connection, HTTPSConnection):
    """The same with TLS; a proxy is asked for a tunnel, as for WebSockets."""

    def _open(self, deadline: float) -> socket.socket:
        return open_socket(Place("https", self._dns_host, self.port), deadline)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS = {"http": _Pool, "https": _TlsPool}


class _Adapter(HTTPAdapter):
    """How a session connects."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        """Return the password in UTF-8, for a tunnel and here alike; that of `requests` has to be Latin-1."""
        return dict(read_proxy(proxy).headers)

    def build_connection_pool_key_attributes(self, *args: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        host, tls = super().build_connection_pool_key_attributes(*args)
        return host, {**tls, "ssl_context": tls_context()}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Name no certificates: `requests` would read its own into the context again for each connection, 20 ms."""
        conn.cert_reqs = "CERT_REQUIRED"


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return none: even without following it, `requests` would read the body of a redirect, however long."""


@cache
def _session() -> requests.Session:
    session = _Session()
    # Neither the variables of the environment nor ~/.netrc, which would replace our headers.
    session.trust_env = False
    session.headers.clear()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter())
    return session


def http_get(url: str, headers: Mapping[str, str], deadline: float, longest: int) -> Answer:
    """
    Return the answer to a GET of *url*, whatever its status; its body, uncompressed, ends after *longest* + 1 bytes.

    Raises:
        OSError: no connection, a connection that broke off, or no whole answer by *deadline*.
    """
    place = read_place(url)
    proxy = proxy_for(place) if place.scheme == "http" else None
    with told_of_proxy(proxy, deadline) if proxy else nullcontext(), _late_is_timeout(deadline):
        call = _Call(deadline)
        try:
            return _get(url, headers, call, proxy, longest)
        except OSError:
            if not call.is_reusing or is_over(deadline):
                raise
        # The pool has nothing in place of the connection that failed, so this call opens one.
        return _get(url, headers, _Call(deadline), proxy, longest)


@contextmanager
def _late_is_timeout(deadline: float) -> Iterator[None]:
    """Raise `TimeoutError` after *deadline* whatever happened: a body that was cut off may look complete."""
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
            _session().get(
                url, headers=dict(headers), proxies=proxies, stream=True, timeout=time_left(call.deadline)
            ) as response,
        ):
            # From here on another attempt would not help.
            call.is_reusing = False
            if proxy and response.status_code == 407:
                raise refused_by(proxy, 407)
            return Answer(response.status_code, response.headers, _read_body(response, longest))
    except (RequestException, HTTPError) as error:
        raise _find_cause(error) from None


def _read_body(response: requests.Response, longest: int) -> bytes:
    # Not a list of parts: a part may be a single byte, and takes 40 as an object.
    body, most = bytearray(), longest + 1
    # `read` and `iter_content` would take a chunk whose size is below zero for one without an end.
    while len(body) < most and (part := response.raw.read1(min(CHUNK, most - len(body)), decode_content=True)):
        body += part
    return bytes(body)


def _find_cause(error: Exception) -> OSError:
    """Return what *error* is about: libraries wrap the failure of a socket, or what http.client says, several times."""
    for inner in (getattr(error, "reason", None), *error.args):
        if isinstance(inner, Exception):
            return _find_cause(inner)
    if isinstance(error, OSError) and not isinstance(error, RequestException):
        return error
    return ConnectionResetError(type(error).__name__)
