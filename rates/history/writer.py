"""
From Redis to the database: minutes that are over, the hours and days that they make, and the end of what is too old.

One process does this, whoever holds the lease in Redis. A minute leaves Redis when the database has it, so a writer
that is killed on the way is followed by one that writes the same once more, which changes nothing.

Tested in `tests/history/test_recording.py`.
"""

from collections import defaultdict

from django.conf import settings

from rates import store
from rates.history import archive
from rates.history.candles import DAY, HOUR, MINUTE, Candle, floor_time
from rates.history.minutes import join_minute
from rates.history.series import Instrument

# Seconds after the end of a minute until which the last of it may come from a process: its flush, and then some.
GRACE = 7
# Minutes in one transaction, when the database was down.
MOST_MINUTES = 30


def write_closed(now: float) -> int:
    """
    Store the minutes that are over at the Unix time *now*; return how many.

    Raises:
        DatabaseError, StoreUnavailable: they wait in Redis then.
    """
    waiting = store.load_minutes(floor_time(now - GRACE, MINUTE), MOST_MINUTES)
    candles: defaultdict[Instrument, list[Candle]] = defaultdict(list)
    for minute, texts in waiting.items():
        for pair, candle in join_minute(minute, texts).items():
            candles[pair].append(candle)
    if candles:
        archive.write_candles(MINUTE, candles)
    if waiting:
        archive.merge_closed(now - GRACE)
    store.forget_minutes(waiting)
    return len(waiting)


def delete_old(now: float) -> None:
    """
    Delete the candles that are older than they are kept; those of a day are for ever.

    Raises:
        DatabaseError: they are deleted the next time then.
    """
    for interval, days in ((MINUTE, settings.RATES_CANDLES_1M_DAYS), (HOUR, settings.RATES_CANDLES_1H_DAYS)):
        archive.delete_before(interval, floor_time(now - days * DAY, DAY))
