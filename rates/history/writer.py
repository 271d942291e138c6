"""
Write closed minutes from Redis to the database, merge hours and days, and delete what is too old.

The leader does this. A minute is deleted from Redis when the database has it; so after a writer that was killed in
between, the next one writes the same again, which changes nothing.

Tested in `tests/history/test_recording.py`.
"""

from collections import defaultdict

from django.conf import settings

from rates import store
from rates.history import archive
from rates.history.candles import DAY, HOUR, MINUTE, Candle, floor_time
from rates.history.minutes import join_minute
from rates.history.series import Instrument

# Seconds after the end of a minute until every process has usually reported its part.
GRACE = 7
# Minutes in one transaction, after the database was down.
MOST_MINUTES = 30


def write_closed(now: float) -> int:
    """
    Store the minutes that are closed at the Unix time *now*; return their number.

    Raises:
        DatabaseError, StoreUnavailable: they stay in Redis.
    """
    waiting = store.load_minutes(floor_time(now - GRACE, MINUTE), MOST_MINUTES)
    candles: defaultdict[Instrument, list[Candle]] = defaultdict(list)
    for minute, texts in waiting.items():
        for instrument, candle in join_minute(minute, texts).items():
            candles[instrument].append(candle)
    if candles:
        archive.write_candles(MINUTE, candles)
    if waiting:
        archive.merge_closed(now - GRACE)
    store.forget_minutes(waiting)
    return len(waiting)


def delete_old(now: float) -> None:
    """
    Delete minutes and hours that are older than the settings say; days are kept for ever.

    Raises:
        DatabaseError: they are deleted the next time.
    """
    for interval, days in ((MINUTE, settings.RATES_CANDLES_1M_DAYS), (HOUR, settings.RATES_CANDLES_1H_DAYS)):
        archive.delete_before(interval, floor_time(now - days * DAY, DAY))
