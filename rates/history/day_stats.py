"""
The last 24 hours of each coin by our own candles: low, high, the price before, and a line to draw.

    history thread ─► refresh, every few minutes ─► Redis ─► read_days ─► board
                                                          └► read_lines ─► pages

The line has the price 24 hours ago first, then the close of each hour; the present price is for the reader to add.
"""

import json
import logging
import time
from collections.abc import Mapping
from decimal import Decimal
from functools import cache

from django.conf import settings

from rates import store
from rates.exceptions import StoreUnavailable
from rates.history import archive
from rates.history.candles import DAY, HOUR, MINUTE, Candle, floor_time, merge
from rates.history.series import Instrument, list_series
from rates.history.valuation import Question, find_prices
from rates.store.codec import encode
from rates.types import DayStats

logger = logging.getLogger(__name__)

# Seconds between two refreshes, and for which a process uses what it has read.
REFRESH_INTERVAL = 300.0
READ_INTERVAL = 30.0
# Seconds between two refreshes while there is nothing yet.
FIRST_INTERVAL = 30.0


class DayTracker:
    """What the leader keeps in memory, so that a refresh reads only what is new: closed hours, and the running one."""

    def __init__(self) -> None:
        self._due = float("-inf")
        self._hour = self._read_until = 0
        self._hours: dict[Instrument, list[Candle]] = {}
        self._running: dict[Instrument, Candle] = {}

    def refresh(self, now: float) -> None:
        """
        Store the statistics of all coins, if they are due.

        Raises:
            DatabaseError, StoreUnavailable: it is tried again with the next call.
        """
        if time.monotonic() < self._due:
            return
        if floor_time(now, HOUR) != self._hour:
            self._read_hours(now)
        self._read_minutes(now)
        store.save_day_stats(self._encode(now))
        self._due = time.monotonic() + (REFRESH_INTERVAL if self._running else FIRST_INTERVAL)

    def _read_hours(self, now: float) -> None:
        hour, oldest = floor_time(now, HOUR), int(now - DAY) - HOUR + 1
        self._hours = {i: archive.read_candles(s.pk, oldest, hour) for i, s in list_series(HOUR).items()}
        self._running = {}
        self._hour = self._read_until = hour

    def _read_minutes(self, now: float) -> None:
        """Add the minutes that were written since the last time to the running hour."""
        until = floor_time(now, MINUTE)
        newest = self._read_until
        for instrument, series in list_series(MINUTE).items():
            if found := archive.read_candles(series.pk, self._read_until, until):
                running = self._running.get(instrument)
                (self._running[instrument],) = merge([running, *found] if running else found, HOUR)
                newest = max(newest, found[-1].time + MINUTE)
        self._read_until = newest

    def _encode(self, now: float) -> str:
        instruments = [i for i in {**self._hours, **self._running} if i.quote == settings.QUOTE_CURRENCY]
        before = find_prices([Question(instrument, now - DAY) for instrument in instruments], within=HOUR)
        stats = {
            instrument.base: self._describe(instrument, found and found.price)
            for instrument, found in zip(instruments, before, strict=True)
        }
        return encode({"quote": settings.QUOTE_CURRENCY, "days": {base: each for base, each in stats.items() if each}})

    def _describe(self, instrument: Instrument, before: Decimal | None) -> list[object] | None:
        hours, running = self._hours.get(instrument, []), self._running.get(instrument)
        candles = [*hours, running] if running else hours
        if not candles:
            return None
        low, high = min(candle.low for candle in candles), max(candle.high for candle in candles)
        return [before and str(before), str(low), str(high), [str(candle.close) for candle in hours]]


class DayReader:
    """What this process has read last."""

    def __init__(self) -> None:
        self._due = float("-inf")
        self.days: Mapping[str, DayStats] = {}
        self.lines: Mapping[str, list[Decimal]] = {}

    def read(self) -> "DayReader":
        """Read again if it is due; what cannot be read now is read the next time."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + READ_INTERVAL
            try:
                self._decode(store.load_day_stats())
            except StoreUnavailable as error:
                logger.debug("the last 24 hours cannot be read: %s", error)
        return self

    def _decode(self, text: str | None) -> None:
        data = json.loads(text) if text else {}
        days = data["days"] if data.get("quote") == settings.QUOTE_CURRENCY else {}
        self.days = {
            base: DayStats(before and Decimal(before), Decimal(low), Decimal(high))
            for base, (before, low, high, _) in days.items()
        }
        self.lines = {
            base: [Decimal(price) for price in (before, *closes) if price]
            for base, (before, _, _, closes) in days.items()
        }


@cache
def day_reader() -> DayReader:
    """Return this process's reader."""
    return DayReader()


def read_days() -> Mapping[str, DayStats]:
    """Return the last 24 hours of each coin, by CoinGecko id; empty until there are candles."""
    return day_reader().read().days


def read_lines() -> Mapping[str, list[Decimal]]:
    """Return the prices to draw of each coin, by CoinGecko id: 24 hours ago, then the close of each hour since."""
    return day_reader().read().lines
