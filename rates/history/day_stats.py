"""
The last 24 hours of each coin by our own candles: low, high, the price before, and a line to draw.

    history thread ─► refresh, every few minutes ─► Redis ─► read_days ─► board
                                                          └► read_lines ─► pages

A line is made of (Unix time, price). It begins with the price 24 hours ago or, where there is less, with the first one
there is; then come the closes of hours, in the first hours those of minutes; the reader adds the present price.
What a unit of the base was worth in other currencies is kept as lines too, so that those of coins can be converted.
"""

import json
import logging
import time
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from functools import cache

from django.conf import settings

from rates import store
from rates.currencies import derive_price
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
# Seconds between two refreshes while there is nothing yet, and for how long after the start the backfill is expected to
# bring more.
FIRST_INTERVAL = 30.0
FIRST_SECONDS = 600.0
# Seconds after the end of an hour until it is certainly stored.
SETTLED_AFTER = 30
# With fewer hours than this, a line has the minutes of the running hour too.
FEW_HOURS = 6

Point = tuple[int, Decimal]


class DayTracker:
    """What the leader keeps in memory, so that a refresh reads only what is new: closed hours, and the running one."""

    def __init__(self) -> None:
        self._due = float("-inf")
        self._started = time.monotonic()
        self._hour = self._read_until = 0
        self._hours: dict[Instrument, list[Candle]] = {}
        self._edges: dict[Instrument, list[Candle]] = {}
        self._running: dict[Instrument, Candle] = {}
        self._minutes: dict[Instrument, list[Point]] = {}
        self._began: dict[Instrument, int] = {}

    def refresh(self, now: float) -> None:
        """
        Store the statistics of all coins, if they are due.

        Raises:
            DatabaseError, StoreUnavailable: it is tried again with the next call.
        """
        if time.monotonic() < self._due:
            return
        if floor_time(now - SETTLED_AFTER, HOUR) != self._hour:
            self._begin_hour(now)
        self._read_hours(now)
        self._read_edges(now)
        self._read_minutes(now)
        store.save_day_stats(self._encode(now))
        is_first = not self._running or time.monotonic() - self._started < FIRST_SECONDS
        self._due = time.monotonic() + (FIRST_INTERVAL if is_first else REFRESH_INTERVAL)

    def _begin_hour(self, now: float) -> None:
        self._hour = self._read_until = floor_time(now - SETTLED_AFTER, HOUR)
        self._hours, self._edges, self._running, self._minutes, self._began = {}, {}, {}, {}, {}

    def _read_hours(self, now: float) -> None:
        """Read the closed hours of every coin that does not have a whole day of them: the backfill may bring more."""
        oldest = int(now - DAY) - HOUR + 1
        lacking = {i: s for i, s in list_series(HOUR).items() if len(self._hours.get(i, ())) < DAY // HOUR - 1}
        self._hours |= {i: archive.read_candles(series.pk, oldest, self._hour) for i, series in lacking.items()}
        self._began |= self._find_beginnings(lacking)

    def _read_edges(self, now: float) -> None:
        """Read the minutes of the hour in which the last 24 hours began: only some of it belongs to them."""
        hour = floor_time(now - DAY, HOUR)
        lacking = {i: series for i, series in list_series(MINUTE).items() if not self._edges.get(i)}
        self._edges |= {i: archive.read_candles(series.pk, hour, hour + HOUR) for i, series in lacking.items()}

    def _find_beginnings(self, lacking: Collection[Instrument]) -> dict[Instrument, int]:
        """Return the first minute of each coin that is *lacking* hours: its first hour may not be a whole one."""
        series = list_series(MINUTE)
        young = {i: self._hours[i][0].time for i in lacking if self._hours[i] and i in series}
        first = {i: archive.read_candles(series[i].pk, hour, hour + HOUR) for i, hour in young.items()}
        return {i: minutes[0].time for i, minutes in first.items() if minutes}

    def _read_minutes(self, now: float) -> None:
        """Add the minutes that were written since the last time to the running hour."""
        until = floor_time(now, MINUTE)
        newest = self._read_until
        for instrument, series in list_series(MINUTE).items():
            if found := archive.read_candles(series.pk, self._read_until, until):
                running = self._running.get(instrument)
                (self._running[instrument],) = merge([running, *found] if running else found, HOUR)
                self._minutes.setdefault(instrument, []).extend((c.time + MINUTE, c.close) for c in found)
                self._began.setdefault(instrument, found[0].time)
                newest = max(newest, found[-1].time + MINUTE)
        self._read_until = newest

    def _encode(self, now: float) -> str:
        quote, factor = settings.QUOTE_CURRENCY, settings.QUOTE_CURRENCY.upper()
        instruments = [i for i in {**self._hours, **self._running} if i.quote == quote or i.base == factor]
        before = find_prices([Question(instrument, now - DAY) for instrument in instruments], within=HOUR)
        described = {
            instrument: self._describe(instrument, now, found and found.price)
            for instrument, found in zip(instruments, before, strict=True)
        }
        days = {i.base: each for i, each in described.items() if each and i.base != factor}
        factors = {i.quote: each[-1] for i, each in described.items() if each and i.base == factor}
        return encode({"quote": quote, "days": days, "factors": factors})

    def _describe(self, instrument: Instrument, now: float, before: Decimal | None) -> list[object] | None:
        hours, running = self._hours.get(instrument, []), self._running.get(instrument)
        candles = [*hours, running] if running else hours
        within = [*self._find_first(instrument, now), *(candle for candle in candles if candle.time >= now - DAY)]
        if not candles or not within:
            return None
        low, high = min(candle.low for candle in within), max(candle.high for candle in within)
        first = candles[0]
        began = (int(now - DAY), before) if before else (self._began.get(instrument, first.time), first.open)
        closes = [(candle.time + HOUR, candle.close) for candle in hours]
        minutes = self._minutes.get(instrument, []) if len(hours) < FEW_HOURS else []
        line = [(at, str(price)) for at, price in (began, *closes, *minutes) if at >= began[0]]
        return [before and str(before), str(low), str(high), line]

    def _find_first(self, instrument: Instrument, now: float) -> list[Candle]:
        """Return the candles from 24 hours ago to the next full hour; where there are no minutes, the whole hour."""
        hour = floor_time(now - DAY, HOUR)
        if minutes := [candle for candle in self._edges.get(instrument, ()) if candle.time >= hour]:
            return [candle for candle in minutes if candle.time > now - DAY - MINUTE]
        return [candle for candle in self._hours.get(instrument, ()) if candle.time == hour]


class DayReader:
    """What this process has read last."""

    def __init__(self) -> None:
        self._due = float("-inf")
        self.days: Mapping[str, DayStats] = {}
        self.lines: Mapping[str, list[Point]] = {}
        self.factors: Mapping[str, list[Point]] = {}

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
        if data.get("quote") != settings.QUOTE_CURRENCY:
            data = {}
        days, factors = data.get("days", {}), data.get("factors", {})
        self.days = {
            base: DayStats(before and Decimal(before), Decimal(low), Decimal(high))
            for base, (before, low, high, _) in days.items()
        }
        self.lines = {base: _read_line(line) for base, (_, _, _, line) in days.items()}
        self.factors = {code: _read_line(line) for code, line in factors.items()}


def _read_line(line: Iterable[tuple[int, str]]) -> list[Point]:
    return [(at, Decimal(price)) for at, price in line]


@cache
def day_reader() -> DayReader:
    """Return this process's reader."""
    return DayReader()


def read_days() -> Mapping[str, DayStats]:
    """Return the last 24 hours of each coin, by CoinGecko id; empty until there are candles."""
    return day_reader().read().days


def read_lines(currency: str | None = None) -> Mapping[str, list[Point]]:
    """
    Return the (Unix time, price) to draw of each coin, by CoinGecko id; empty until there are candles.

    In another *currency*, each price is converted by what that was worth then; what is older is left out.
    """
    reader = day_reader().read()
    if currency in (None, settings.QUOTE_CURRENCY):
        return reader.lines
    factors = reader.factors.get(str(currency), [])
    converted = {base: _convert(line, factors) for base, line in reader.lines.items()}
    return {base: line for base, line in converted.items() if line}


def _convert(line: list[Point], factors: list[Point]) -> list[Point]:
    times = [at for at, _ in factors]
    return [
        (at, derive_price(price, factors[bisect_right(times, at) - 1][1]))
        for at, price in line
        if times and at >= times[0]
    ]
