"""
Fill the gaps of all coins one after the other, while prices are fresh, and report the progress.

Tested in `tests/backfill/test_gap_filler.py`.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings

from rates import store
from rates.backfill.plan import TimeRange
from rates.backfill.requests import TETHER, Gap, StepResult, fill, has_recent_price, list_gaps, list_sources
from rates.currencies import is_pair
from rates.history.candles import DAY, INTERVAL_NAMES, floor_time
from rates.models import Backfill, Coin
from rates.types import read_time

logger = logging.getLogger(__name__)

# Seconds between two searches for new gaps; and for new coins, whose gaps do not wait for the next one.
SEARCH_INTERVAL, COINS_INTERVAL = 900.0, 60.0
# Seconds: a longer wait for a vendor is used for other gaps.
SHORT_WAIT = 2.0
# Seconds until the gaps are looked at again when all of them have to wait.
ROUND_INTERVAL = 5.0
# Seconds: the shortest range that is reported as missing; CoinGecko has a price every five minutes.
SHORTEST_REPORTED = 900
# The same for a currency's days, of which the central bank has none from Good Friday to Easter Monday.
SHORTEST_REPORTED_DAYS = 5 * DAY
# Seconds: days that are older are before most coins, and not reported as missing.
OLDEST_REPORTED_DAYS = 365 * DAY
MOST_REPORTED = 100


class GapFiller:
    """The gaps that are left, and what no vendor has."""

    def __init__(self, sleep: Callable[[float], object] = time.sleep) -> None:
        self._sleep = sleep
        self._gaps: deque[Gap] = deque()
        self._search_due = self._coins_due = self._resume_at = float("-inf")
        self._all = self._requests = self._stored = 0
        self._missing: dict[tuple[str, int], Sequence[TimeRange]] = {}
        self._all_wait = False
        self._known: set[str] = set()

    def work(self, seconds: float) -> None:
        """
        Fill gaps for some *seconds*; stop while prices are old, because they need the vendors.

        Raises:
            DatabaseError, StoreUnavailable: the next call continues.
        """
        now = time.monotonic()
        deadline, waiting = now + seconds, 0
        # A coin that never gets a price waits forever, and must not keep the others' new gaps from being found.
        if (not self._gaps or self._all_wait) and (now >= self._search_due or self._has_new_coin(now)):
            self._begin()
        # Others wait for what a USDT was worth, so it is the first when a vendor may be asked again.
        self._gaps = deque(sorted(self._gaps, key=lambda gap: gap.coin is not TETHER))
        while self._gaps and self._resume_at <= time.monotonic() < deadline and _are_prices_fresh():
            waiting = waiting + 1 if self._fill_first() else 0
            self._report()
            self._all_wait = waiting == len(self._gaps)
            if self._all_wait:
                self._resume_at = time.monotonic() + ROUND_INTERVAL

    def _has_new_coin(self, now: float) -> bool:
        """Return whether there is a coin that the last search did not know; looked up once a minute."""
        if now < self._coins_due:
            return False
        self._coins_due = now + COINS_INTERVAL
        return not self._known.issuperset(Coin.objects.enabled().values_list("coingecko_id", flat=True))

    def _begin(self) -> None:
        coins = list(Coin.objects.enabled())
        self._known = {coin.coingecko_id for coin in coins}
        # Written while the clock was ahead: nobody had that range yet.
        Backfill.objects.filter(end__gt=time.time()).delete()
        if settings.RATES_BACKFILL and list_sources():
            self._gaps = deque(list_gaps(coins))
            self._all, self._requests, self._stored, self._missing = len(self._gaps), 0, 0, {}
        self._search_due = time.monotonic() + SEARCH_INTERVAL

    def _fill_first(self) -> bool:
        """Take a step with the first gap; return True if it has to wait for a vendor, and is the last one now."""
        step = fill(self._gaps[0], time.time(), factors_follow=self._do_factors_follow(self._gaps[0]))
        if step.wait > SHORT_WAIT:
            self._gaps.rotate(-1)
            return True
        if step.wait:
            self._sleep(step.wait)
        elif step.request is None:
            gap = self._gaps.popleft()
            self._missing[gap.coin.symbol, gap.interval] = step.missing
            if step.judged_again:
                logger.info("history: %s: %d candles are no longer disputed: USDT/USD is known", gap, step.judged_again)
        else:
            self._count(step)
        return False

    def _do_factors_follow(self, gap: Gap) -> bool:
        """Return whether what a USDT was worth, in candles as long as those of *gap* or longer, is still to come."""
        return any(
            other.coin is TETHER and other.interval >= gap.interval and has_recent_price(other.instrument, time.time())
            for other in self._gaps
            if gap.coin is not TETHER
        )

    def _count(self, step: StepResult) -> None:
        self._requests += 1
        self._stored += step.stored
        logger.debug("history: %s: %d candles", step.request, step.stored)

    def _report(self) -> None:
        store.save_backfill(
            {
                "at": time.time(),
                "gaps": self._all,
                "done": self._all - len(self._gaps),
                "now": str(self._gaps[0]) if self._gaps else "",
                "requests": self._requests,
                "stored": self._stored,
                "missing": self._describe_missing(),
            }
        )

    def _describe_missing(self) -> list[dict[str, Any]]:
        ranges = [
            {"symbol": symbol, "interval": INTERVAL_NAMES[interval], "start": start, "end": end}
            for (symbol, interval), missing in self._missing.items()
            for start, end in _skip_oldest(missing, interval)
            if end - start >= _shortest_reported(symbol, interval)
        ]
        return ranges[:MOST_REPORTED]


def _skip_oldest(missing: Sequence[TimeRange], interval: int) -> list[TimeRange]:
    """Return what of *missing* is young enough to be reported."""
    oldest = floor_time(time.time() - OLDEST_REPORTED_DAYS, DAY) if interval == DAY else 0
    return [TimeRange(max(start, oldest), end) for start, end in missing if end > oldest]


def _shortest_reported(symbol: str, interval: int) -> int:
    return SHORTEST_REPORTED_DAYS if is_pair(symbol) and interval == DAY else max(SHORTEST_REPORTED, interval)


def _are_prices_fresh() -> bool:
    header = store.load_header()
    return header is not None and time.time() - read_time(header.as_of).timestamp() <= settings.RATES_STALE_AFTER
