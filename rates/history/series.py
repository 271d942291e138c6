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
    interval: int, instruments: Collection[Instrument] | None = None, unmerged_before: int | None = None
) -> dict[Instrument, StoredSeries]:
    """Return the series of *interval*: of *instruments* alone, or those that are merged up to an earlier Unix time."""
    found = Series.objects.filter(interval=interval)
    if instruments is not None and len(instruments) < MOST_NAMED:
        found = found.filter(base__in={instrument.base for instrument in instruments})
    if unmerged_before is not None:
        found = found.filter(merged_until__lt=unmerged_before)
    rows = found.values_list("base", "quote", "pk", "merged_until")
    series = {Instrument(base, quote): StoredSeries(pk, merged) for base, quote, pk, merged in rows}
    return (
        series
        if instruments is None
        else {instrument: series[instrument] for instrument in instruments if instrument in series}
    )


def list_intervals(instrument: Instrument) -> dict[int, StoredSeries]:
    """Return the series of *instrument*, by interval."""
    found = Series.objects.filter(base=instrument.base, quote=instrument.quote)
    return {row[0]: StoredSeries(*row[1:]) for row in found.values_list("interval", "pk", "merged_until")}


def find_series(instrument: Instrument, interval: int) -> StoredSeries | None:
    """Return the series of *instrument* and *interval*; None while it has no candle."""
    return list_intervals(instrument).get(interval)


def get_series(instruments: Collection[Instrument], interval: int) -> dict[Instrument, StoredSeries]:
    """Return the series of each of *instruments*; those that do not exist yet are made."""
    known = list_series(interval, instruments)
    if missing := [Series(base=p.base, quote=p.quote, interval=interval) for p in instruments if p not in known]:
        Series.objects.bulk_create(missing, ignore_conflicts=True)
        known = list_series(interval, instruments)
    return known


def save_merged(series: Iterable[StoredSeries], until: int) -> None:
    """Remember that *series* are merged up to the Unix time *until*."""
    Series.objects.filter(pk__in=[each.pk for each in series]).update(merged_until=until)
