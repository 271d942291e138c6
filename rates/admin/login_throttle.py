"""
The admin's login takes so many attempts and then answers 429 for some minutes: a password cannot be found by trying.

    one name from one address   5
    one address                20
    one name                   50, except from where it has logged in within a month: nobody else can lock staff out

All within five minutes of the first. Counts are in Redis, for all web processes; without Redis the login stays open.
"""

import logging
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rates import store
from rates.exceptions import StoreUnavailable
from rates.fanout.admission import resolve_address

logger = logging.getLogger(__name__)

# Seconds.
WINDOW = 300
KNOWN_FOR = 30 * 86400
PER_PAIR, PER_ADDRESS, PER_NAME = 5, 20, 50

View = Callable[..., HttpResponse]


class Attempt(NamedTuple):
    """Who tries: hashes, so that Redis holds neither names nor addresses, and no key is longer than another."""

    pair: str
    address: str
    name: str


def throttled(login: View) -> View:
    """Return the view *login* with a limit on its attempts."""

    @wraps(login)
    def view(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        if request.method != "POST":
            return login(request, *args, **options)
        attempt = read_attempt(request)
        try:
            wait = count(attempt)
        except StoreUnavailable as error:
            logger.warning("logins are not limited: %s", error)
            return login(request, *args, **options)
        if wait:
            return refuse(request, wait)
        response = login(request, *args, **options)
        if request.user.is_authenticated:
            forgive(attempt)
        return response

    return view


def read_attempt(request: HttpRequest) -> Attempt:
    """Return who tries to log in."""
    address = read_address(request)
    name = request.POST.get("username", "").strip().casefold()
    return Attempt(_hash("pair", name, address), _hash("address", address), _hash("name", name))


def read_address(request: HttpRequest) -> str:
    """Return the client's address."""
    return resolve_address(request.headers.get("X-Forwarded-For", ""), request.META.get("REMOTE_ADDR", ""))


def _hash(*parts: str) -> str:
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def count(attempt: Attempt) -> int:
    """
    Count *attempt*; return the seconds that it has to wait, or 0.

    Raises:
        StoreUnavailable: when Redis cannot be reached.
    """
    limits = (PER_PAIR, PER_ADDRESS, PER_NAME)
    waits = [
        left if made > limit else 0
        for (made, left), limit in zip(store.count_attempts(attempt, WINDOW), limits, strict=True)
    ]
    if waits[2] and not any(waits[:2]) and store.is_known(attempt.pair):
        return 0
    return max(waits)


def forgive(attempt: Attempt) -> None:
    """Forget the attempts before the right one; those of the address stay, or one's own account would reset them."""
    try:
        store.forgive_attempts((attempt.pair, attempt.name), attempt.pair, KNOWN_FOR)
    except StoreUnavailable as error:
        logger.warning("a login was right, and its failures before still count: %s", error)


def refuse(request: HttpRequest, wait: int) -> HttpResponse:
    """Answer 429, with the time to wait."""
    logger.warning("login refused for %d s: too many attempts, this one from %s", wait, read_address(request))
    minutes = -(-wait // 60)
    response = render(request, "429.html", {"minutes": minutes}, status=429)
    response["Retry-After"] = str(wait)
    return response
