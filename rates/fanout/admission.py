"""Who may open a socket: decided from the handshake alone, before the accept."""

import logging
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from rates.fanout.close_codes import CloseCode
from rates.forwarded import client_of_scope, explain_scheme, header_of, is_secure

logger = logging.getLogger(__name__)

# Seconds.
RETRY_AFTER = 10
LOG_INTERVAL = 60.0
# What stands in `RATES_ALLOWED_ORIGINS` for any origin; from unlisted ones no session counts.
ANY_ORIGIN = "*"
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
    check_origin(scope)
    address, hint = client_of_scope(scope)
    if draining:
        raise Refusal("draining", 503, CloseCode.SERVICE_RESTART, "restarting")
    if _open[None] >= settings.RATES_MAX_CONNECTIONS:
        log_refusal(f"{settings.RATES_MAX_CONNECTIONS} are open, RATES_MAX_CONNECTIONS")
        raise Refusal("full", 503, CloseCode.TRY_AGAIN_LATER, "too many connections")
    if _open[address] >= settings.RATES_MAX_CONNECTIONS_PER_IP:
        log_refusal(
            f"{settings.RATES_MAX_CONNECTIONS_PER_IP} are open from {address}, RATES_MAX_CONNECTIONS_PER_IP{hint}"
        )
        raise Refusal("full_for_address", 503, CloseCode.TRY_AGAIN_LATER, "too many connections from this address")
    _open.update((None, address))
    return address


def release(address: str) -> None:
    """Count one socket less for *address*."""
    _open.subtract((None, address))
    if _open[address] <= 0:
        del _open[address]


def check_origin(scope: dict[str, Any]) -> None:
    """
    Refuse a browser that shows another site's page.

    Without an `Origin` it is not a browser, and allowed. An `Origin` must equal scheme, host and port of the request's
    `Host`, or an entry of `RATES_ALLOWED_ORIGINS`; `null` is refused, unless a star there allows any.

    Raises:
        Refusal: with 403.
    """
    if not is_known_origin(scope) and ANY_ORIGIN not in settings.RATES_ALLOWED_ORIGINS:
        log_refusal(explain_origin(read_origin(scope), own_origin(scope), scope))
        raise Refusal("origin", 403, CloseCode.NOT_ALLOWED, "origin not allowed")


def is_known_origin(scope: dict[str, Any]) -> bool:
    """Return whether no browser asks, or one for a page of this site or of a listed origin: its cookies count."""
    origin = read_origin(scope)
    if not origin:
        return True
    return strip_port(origin) == strip_port(own_origin(scope)) or origin in settings.RATES_ALLOWED_ORIGINS


def read_origin(scope: dict[str, Any]) -> str:
    """Return which site's page sends a request; empty when it is no browser's."""
    return (header_of(scope, b"origin") or "").lower()


def own_origin(scope: dict[str, Any]) -> str:
    """Return the site that a request claims to be for."""
    host = (header_of(scope, b"host") or "").lower()
    return f"{'https' if is_secure(scope) else 'http'}://{host}"


def explain_origin(origin: str, own: str, scope: dict[str, Any]) -> str:
    """Return why *origin* is refused by a request that claims to be for the site *own*."""
    if own.endswith("//"):
        hint = "Host is missing"
    else:
        hint = "" if origin.partition(":")[0] == own.partition(":")[0] else explain_scheme(scope)
    claim = f"{own:.200} as the request tells it{hint and f': {hint}'}"
    return f"origin {origin:.200} is not this site ({claim}) and not in RATES_ALLOWED_ORIGINS"


def strip_port(origin: str) -> str:
    """Return *origin* without the port that its scheme implies."""
    for scheme, port in (("http://", ":80"), ("https://", ":443")):
        if origin.startswith(scheme):
            return origin.removesuffix(port)
    return origin


def log_refusal(reason: str, refused: str = "socket") -> None:
    """Log why what is *refused* is so, once a minute for the same *reason*: clients that are refused retry."""
    now = time.monotonic()
    if now - _logged.get(reason, float("-inf")) < LOG_INTERVAL:
        return
    if len(_logged) >= MAX_LOGGED_REFUSALS:
        for old in [reason for reason, at in _logged.items() if now - at >= LOG_INTERVAL]:
            del _logged[old]
        if len(_logged) >= MAX_LOGGED_REFUSALS:
            return
    _logged[reason] = now
    logger.warning("%s refused: %s", refused, reason)
