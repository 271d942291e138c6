"""
Candles in the database: one for each series and time.

The key of a candle is the number of its series, shifted by 32 bits, plus its minute since 1970; in SQL: `id >> 32` and
`(id & 4294967295) * 60`. So the table needs no index but its primary key, and a range of a series is a range of keys.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import connection, transaction

from rates.history.candles import HOUR, MINUTE, Candle, floor_time, longer_interval, merge
from rates.history.packing import pack_prices, unpack_prices
from rates.history.series import Instrument, StoredSeries, find_series, get_series, list_series, save_merged
from rates.models import Backfill, CandleSource, StoredCandle

SERIES_SHIFT = 32
# Questions in one query: SQLite takes 32,766 values, and a question has two.
MOST_QUESTIONS = 2000

# Of two records of one candle, the one made of more publications is kept, of equals the newer. So a record may be
# written twice, a late part of a minute never replaces a whole one, and a vendor's candle (0 publications) no published
# one.
WRITE = """
INSERT INTO rates_candle (id, prices, updates, source, disputed) {rows}
ON CONFLICT (id) DO UPDATE SET prices = excluded.prices, updates = excluded.updates, source = excluded.source,
disputed = excluded.disputed WHERE excluded.updates >= rates_candle.updates
"""
# Hundreds of rows cost SQLite least as values of one prepared statement, and PostgreSQL as five lists; a statement that
# has a place for each of 1,500 values costs either of them twice as much or more.
ROW = "VALUES (%s, %s, %s, %s, %s)"
COLUMNS = "SELECT * FROM unnest(%s::bigint[], %s::bytea[], %s::integer[], %s::smallint[], %s::boolean[])"
READ = "SELECT id, prices, updates, source, disputed FROM rates_candle WHERE "
SOURCE_NAMES: Mapping[int, str] = {source.value: str(source.label) for source in CandleSource}
SOURCE_NUMBERS: Mapping[str, int] = {name: number for number, name in SOURCE_NAMES.items()}

Row = tuple[int, bytes, int, int, bool]


def make_key(series: int, time: int) -> int:
    """Return the key of the candle of *series* that begins at the Unix *time*."""
    return series << SERIES_SHIFT | time // 60


def time_of(key: int) -> int:
    """Return the Unix time at which the candle with this *key* begins."""
    return (key & (1 << SERIES_SHIFT) - 1) * 60


def write_candles(interval: int, candles: Mapping[Instrument, Sequence[Candle]]) -> None:
    """
    Store *candles* of the stored *interval*, and correct the longer ones that are merged already, in one transaction.

    Of two records of one candle, the one made of more publications is kept, of equals the newer.

    Raises:
        DatabaseError: when the database cannot be written; nothing is stored then.
    """
    with transaction.atomic():
        series = get_series(candles.keys(), interval)
        _write({series[instrument].pk: found for instrument, found in candles.items()})
        if (longer := longer_interval(interval)) is None:
            return
        late = {
            instrument: {
                floor_time(candle.time, longer) for candle in found if candle.time < series[instrument].merged_until
            }
            for instrument, found in candles.items()
        }
        _merge_into(
            longer,
            {instrument: _read_all(series[instrument], times, longer) for instrument, times in late.items() if times},
        )


def merge_closed(now: float) -> None:
    """Merge what has been stored of all hours and days that have ended since the last time."""
    for interval in (MINUTE, HOUR):
        longer = longer_interval(interval)
        assert longer is not None
        until = floor_time(now, longer)
        # In most minutes there is nothing to merge, so no transaction, which would lock SQLite.
        if due := list_series(interval, unmerged_before=until):
            with transaction.atomic():
                found = {instrument: read_candles(s.pk, s.merged_until, until) for instrument, s in due.items()}
                _merge_into(longer, {instrument: candles for instrument, candles in found.items() if candles})
                save_merged(due.values(), until)


def _read_all(series: StoredSeries, times: Iterable[int], longer: int) -> list[Candle]:
    return [candle for time in sorted(times) for candle in read_candles(series.pk, time, time + longer)]


def _merge_into(longer: int, candles: Mapping[Instrument, Sequence[Candle]]) -> None:
    merged = {instrument: _find_worthy(instrument, found, longer) for instrument, found in candles.items()}
    if merged:
        write_candles(longer, merged)


def _find_worthy(instrument: Instrument, candles: Sequence[Candle], longer: int) -> list[Candle]:
    """
    Return what *candles* make of the *longer* interval.

    Some minutes of a vendor's are no hour: where nothing in it was published, and not all is there, an hour that is
    stored already stands.
    """
    merged = merge(candles, longer)
    series = None if all(candle.updates for candle in merged) else find_series(instrument, longer)
    if series is None:
        return merged
    interval = MINUTE if longer == HOUR else HOUR
    counts = Counter(floor_time(candle.time, longer) for candle in candles)
    stored = set(read_times(series.pk, merged[0].time, merged[-1].time + 1))
    return [c for c in merged if c.updates or counts[c.time] * interval == longer or c.time not in stored]


def _write(candles: Mapping[int, Sequence[Candle]]) -> None:
    rows = [
        (make_key(series, c.time), pack_prices(c[1:5]), c.updates, SOURCE_NUMBERS[c.source], c.disputed)
        for series, found in candles.items()
        for c in found
    ]
    if not rows:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.executemany(WRITE.format(rows=ROW), rows)
        else:
            cursor.execute(WRITE.format(rows=COLUMNS), list(map(list, zip(*rows, strict=True))))


def read_rows(series: int, start: int, end: int, limit: int | None = None) -> list[Row]:
    """Return the last *limit* rows of *series* that begin within [*start*, *end*), oldest first."""
    query = READ + "id >= %s AND id < %s ORDER BY id DESC"
    values = _bounds(series, start, end)
    if limit is not None:
        query, values = query + " LIMIT %s", [*values, limit]
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        rows: list[Row] = cursor.fetchall()
    rows.reverse()
    return rows


def read_candles(series: int, start: int, end: int, limit: int | None = None) -> list[Candle]:
    """Return the last *limit* candles of *series* that begin within [*start*, *end*), oldest first."""
    return [to_candle(row) for row in read_rows(series, start, end, limit)]


def to_candle(row: Row) -> Candle:
    """Return the candle in a *row* of the table."""
    key, prices, updates, source, disputed = row
    opened, high, low, close = unpack_prices(prices)
    return Candle(time_of(key), opened, high, low, close, updates, SOURCE_NAMES[source], bool(disputed))


def read_times(series: int, start: int, end: int) -> list[int]:
    """Return when the candles of *series* within [*start*, *end*) begin, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM rates_candle WHERE id >= %s AND id < %s ORDER BY id", _bounds(series, start, end)
        )
        return [time_of(key) for (key,) in cursor.fetchall()]


def read_disputed_past(series: int, start: int, end: int) -> list[Candle]:
    """Return the vendors' candles of *series* within [*start*, *end*) that are disputed, oldest first."""
    with connection.cursor() as cursor:
        condition = "id >= %s AND id < %s AND disputed AND updates = 0 ORDER BY id"
        cursor.execute(READ + condition, _bounds(series, start, end))
        return [to_candle(row) for row in cursor.fetchall()]


def read_first(series: int, start: int = 0) -> Candle | None:
    """Return the first candle of *series* that begins at or after the Unix time *start*; None when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(READ + "id >= %s AND id < %s ORDER BY id LIMIT 1", _bounds(series, start, 2**33))
        row = cursor.fetchone()
    return None if row is None else to_candle(row)


def _bounds(series: int, start: int, end: int) -> list[int]:
    """Return the keys between which the candles of *series* that begin within [*start*, *end*) are."""
    return [make_key(series, max(0, start) + 59), make_key(series, max(0, end) + 59)]


def find_last(questions: Sequence[tuple[int, int]]) -> list[int | None]:
    """Return for each of *questions*, (series, Unix time), the key of the last candle that began at or before then."""
    found: list[int | None] = []
    for begin in range(0, len(questions), MOST_QUESTIONS):
        found += _find_last(questions[begin : begin + MOST_QUESTIONS])
    return found


def _find_last(questions: Sequence[tuple[int, int]]) -> list[int | None]:
    bounds = [bound for series, time in questions for bound in (make_key(series, 0), make_key(series, max(0, time)))]
    values = ", ".join(["(CAST(%s AS bigint), CAST(%s AS bigint))"] * len(questions))
    if not questions:
        return []
    query = (
        f"WITH asked (first, last) AS (VALUES {values}) SELECT "  # noqa: S608 - only placeholders
        "(SELECT MAX(id) FROM rates_candle WHERE id >= asked.first AND id <= asked.last) FROM asked"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, bounds)
        return [key for (key,) in cursor.fetchall()]


def load_candles(keys: Collection[int]) -> dict[int, Candle]:
    """Return the candles with these *keys*, by key."""
    wanted = sorted(keys)
    found: dict[int, Candle] = {}
    for begin in range(0, len(wanted), MOST_QUESTIONS):
        found |= _load(wanted[begin : begin + MOST_QUESTIONS])
    return found


def _load(keys: Sequence[int]) -> dict[int, Candle]:
    places = ", ".join(["%s"] * len(keys))
    with connection.cursor() as cursor:
        cursor.execute(f"{READ}id IN ({places})", list(keys))
        return {row[0]: to_candle(row) for row in cursor.fetchall()}


def delete_before(interval: int, time: int) -> None:
    """
    Delete all candles of *interval* that began before the Unix *time*, and what is recorded of their backfill.

    A record that goes on after *time* begins there from now on: when more is kept again, the rest has to be requested.
    """
    with transaction.atomic():
        for series in list_series(interval).values():
            keys = (make_key(series.pk, 0), make_key(series.pk, time))
            StoredCandle.objects.filter(pk__gte=keys[0], pk__lt=keys[1]).delete()
        _shorten_backfills(interval, time)


def _shorten_backfills(interval: int, time: int) -> None:
    earlier = Backfill.objects.filter(series__interval=interval, start__lt=time)
    for record in earlier.filter(end__gt=time):
        # A vendor has one record for each start, and the longest tells most.
        there = Backfill.objects.filter(series_id=record.series_id, source=record.source, start=time)
        if not there.filter(end__gte=record.end).exists():
            there.delete()
            Backfill.objects.filter(pk=record.pk).update(start=time)
    earlier.delete()
