"""
The candles of what this process has published in the running minute, reported to Redis every few seconds.

    publication ─► record ─► flush: RunningCandle of each price ─► Redis, rates:minute:{time} ─► `writer`

Publishers do not wait for each other: each has its own candles, and the writer joins them. A closed minute is kept
until Redis has it.

Tested in `tests/history/test_recording.py`.
"""

import logging
import os
import secrets
import time
from decimal import Decimal
from functools import cache

from django.conf import settings

from rates import store
from rates.exceptions import StoreUnavailable
from rates.history.candles import MINUTE, RunningCandle, extend, floor_time
from rates.history.minutes import encode_minute, factor_name
from rates.store import Saved
from rates.types import USDT, USDT_PAIR, read_time

logger = logging.getLogger(__name__)

# Seconds: a process that is killed loses at most so much of the running minute.
FLUSH_INTERVAL = 20.0
# Minutes kept in memory while Redis is down; nothing is published then, so there are rarely more than two.
MOST_MINUTES = 10


class Recorder:
    """The candles that this process publishes."""

    def __init__(self) -> None:
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._minutes: dict[int, dict[str, RunningCandle]] = {}
        self._flush_due = float("-inf")

    def record(self, saved: Saved) -> None:
        """Add the publication *saved* to its minute, and report if that is due."""
        at = read_time(saved.snapshot.as_of).timestamp()
        # Not necessarily the newest one: the clock may have been set back.
        minute = floor_time(at, MINUTE)
        is_new = minute not in self._minutes
        _extend_all(self._minutes.setdefault(minute, {}), saved, at)
        if is_new or time.monotonic() >= self._flush_due:
            self.flush()

    def flush(self) -> None:
        """Report all minutes to Redis, and keep only the newest one."""
        if not self._minutes:
            return
        texts = {minute: encode_minute(candles, settings.QUOTE_CURRENCY) for minute, candles in self._minutes.items()}
        newest = next(reversed(self._minutes))
        try:
            store.save_minutes(self._name, texts)
            self._minutes = {newest: self._minutes[newest]}
            self._flush_due = time.monotonic() + FLUSH_INTERVAL
        except StoreUnavailable as error:
            logger.debug("candles wait for Redis: %s", error)
            self._minutes = dict(list(self._minutes.items())[-MOST_MINUTES:])


def _extend_all(candles: dict[str, RunningCandle], saved: Saved, at: float) -> None:
    """
    Add what *saved* says of each coin that has a price, of USDT/USD, and of each currency, to *candles*.

    A stale price proves nothing and changes nothing.
    """
    stale = frozenset(saved.stale)
    for symbol, state in saved.states.items():
        rate = state.shown
        # A coin by its CoinGecko id; USDT/USD, which has none, by its first half.
        base = state.coingecko_id or (USDT if symbol == USDT_PAIR else "")
        if rate is not None and base and symbol not in stale:
            candles[base] = extend(candles.get(base), at, rate.price, rate.source, state.disputed)
    for code, worth in saved.snapshot.currencies.items():
        if not worth.stale:
            name = factor_name(settings.QUOTE_CURRENCY, code)
            candles[name] = extend(candles.get(name), at, Decimal(worth.per_base), worth.source, worth.disputed)


@cache
def recorder() -> Recorder:
    """Return this process's recorder."""
    return Recorder()
