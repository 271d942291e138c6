"""Who may open a socket: decided from the handshake alone, before the accept."""

import logging
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from rates.fanout.close_codes import CloseCode

logger = logging.getLogger(__name__)

# Seconds.
RETRY_AFTER = 10
LOG_INTERVAL = 60.0
MAX_LOGGED_REFUSALS = 1000

# Sockets by client address, from their admission on; the total is under None.
_open: Counter[str | None] = Counter()
_logged: dict[str, float] = {}


@dataclass
class Refusal(Exception):
    """
    Raised when a handshake is refused.

    Attributes:
        label: the reason in one word, for the metrics.
        status: HTTP status, where the server can send one; 400, 403, 404 or 503.
        code: close code, where the server cannot send a status.
        reason: the text for the client.
    """

    label: str
    status: int
    code: CloseCode
    reason: str


def admit(scope: dict[str, Any], draining: bool = False) -> str:
    """
    Count one more socket for the client's address until `release`, and return that address.

    Raises:
        Refusal: for a foreign origin, when there are too many sockets, or when the process is *draining* its sockets.
    """
    headers = dict(scope["headers"])
    check_origin(headers, scope.get("scheme", "ws"))
    address = client_address(scope, headers)
    if draining:
        raise Refusal("draining", 503, CloseCode.SERVICE_RESTART, "restarting")
    if _open[None] >= settings.RATES_MAX_CONNECTIONS:
        log_refusal(f"{settings.RATES_MAX_CONNECTIONS} are open, RATES_MAX_CONNECTIONS")
        raise Refusal("full", 503, CloseCode.TRY_AGAIN_LATER, "too many connections")
    if _open[address] >= settings.RATES_MAX_CONNECTIONS_PER_IP:
        log_refusal(
            f"{settings.RATES_MAX_CONNECTIONS_PER_IP} are open from {address:.100}, RATES_MAX_CONNECTIONS_PER_IP"
        )
        raise Refusal("full_for_address", 503, CloseCode.TRY_AGAIN_LATER, "too many connections from this address")
    _open.update((None, address))
    return address


def release(address: str) -> None:
    """Count one socket less for *address*."""
    _open.subtract((None, address))
    if _open[address] <= 0:
        del _open[address]


def check_origin(headers: dict[bytes, bytes], scheme: str) -> None:
    """
    Refuse a browser that shows another site's page.

    Without an `Origin` it is not a browser, and allowed. An `Origin` must equal scheme, host and port of the request's
    `Host`, or an entry of `RATES_ALLOWED_ORIGINS`; `null` is refused.

    Raises:
        Refusal: with 403.
    """
    origin = headers.get(b"origin", b"").decode("latin-1").lower()
    if not origin:
        return
    if settings.TRUSTED_PROXY:
        scheme = headers.get(b"x-forwarded-proto", scheme.encode()).decode("latin-1")
    secure = scheme in ("wss", "https")
    host = headers.get(b"host", b"").decode("latin-1").lower()
    own = strip_port(f"{'https' if secure else 'http'}://{host}")
    if strip_port(origin) != own and origin not in settings.RATES_ALLOWED_ORIGINS:
        log_refusal(f"origin {origin:.200} is not this site and not in RATES_ALLOWED_ORIGINS")
        raise Refusal("origin", 403, CloseCode.NOT_ALLOWED, "origin not allowed")


def strip_port(origin: str) -> str:
    """Return *origin* without the port that its scheme implies."""
    for scheme, port in (("http://", ":80"), ("https://", ":443")):
        if origin.startswith(scheme):
            return origin.removesuffix(port)
    return origin


def log_refusal(reason: str) -> None:
    """Log why a socket is refused, once a minute for the same *reason*: clients that are refused retry."""
    now = time.monotonic()
    if now - _logged.get(reason, float("-inf")) < LOG_INTERVAL:
        return
    if len(_logged) >= MAX_LOGGED_REFUSALS:
        _logged.clear()
    _logged[reason] = now
    logger.warning("socket refused: %s", reason)


def client_address(scope: dict[str, Any], headers: dict[bytes, bytes]) -> str:
    """Return the client's address: behind a trusted proxy, the one that the proxy added last."""
    client = scope.get("client")
    return resolve_address(headers.get(b"x-forwarded-for", b"").decode("latin-1"), client[0] if client else "")


def resolve_address(forwarded: str, peer: str) -> str:
    """Return the last address in the header *forwarded* when a proxy is trusted and sent one; else *peer*."""
    return forwarded.rsplit(",", 1)[-1].strip() if settings.TRUSTED_PROXY and forwarded else peer
