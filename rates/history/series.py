"""
The series of candles: one for each instrument and each stored interval.

Tested in `tests/history/test_archive.py`.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from rates.models import Series

# Of more series than this it takes less to read all of them than to name each.
MOST_NAMED = 50


class Instrument(NamedTuple):
    """What is priced, and in which currency: ``("bitcoin", "usd")``; see `models.Series`."""

    base: str
    quote: str


class StoredSeries(NamedTuple):
    """A series as it is in the database; there are hundreds, and every minute needs them."""

    pk: int
    merged_until: int


def list_series(
    interval: int, pairs: Collection[Instrument] | None = None, unmerged_before: int | None = None
) -> dict[Instrument, StoredSeries]:
    """Return the series of *interval*: of *pairs* alone, or those that are merged up to an earlier Unix time."""
    found = Series.objects.filter(interval=interval)
    if pairs is not None and len(pairs) < MOST_NAMED:
        found = found.filter(base__in={pair.base for pair in pairs})
    if unmerged_before is not None:
        found = found.filter(merged_until__lt=unmerged_before)
    rows = found.values_list("base", "quote", "pk", "merged_until")
    series = {Instrument(base, quote): StoredSeries(pk, merged) for base, quote, pk, merged in rows}
    return series if pairs is None else {pair: series[pair] for pair in pairs if pair in series}


def list_intervals(pair: Instrument) -> dict[int, StoredSeries]:
    """Return the series of *pair*, by interval."""
    found = Series.objects.filter(base=pair.base, quote=pair.quote)
    return {row[0]: StoredSeries(*row[1:]) for row in found.values_list("interval", "pk", "merged_until")}


def find_series(pair: Instrument, interval: int) -> StoredSeries | None:
    """Return the series of *pair* and *interval*; None while it has no candle."""
    return list_intervals(pair).get(interval)


def get_series(pairs: Collection[Instrument], interval: int) -> dict[Instrument, StoredSeries]:
    """Return the series of each of *pairs*; those that do not exist yet are made."""
    known = list_series(interval, pairs)
    if missing := [Series(base=p.base, quote=p.quote, interval=interval) for p in pairs if p not in known]:
        Series.objects.bulk_create(missing, ignore_conflicts=True)
        known = list_series(interval, pairs)
    return known


def save_merged(series: Iterable[StoredSeries], until: int) -> None:
    """Remember that *series* are merged up to the Unix time *until*."""
    Series.objects.filter(pk__in=[each.pk for each in series]).update(merged_until=until)
