"""
Read candles of any interval, in any currency that has a history, with the running one last.

The running minute and one that has just closed are in Redis. Running hours and days are merged from what there is.

Tested in `tests/api/test_history.py` and `tests/history/test_archive.py`.
"""

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings

from rates import store
from rates.currencies import COIN_IDS, PARTS_OF_BTC, divide
from rates.exceptions import StoreUnavailable
from rates.history import archive
from rates.history.candles import DAY, HOUR, MINUTE, Candle, convert, merge, stored_interval
from rates.history.minutes import join_minute
from rates.history.series import Instrument, StoredSeries, find_series, list_intervals

logger = logging.getLogger(__name__)

# Minutes that may not be in the database yet: the running one, the one before, and one more for a late writer.
UNWRITTEN_MINUTES = 3
END_OF_TIME = 2**33


class History(NamedTuple):
    """Candles, oldest first, and how many more there are in the base, of times whose exchange rate is not known."""

    candles: list[Candle]
    unconverted: int = 0


def read_history(
    instrument: Instrument,
    interval: int,
    limit: int,
    *,
    start: int = 0,
    end: int = END_OF_TIME,
    currency: str | None = None,
) -> History:
    """
    Return the last *limit* candles of *interval* that begin within [*start*, *end*).

    In another *currency*, those without a known exchange rate of their time are left out.

    Raises:
        DatabaseError: when the database cannot be read.
    """
    # What a fast clock recorded is told when its time has come.
    start, end = _ceil_time(start, interval), _ceil_time(min(end, int(time.time()) + 1), interval)
    candles = _read(instrument, interval, limit, start, end)
    if currency in (None, instrument.quote) or not candles:
        return History(candles)
    factor = factor_instrument(instrument.quote, str(currency))
    factors = {c.time: c for c in _read_factors(factor, interval, candles[0].time, candles[-1].time + interval)}
    converted = [convert(candle, factors[candle.time]) for candle in candles if candle.time in factors]
    return History(converted, len(candles) - len(converted))


def factor_instrument(quote: str, currency: str) -> Instrument:
    """Return the series of what one unit of *quote* is worth in *currency*."""
    return Instrument(quote.upper(), currency)


def find_coin_unit(quote: str, currency: str) -> tuple[Instrument, Decimal] | None:
    """Return the coin that a *currency* is, and how many units of the currency are one; None for all others."""
    coin_id = COIN_IDS.get("btc" if currency in PARTS_OF_BTC else currency)
    return (Instrument(coin_id, quote), Decimal(1).scaleb(PARTS_OF_BTC.get(currency, 0))) if coin_id else None


def _read_factors(factor: Instrument, interval: int, start: int, end: int) -> list[Candle]:
    """Return what follows from the price of the coin that a currency is; and then what was recorded of *factor*."""
    limit = (end - start) // interval
    recorded = _read(factor, interval, limit, start, end)
    if (unit := find_coin_unit(factor.base.lower(), factor.quote)) is None:
        return recorded
    coin, units = unit
    return [*(_invert(candle, units) for candle in _read(coin, interval, limit, start, end)), *recorded]


def _invert(candle: Candle, units: Decimal) -> Candle:
    opened, high, low, close = (divide(units, price) for price in candle[1:5])
    return candle._replace(open=opened, high=low, low=high, close=close)


def has_currency(currency: str) -> bool:
    """Return whether there are historical prices in *currency*, be it one that is offered no longer."""
    quote = settings.QUOTE_CURRENCY
    return currency == quote or find_series(factor_instrument(quote, currency), MINUTE) is not None


def _ceil_time(time: int, interval: int) -> int:
    return -(-time // interval) * interval


def _read(instrument: Instrument, interval: int, limit: int, start: int, end: int) -> list[Candle]:
    stored = stored_interval(interval)
    all_series = list_intervals(instrument)
    series = all_series.get(stored)
    # One more than requested: the oldest may be incomplete.
    most = limit if interval == stored else (limit + 1) * (interval // stored)
    found = archive.read_candles(series.pk, start, end, most) if series else []
    newest = [candle for candle in _read_unmerged(instrument, stored, all_series) if start <= candle.time < end]
    candles = _join(found, newest)
    return (candles if interval == stored else merge(candles, interval))[-limit:]


def _join(found: Sequence[Candle], newest: Sequence[Candle]) -> list[Candle]:
    """Return both in order, one for each time: the one made of more publications, as in the database."""
    if not newest or not found or found[-1].time < newest[0].time:
        return [*found, *newest]
    known = {candle.time: candle for candle in found}
    known |= {c.time: c for c in newest if c.time not in known or c.updates >= known[c.time].updates}
    return sorted(known.values())


def _read_unmerged(instrument: Instrument, interval: int, series: Mapping[int, StoredSeries]) -> list[Candle]:
    """Return the newest candles of the stored *interval*, which are not in the database as such."""
    minutes = read_unwritten([instrument])[instrument]
    if interval == MINUTE:
        return minutes
    hours = merge(_read_tail(series.get(MINUTE), minutes), HOUR)
    return hours if interval == HOUR else merge(_read_tail(series.get(HOUR), hours), DAY)


def _read_tail(series: StoredSeries | None, newer: Sequence[Candle]) -> list[Candle]:
    """Return the candles of *series* that are not merged into longer ones yet, followed by the *newer* ones."""
    stored = archive.read_candles(series.pk, series.merged_until, int(time.time()) + 1) if series else []
    return _join(stored, newer)


def read_unwritten(instruments: Collection[Instrument]) -> dict[Instrument, list[Candle]]:
    """Return the minutes of *instruments* that may not be in the database yet; none while Redis is down."""
    candles: dict[Instrument, list[Candle]] = {instrument: [] for instrument in instruments}
    try:
        minutes = store.load_newest_minutes(time.time(), UNWRITTEN_MINUTES)
    except StoreUnavailable as error:
        logger.debug("the running minute cannot be read: %s", error)
        return candles
    for minute, texts in minutes.items():
        for instrument, candle in join_minute(minute, texts, instruments).items():
            candles[instrument].append(candle)
    return candles
