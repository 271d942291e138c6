"""
How many requests a minute an address may send below `/api/` (`RATES_API_RATE`); each web process counts for itself.

A window slides: of the minute before, that share counts which is less than 60 seconds ago. So an address may use its
whole allowance at once, and never much more than that within a minute. Refused requests do not count.
"""

import math
import time
from collections import OrderedDict
from dataclasses import dataclass

from django.conf import settings

from rates.api.problems import Problem
from rates.fanout.admission import log_refusal
from rates.forwarded import Client

MINUTE = 60.0
# Addresses that are remembered, of which those that asked last stay: 13 MB.
MOST_ADDRESSES = 50_000


@dataclass(slots=True)
class Window:
    """What an address sent in the minute that began at *start* (monotonic seconds), and in the one before."""

    start: float
    before: int = 0
    count: int = 0

    def slide(self, now: float) -> None:
        """Begin another minute when this one is over."""
        passed = now - self.start
        if passed >= MINUTE:
            # A minute that follows at once begins where the last one ended.
            follows = passed < 2 * MINUTE
            self.before, self.count = self.count if follows else 0, 0
            self.start = self.start + MINUTE if follows else now

    def wait(self, now: float, limit: int) -> float:
        """Return the seconds until one more request is within *limit*; 0 when it is."""
        passed = now - self.start
        if self.count >= limit:
            return MINUTE - passed + MINUTE * (1 - (limit - 1) / self.count)
        if self.before * (1 - passed / MINUTE) + self.count + 1 <= limit:
            return 0.0
        return MINUTE * (1 - (limit - self.count - 1) / self.before) - passed


class RateLimit:
    """The requests of the addresses that asked last."""

    def __init__(self) -> None:
        self._windows: OrderedDict[str, Window] = OrderedDict()

    def count(self, client: Client, now: float | None = None) -> None:
        """
        Count a request of *client*.

        Raises:
            Problem: 429 when it is one too many.
        """
        limit: int = settings.RATES_API_RATE
        if not limit:
            return
        wait = self._take(client.network, limit, time.monotonic() if now is None else now)
        if wait > 0:
            log_refusal(f"RATES_API_RATE, {limit} a minute, is used up by {client.network}{client.hint}", "request")
            detail = f"RATES_API_RATE allows {limit} requests a minute for one address; see Retry-After"
            raise Problem(429, "rate_limited", detail, {"Retry-After": str(math.ceil(wait))})

    def _take(self, address: str, limit: int, now: float) -> float:
        window = self._windows.pop(address, None) or Window(now)
        self._windows[address] = window
        if len(self._windows) > MOST_ADDRESSES:
            self._windows.popitem(last=False)
        window.slide(now)
        wait = window.wait(now, limit)
        window.count += wait <= 0
        return wait
