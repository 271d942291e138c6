"""
Who a client is and by which scheme it came: the one reader of `X-Forwarded-For` and `X-Forwarded-Proto`.

Both count with `TRUSTED_PROXY` alone. Values that came in several lines are one list, as in HTTP and in Django.

    X-Forwarded-For      the last address: our proxy added it, those before it are what the client claims
    X-Forwarded-Proto    the first value, as Django reads it, in any case

An address that cannot be read counts as the proxy's own: no header lifts a limit. `Forwarded` (RFC 7239) is not read: a
proxy that sets only the other two would hand on what the client wrote there.
"""

import logging
import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, NamedTuple

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

from rates.outage_log import OutageLog

# An address in quotes or brackets, with a port, also a hidden one (RFC 7239, section 6).
BRACKETED = re.compile(r"\[([^\]]*)\](:\w+)?")
IPV4_AND_PORT = re.compile(r"([\d.]+):\w+")
# Prefix length by which clients of IPv6 are counted: one host has all addresses below it.
IPV6_PREFIX = 64
# Where a translator puts all clients of IPv4 in front of a host that has IPv6 alone (RFC 6052, section 2.1).
TRANSLATED = IPv6Network("64:ff9b::/96")
SECURE = ("https", "wss")
SCHEME_IN_META = "HTTP_X_FORWARDED_PROTO"
MISSING_SCHEME = "X-Forwarded-Proto is missing"
_log = OutageLog(logging.getLogger(__name__))


class Client(NamedTuple):
    """
    Who sends a request.

    Attributes:
        network: what limits count by: an IPv4 address, or the /64 of an IPv6 address.
        hint: for a log line about a limit: why this may be a proxy and not a client; empty when it is neither.
    """

    network: str
    hint: str


def client_of_scope(scope: dict[str, Any]) -> Client:
    """Return who opens the connection of an ASGI *scope*."""
    peer = scope.get("client")
    return _client(header_of(scope, b"x-forwarded-for"), peer[0] if peer else "")


def client_of_request(request: HttpRequest) -> Client:
    """Return who sends *request*."""
    return _client(request.headers.get("X-Forwarded-For"), request.META.get("REMOTE_ADDR", ""))


def header_of(scope: dict[str, Any], name: bytes) -> str | None:
    """Return the header *name* (lower case) of an ASGI *scope*, its lines joined; None when it is missing."""
    values = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return ",".join(values) if values else None


def _client(forwarded: str | None, peer: str) -> Client:
    if not settings.TRUSTED_PROXY:
        hint = "" if forwarded is None else "; it sends X-Forwarded-For, which counts with TRUSTED_PROXY=True only"
        return Client(network_of(peer) or peer[:100], hint)
    network = network_of((forwarded or "").rpartition(",")[2])
    if network:
        return Client(network, "")
    state = "missing" if forwarded is None else "without an address at its end"
    return Client(network_of(peer) or peer[:100], f"; TRUSTED_PROXY is on and X-Forwarded-For is {state}")


# Requests come from few addresses, and each one asks.
@lru_cache(maxsize=4096)
def network_of(text: str) -> str:
    """Return the network that *text* is counted by, an address with or without a port; empty when it is none."""
    bare = text.strip().strip('"')
    found = BRACKETED.fullmatch(bare) or IPV4_AND_PORT.fullmatch(bare)
    try:
        address = ip_address(found[1] if found else bare)
    except ValueError:
        return ""
    return str(address) if isinstance(address, IPv4Address) else _network_of_ipv6(address)


def _network_of_ipv6(address: IPv6Address) -> str:
    if address.ipv4_mapped or address in TRANSLATED:
        return str(IPv4Address(int(address) & 0xFFFFFFFF))
    if address.is_loopback:
        return str(address)
    return str(IPv6Network((int(address), IPV6_PREFIX), strict=False))


def is_secure(scope: dict[str, Any]) -> bool:
    """Return whether the client of an ASGI *scope* came by https."""
    forwarded = header_of(scope, b"x-forwarded-proto") if settings.TRUSTED_PROXY else None
    return _is_secure(scope.get("scheme", "ws") if forwarded is None else forwarded)


def _is_secure(schemes: str) -> bool:
    return schemes.partition(",")[0].strip().lower() in SECURE


def explain_scheme(scope: dict[str, Any]) -> str:
    """Return why the scheme of *scope* may not be the client's, for the line about a refused origin; else empty."""
    if header_of(scope, b"x-forwarded-proto") is None:
        return MISSING_SCHEME
    return "" if settings.TRUSTED_PROXY else "X-Forwarded-Proto counts with TRUSTED_PROXY=True only"


@sync_and_async_middleware
def forwarded_scheme(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Have Django, which compares case and all, read `X-Forwarded-Proto` as sockets do (a middleware, the first)."""

    def middleware(request: HttpRequest) -> Any:
        _normalize_scheme(request)
        return _note_circle(request, get_response(request))

    async def async_middleware(request: HttpRequest) -> Any:
        _normalize_scheme(request)
        return _note_circle(request, await get_response(request))

    return async_middleware if iscoroutinefunction(get_response) else middleware


def _normalize_scheme(request: HttpRequest) -> None:
    schemes = request.META.get(SCHEME_IN_META)
    if schemes is not None:
        request.META[SCHEME_IN_META] = "https" if _is_secure(schemes) else "http"


def _note_circle(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Log, once a minute, that a proxy may be why people are sent to https again and again; return *response*."""
    if settings.SECURE_SSL_REDIRECT and response.status_code == 301 and SCHEME_IN_META not in request.META:
        _log.failed("redirected to https, for ever where a proxy ends TLS: %s", LookupError(MISSING_SCHEME))
    return response
