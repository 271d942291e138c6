"""What is missing of a history, and in which pieces it is asked for; pure functions."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rates.history.candles import DAY, HOUR, MINUTE, floor_time

# Seconds before now from which the past is wanted, by interval; days as far as vendors go.
WANTED = {MINUTE: DAY, HOUR: 90 * DAY, DAY: 20 * 365 * DAY}
# Seconds that a minute may take from its end into the database.
SETTLED = 3 * MINUTE


class Stretch(NamedTuple):
    """A part of the past: Unix times, the end exclusive."""

    start: int
    end: int


def wanted_stretch(interval: int, now: float, first: int | None, kept: int, since: int | None = None) -> Stretch:
    """
    Return what there should be of *interval*: what is `WANTED`, and from the *first* candle on no gap.

    Nothing that is not *kept*, so many seconds; from *since* on where somebody asks for that.
    """
    end = floor_time(now - SETTLED, interval)
    start = int(now) - WANTED[interval] if since is None else since
    if first is not None and since is None:
        start = min(start, first)
    return Stretch(max(floor_time(start, interval), floor_time(now - kept, interval) + interval, 0), end)


def find_missing(times: Sequence[int], wanted: Stretch, interval: int) -> list[Stretch]:
    """Return the stretches of *wanted* in which no candle begins at one of *times*, which are in order."""
    missing, at = [], wanted.start
    for time in times:
        if time > at:
            missing.append(Stretch(at, min(time, wanted.end)))
        at = max(at, time + interval)
    missing.append(Stretch(at, wanted.end))
    return [stretch for stretch in missing if stretch.start < stretch.end]


def subtract(stretches: Iterable[Stretch], others: Iterable[Stretch]) -> list[Stretch]:
    """Return what is left of *stretches* without *others*."""
    left = list(stretches)
    for other in others:
        left = [part for stretch in left for part in _subtract(stretch, other)]
    return left


def _subtract(stretch: Stretch, other: Stretch) -> list[Stretch]:
    parts = [
        Stretch(stretch.start, min(stretch.end, other.start)),
        Stretch(max(stretch.start, other.end), stretch.end),
    ]
    return [part for part in parts if part.start < part.end]


def newest_piece(stretches: Iterable[Stretch], interval: int, most: int, oldest: float) -> Stretch | None:
    """
    Return the newest part of *stretches* that one question can be about; None when nothing is left.

    One answer has at most *most* candles, and none that began before *oldest*.
    """
    newest = max(stretches, default=None, key=lambda stretch: stretch.end)
    if newest is None:
        return None
    start = max(newest.start, newest.end - most * interval, -int(-oldest // interval) * interval)
    return Stretch(start, newest.end) if start < newest.end else None
