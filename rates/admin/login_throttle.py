"""
A login, of the admin or of the pages, allows a limited number of attempts, then responds with 429 for some minutes.

    one name from one address   5
    one address                20
    one name                   50, except from an address where it has logged in within a month, so that nobody can
                               lock staff out

All within five minutes of the first. Counts are in Redis, for all web processes; without Redis, logins are not limited.
"""

import logging
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from rates import store
from rates.exceptions import StoreUnavailable
from rates.forwarded import client_of_request

logger = logging.getLogger(__name__)

# Seconds.
WINDOW = 300
REMEMBER_ADDRESS = 30 * 86400
# Letters of a name that are shown.
LONGEST_NAME = 150
MAX_PER_PAIR, MAX_PER_ADDRESS, MAX_PER_NAME = 5, 20, 50
# Letters of a name that are shown.
LONGEST_NAME = 150

View = Callable[..., HttpResponseBase]


class Attempt(NamedTuple):
    """Who tries to log in: hashes, so that Redis stores neither names nor addresses and all keys have one length."""

    pair: str
    address: str
    name: str


def throttled(login: View) -> View:
    """Return the view *login* with a limit on attempts."""

    @wraps(login)
    def view(request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
        if request.method != "POST":
            return login(request, *args, **options)
        attempt = read_attempt(request)
        try:
            wait, limited = count_attempt(attempt)
        except StoreUnavailable as error:
            logger.warning("logins are not limited: %s", error)
            return login(request, *args, **options)
        if wait:
            return too_many_attempts(request, wait, limited)
        response = login(request, *args, **options)
        if request.user.is_authenticated:
            reset_attempts(attempt)
        return response

    return view


def read_attempt(request: HttpRequest) -> Attempt:
    """Return who tries to log in."""
    address = client_of_request(request).network
    name = request.POST.get("username", "").strip().casefold()
    return Attempt(_hash("pair", name, address), _hash("address", address), _hash("name", name))


def _hash(*parts: str) -> str:
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def count_attempt(attempt: Attempt) -> tuple[int, str]:
    """
    Count *attempt*; return the seconds until the next one is allowed, 0 when this one is, and what of it is limited.

    Raises:
        StoreUnavailable: when Redis is down.
    """
    limits = (MAX_PER_PAIR, MAX_PER_ADDRESS, MAX_PER_NAME)
    waits = [
        left if made > limit else 0
        for (made, left), limit in zip(store.count_attempts(attempt, WINDOW), limits, strict=True)
    ]
    if waits[2] and not any(waits[:2]) and store.is_known(attempt.pair):
        return 0, ""
    return max(zip(waits, Attempt._fields, strict=True))


def reset_attempts(attempt: Attempt) -> None:
    """Reset the counts after a login, but not that of the address: an attacker's own account would reset it."""
    try:
        store.forgive_attempts((attempt.pair, attempt.name), attempt.pair, REMEMBER_ADDRESS)
    except StoreUnavailable as error:
        logger.warning("failed attempts before a login could not be reset: %s", error)


def too_many_attempts(request: HttpRequest, wait: int, limited: str) -> HttpResponse:
    """Respond with 429, the time to wait, and who has to: a name, an address, or a name at an address."""
    client = client_of_request(request)
    logger.warning("login refused for %d s: too many attempts, the last from %s%s", wait, client.network, client.hint)
    context = {
        "minutes": -(-wait // 60),
        "name": request.POST.get("username", "").strip()[:LONGEST_NAME] if limited != "address" else "",
        "address": client.network if limited != "name" else "",
    }
    response = render(request, "429.html", context, status=429)
    response["Retry-After"] = str(wait)
    return response
