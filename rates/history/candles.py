"""
Candles: what became of a price within a minute, an hour or a day; pure functions.

Stored are those of a minute, an hour and a day, `STORED`; all others of `INTERVALS` are merged from them. An interval
is a number of seconds, and is aligned to UTC.

    price ─► extend ─► RunningCandle ─► close_candle ─► Candle ─► merge ─► Candle of a longer interval
    (as published)     (one process,    (all processes
                        one minute)      that publish)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from rates.currencies import derive_price

MINUTE, HOUR, DAY = 60, 3600, 86400
STORED = (MINUTE, HOUR, DAY)
INTERVALS = {"1m": MINUTE, "5m": 300, "15m": 900, "1h": HOUR, "4h": 14400, "1d": DAY}
INTERVAL_NAMES = {seconds: name for name, seconds in INTERVALS.items()}


@dataclass(slots=True)
class RunningCandle:
    """
    What one process has published of a series within a minute so far.

    It changes hundreds of times in each publication, and no other kind of object is changed as fast.

    Attributes:
        opened_at, closed_at: Unix time of its first and last publication in that minute.
        updates: how many publications it is made of.
        source: who gave the last price.
        disputed: one of the prices was.
    """

    opened_at: float
    closed_at: float
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    updates: int
    source: str
    disputed: bool


class Candle(NamedTuple):
    """
    What became of a price within an interval.

    Attributes:
        time: Unix time at which the interval began.
        updates: publications that it is made of; 0 for a candle of a vendor.
        source: who gave the close.
        disputed: one of its prices was.
    """

    time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    updates: int
    source: str
    disputed: bool


def floor_time(seconds: float, interval: int) -> int:
    """Return the Unix time at which the interval that contains *seconds* began."""
    return int(seconds // interval) * interval


def longer_interval(interval: int) -> int | None:
    """Return the stored interval that is made of candles of the stored *interval*; None for the longest."""
    return {MINUTE: HOUR, HOUR: DAY}.get(interval)


def stored_interval(interval: int) -> int:
    """Return the stored interval that candles of *interval* are merged from."""
    return max(stored for stored in STORED if stored <= interval)


def extend(
    running: RunningCandle | None, at: float, price: Decimal, source: str, disputed: bool = False
) -> RunningCandle:
    """Return *running*, changed in place, after *price* of *source* was published once more, at the Unix time *at*."""
    if running is None:
        return RunningCandle(at, at, price, price, price, price, 1, source, disputed)
    # This runs hundreds of times in each publication, so it takes the fastest way: no `max`, no new candle.
    if price > running.high:
        running.high = price
    elif price < running.low:
        running.low = price
    running.closed_at, running.close, running.source = at, price, source
    running.updates += 1
    if disputed:
        running.disputed = True
    return running


def close_candle(time: int, parts: Sequence[RunningCandle]) -> Candle:
    """Return the candle that began at *time* from what each process has published of it."""
    c = parts[0] if len(parts) == 1 else _join_running(parts)
    return Candle(time, c.open, c.high, c.low, c.close, c.updates, c.source, c.disputed)


def _join_running(parts: Sequence[RunningCandle]) -> RunningCandle:
    first, last = min(parts, key=lambda part: part.opened_at), max(parts, key=lambda part: part.closed_at)
    return RunningCandle(
        first.opened_at,
        last.closed_at,
        first.open,
        max(part.high for part in parts),
        min(part.low for part in parts),
        last.close,
        sum(part.updates for part in parts),
        last.source,
        any(part.disputed for part in parts),
    )


def merge(candles: Iterable[Candle], interval: int) -> list[Candle]:
    """Return the candles of *interval* that *candles*, shorter ones and oldest first, make."""
    groups = groupby(candles, key=lambda candle: floor_time(candle.time, interval))
    return [_join(time, list(parts)) for time, parts in groups]


def fit_interval(candles: Sequence[Candle], interval: int, most: int) -> int:
    """Return the shortest multiple of *interval* in which *candles*, oldest first, make at most *most*, two or more."""
    if len(candles) <= most:
        return interval
    first, last = candles[0].time, candles[-1].time
    fitting = -(-(last - first) // interval // most) * interval
    while (last // fitting - first // fitting) >= most:
        fitting += interval
    return fitting


def _join(time: int, parts: Sequence[Candle]) -> Candle:
    return Candle(
        time,
        parts[0].open,
        max(part.high for part in parts),
        min(part.low for part in parts),
        parts[-1].close,
        sum(part.updates for part in parts),
        parts[-1].source,
        any(part.disputed for part in parts),
    )


def convert(candle: Candle, factor: Candle) -> Candle:
    """
    Return *candle* in another currency, *factor* being what a unit of its own is worth there at the same time.

    Open is multiplied by open, everything else by close: when within the interval the extremes came is not known.
    """
    return candle._replace(
        open=derive_price(candle.open, factor.open),
        high=derive_price(candle.high, factor.close),
        low=derive_price(candle.low, factor.close),
        close=derive_price(candle.close, factor.close),
        disputed=candle.disputed or factor.disputed,
    )
