"""Which candles are missing, and which range the next request is about; pure functions."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rates.history.candles import DAY, HOUR, MINUTE, floor_time

# Seconds before now from which candles are wanted, by interval; days as far back as vendors have them.
WANTED = {MINUTE: DAY, HOUR: 90 * DAY, DAY: 20 * 365 * DAY}
# Seconds that a minute may take from its end into the database.
SETTLED = 3 * MINUTE


class TimeRange(NamedTuple):
    """Unix times; the end is exclusive."""

    start: int
    end: int


def wanted_range(interval: int, now: float, first: int | None, kept: int, since: int | None = None) -> TimeRange:
    """
    Return the range that should be complete: what is `WANTED`, and everything from the *first* candle on.

    Nothing older than it is *kept*, in seconds. *since* replaces the usual start.
    """
    end = floor_time(now - SETTLED, interval)
    start = int(now) - WANTED[interval] if since is None else since
    if first is not None and since is None:
        start = min(start, first)
    return TimeRange(max(floor_time(start, interval), floor_time(now - kept, interval) + interval, 0), end)


def find_missing(times: Sequence[int], wanted: TimeRange, interval: int) -> list[TimeRange]:
    """Return the parts of *wanted* without a candle; *times* are those that there are, in order."""
    missing, at = [], wanted.start
    for time in times:
        if time > at:
            missing.append(TimeRange(at, min(time, wanted.end)))
        at = max(at, time + interval)
    missing.append(TimeRange(at, wanted.end))
    return [span for span in missing if span.start < span.end]


def subtract(ranges: Iterable[TimeRange], others: Iterable[TimeRange]) -> list[TimeRange]:
    """Return what is left of *ranges* without *others*."""
    left = list(ranges)
    for other in others:
        left = [part for span in left for part in _subtract(span, other)]
    return left


def _subtract(span: TimeRange, other: TimeRange) -> list[TimeRange]:
    parts = [
        TimeRange(span.start, min(span.end, other.start)),
        TimeRange(max(span.start, other.end), span.end),
    ]
    return [part for part in parts if part.start < part.end]


def select_followed(ranges: Iterable[TimeRange], times: Sequence[int], within: float) -> list[TimeRange]:
    """Return those of *ranges* that one of *times*, in order, follows within so many seconds after their end."""
    after = [(span, bisect_left(times, span.end)) for span in ranges]
    return [span for span, place in after if place < len(times) and times[place] <= span.end + within]


def newest_chunk(ranges: Iterable[TimeRange], interval: int, most: int, oldest: float) -> TimeRange | None:
    """
    Return the newest part of *ranges* for one request, with what lies between them; None if nothing is left.

    An answer has at most *most* candles, and none that began before *oldest*. So many short gaps cost one request.
    """
    missing = list(ranges)
    end = max((span.end for span in missing), default=0)
    begin = max(end - most * interval, -int(-oldest // interval) * interval)
    start = min((max(span.start, begin) for span in missing if span.end > begin), default=end)
    return TimeRange(start, end) if start < end else None
