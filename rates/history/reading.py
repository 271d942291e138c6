"""
Candles as they are read: of any interval, in any currency that has a history, with the running one last.

What the database does not have yet is in Redis: the running minute, and one that has just ended. Hours and days that
are not over are made of what there is of them.

Tested in `tests/api/test_history.py` and `tests/history/test_archive.py`.
"""

import logging
from collections.abc import Collection, Mapping, Sequence

from django.conf import settings

from rates import store
from rates.exceptions import StoreUnavailable
from rates.history import archive
from rates.history.candles import DAY, HOUR, MINUTE, Candle, convert, merge, stored_interval
from rates.history.minutes import join_minute
from rates.history.series import Instrument, StoredSeries, find_series, list_intervals

logger = logging.getLogger(__name__)

# Minutes that may not be in the database yet: the running one, the one before, and one for a writer that is late.
UNWRITTEN_MINUTES = 3
END_OF_TIME = 2**33


def read_history(
    pair: Instrument, interval: int, limit: int, *, start: int = 0, end: int = END_OF_TIME, currency: str | None = None
) -> list[Candle]:
    """
    Return the last *limit* candles of *interval* that begin within [*start*, *end*), oldest first.

    In another *currency* than the prices' own, candles at whose time its worth is not known are left out.

    Raises:
        DatabaseError: when the database cannot be read.
    """
    start, end = _ceil_time(start, interval), _ceil_time(end, interval)
    candles = _read(pair, interval, limit, start, end)
    if currency in (None, pair.quote):
        return candles
    factors = {c.time: c for c in _read(factor_instrument(pair.quote, str(currency)), interval, limit, start, end)}
    return [convert(candle, factors[candle.time]) for candle in candles if candle.time in factors]


def factor_instrument(quote: str, currency: str) -> Instrument:
    """Return the series of what one unit of *quote* is worth in *currency*."""
    return Instrument(quote.upper(), currency)


def has_currency(currency: str) -> bool:
    """Return whether historical prices can be converted to *currency*."""
    quote = settings.QUOTE_CURRENCY
    return currency == quote or find_series(factor_instrument(quote, currency), MINUTE) is not None


def _ceil_time(time: int, interval: int) -> int:
    return -(-time // interval) * interval


def _read(pair: Instrument, interval: int, limit: int, start: int, end: int) -> list[Candle]:
    stored = stored_interval(interval)
    all_series = list_intervals(pair)
    series = all_series.get(stored)
    # The oldest may miss a part of it, and is one more than is asked for.
    most = limit if interval == stored else (limit + 1) * (interval // stored)
    found = archive.read_candles(series.pk, start, end, most) if series else []
    newest = [candle for candle in _read_unmerged(pair, stored, all_series) if start <= candle.time < end]
    candles = _join(found, newest)
    return (candles if interval == stored else merge(candles, interval))[-limit:]


def _join(found: Sequence[Candle], newest: Sequence[Candle]) -> list[Candle]:
    """Return both in order, once for each time: as for the database, the one made of more publications stands."""
    if not newest or not found or found[-1].time < newest[0].time:
        return [*found, *newest]
    known = {candle.time: candle for candle in found}
    known |= {c.time: c for c in newest if c.time not in known or c.updates >= known[c.time].updates}
    return sorted(known.values())


def _read_unmerged(pair: Instrument, interval: int, series: Mapping[int, StoredSeries]) -> list[Candle]:
    """Return the newest candles of the stored *interval*, those that the database does not have as such."""
    minutes = read_unwritten([pair])[pair]
    if interval == MINUTE:
        return minutes
    hours = merge(_read_tail(series.get(MINUTE), minutes), HOUR)
    return hours if interval == HOUR else merge(_read_tail(series.get(HOUR), hours), DAY)


def _read_tail(series: StoredSeries | None, newer: Sequence[Candle]) -> list[Candle]:
    """Return the candles of *series* that are not merged into longer ones yet, and the *newer* ones."""
    stored = archive.read_candles(series.pk, series.merged_until, END_OF_TIME) if series else []
    return _join(stored, newer)


def read_unwritten(pairs: Collection[Instrument]) -> dict[Instrument, list[Candle]]:
    """Return the minutes of *pairs* that the database need not have yet, oldest first; none while Redis is down."""
    candles: dict[Instrument, list[Candle]] = {pair: [] for pair in pairs}
    try:
        minutes = store.load_newest_minutes(UNWRITTEN_MINUTES)
    except StoreUnavailable as error:
        logger.debug("the running minute cannot be read: %s", error)
        return candles
    for minute, texts in minutes.items():
        for pair, candle in join_minute(minute, texts, pairs).items():
            candles[pair].append(candle)
    return candles
