"""
Which proxy leads to a vendor: `HTTP_PROXY` for http and ws, `HTTPS_PROXY` for https and wss.

Hosts in `NO_PROXY` are reached directly, and so are loopback addresses: to a proxy they would mean itself.
"""

import ipaddress
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from django.conf import settings

PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
SECURE = ("https", "wss")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Endpoint(NamedTuple):
    """What a URL connects to; *host* is lower case."""

    scheme: str
    host: str
    port: int


class Proxy(NamedTuple):
    """
    An HTTP proxy.

    Attributes:
        url: its address, with user and password.
        name: its address without them.
        headers: its authorization, if any.
    """

    url: str
    name: str
    host: str
    port: int
    headers: Mapping[str, str]


def parse_endpoint(url: str) -> Endpoint:
    """Return what *url* connects to."""
    parts = urlsplit(url)
    return Endpoint(parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme])


def proxy_for(endpoint: Endpoint) -> Proxy | None:
    """Return the proxy that leads to *endpoint*; None if it is reached directly."""
    url = settings.HTTPS_PROXY if endpoint.scheme in SECURE else settings.HTTP_PROXY
    return read_proxy(url) if url and not _bypasses_proxy(endpoint) else None


@cache
def read_proxy(url: str) -> Proxy:
    """Return the proxy at *url*."""
    parts, endpoint = urlsplit(url), parse_endpoint(url)
    name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return Proxy(url, name, endpoint.host, endpoint.port, _authorization(parts.username, parts.password))


def _authorization(user: str | None, password: str | None) -> dict[str, str]:
    if user is None:
        return {}
    secret = b64encode(f"{unquote(user)}:{unquote(password or '')}".encode()).decode()
    return {"Proxy-Authorization": f"Basic {secret}"}


def _bypasses_proxy(endpoint: Endpoint) -> bool:
    host = endpoint.host.rstrip(".")
    address = _read_address(host)
    if host == "localhost" or host.endswith(".localhost") or (address and address.is_loopback):
        return True
    return any(_matches(entry.lower(), host, address, endpoint.port) for entry in settings.NO_PROXY)


def _read_address(host: str) -> Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _matches(entry: str, host: str, address: Address | None, port: int) -> bool:
    """Return whether an *entry* of `NO_PROXY` covers *host*: `*`, a network, or a domain and its subdomains."""
    if network := _read_network(entry):
        return address is not None and address in network
    name, _, wanted = entry.partition(":")
    name = name.removeprefix("*").strip(".")
    return entry == "*" or (wanted in ("", str(port)) and name != "" and f".{host}".endswith(f".{name}"))


def _read_network(entry: str) -> Network | None:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None
