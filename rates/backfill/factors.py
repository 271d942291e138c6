"""
What a unit of a source's quote currency was worth, by which historical candles are converted.

Tested in `tests/backfill/test_requests.py`.
"""

from collections.abc import Mapping
from decimal import Decimal

from django.conf import settings

from rates.backfill.plan import TimeRange
from rates.history import archive
from rates.history.candles import DAY, STORED, Candle, floor_time
from rates.history.series import Instrument, find_series
from rates.judgement.conversion import QUOTE_PAIRS
from rates.vendor_history.answers import HistorySource

# Seconds for which a minute's factor stands where later minutes have none: CoinGecko has a price every five minutes.
CARRIED = 900


# What a unit was worth, by time; None where nothing has to be converted.
Factors = Mapping[int, Decimal] | None


def are_complete(factors: Factors, span: TimeRange, interval: int) -> bool:
    """Return whether every candle within *span* could be converted."""
    return factors is None or all(time in factors for time in range(*span, interval))


def load_factors(source: HistorySource, span: TimeRange, interval: int) -> Factors:
    """
    Return what a unit of the quote of *source* was worth, by time; None if that is our currency.

    It is that of the same minute, or of the hour or day that contains it.
    """
    if source.QUOTE is None:
        return None
    base = QUOTE_PAIRS[source.QUOTE].partition("/")[0]
    start, end = span.start - DAY, span.end + DAY
    worth = {stored: _read(base, stored, start, end) for stored in STORED if stored >= interval}
    factors: dict[int, Decimal] = {}
    known_at, factor = start - CARRIED, Decimal(1)
    for at in range(start, end, interval):
        if found := [known[time] for each, known in worth.items() if (time := floor_time(at, each)) in known]:
            known_at, factor = at, found[0].close
        if at - known_at < CARRIED:
            factors[at] = factor
    return factors


def _read(base: str, interval: int, start: int, end: int) -> dict[int, Candle]:
    series = find_series(Instrument(base, settings.QUOTE_CURRENCY), interval)
    found = archive.read_candles(series.pk, start, end) if series else []
    return {candle.time: candle for candle in found}
