"""From publications to candles, and from candles to longer ones."""

from decimal import Decimal
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rates.history.candles import (
    DAY,
    HOUR,
    MINUTE,
    Candle,
    RunningCandle,
    close_candle,
    convert,
    extend,
    fit_interval,
    floor_time,
    merge,
    stored_interval,
)

D = Decimal


Published = tuple[Decimal, str, bool]


def published(price: str, marks: str = "", source: str = "kraken") -> Published:
    """Return a price as it was published, who gave it, and whether it was disputed."""
    return D(price), source, "disputed" in marks


def running(*publications: Published) -> RunningCandle | None:
    """Return what a process makes of *publications*, a second apart."""
    candle = None
    for second, publication in enumerate(publications, start=1):
        candle = extend(candle, float(second), *publication)
    return candle


def candle(time: int, prices: str, updates: int = 1, source: str = "kraken", disputed: bool = False) -> Candle:
    """Return a candle of the prices in ``"open high low close"``."""
    return Candle(time, *map(D, prices.split()), updates, source, disputed)


@given(st.lists(st.integers(0, 3000), min_size=1, unique=True), st.integers(2, 100))
def test_candles_are_merged_until_there_are_few_enough(days: list[int], most: int) -> None:
    candles = [candle(day * DAY, "5 5 5 5") for day in sorted(days)]
    fitting = fit_interval(candles, DAY, most)
    assert fitting % DAY == 0
    assert len(merge(candles, fitting)) <= most
    assert (fitting == DAY) == (len(candles) <= most)


@pytest.mark.parametrize(
    ("publications", "expected"),
    [
        ([published("5")], candle(0, "5 5 5 5")),
        ([published("5"), published("7"), published("3"), published("4")], candle(0, "5 7 3 4", 4)),
        # One that repeats a known price is a publication too.
        ([published("5"), published("5")], candle(0, "5 5 5 5", 2)),
        ([published("5"), published("6", "disputed"), published("5")], candle(0, "5 6 5 5", 3, disputed=True)),
        ([published("5"), published("6", source="binance")], candle(0, "5 6 5 6", 2, "binance")),
        # Digits as they were published.
        ([published("1.10")], candle(0, "1.10 1.10 1.10 1.10")),
        ([published("63250.123456789012345678")], candle(0, " ".join(4 * ["63250.123456789012345678"]))),
    ],
)
def test_publications_make_a_candle(publications: list[Published], expected: Candle) -> None:
    found = close_candle(0, [running(*publications)])
    assert found == expected
    assert str(found.close) == str(expected.close)


def test_what_two_processes_published_in_a_minute_is_one_candle() -> None:
    worker = RunningCandle(1.0, 55.0, D(5), D(8), D(4), D(6), 11, "coingecko", False)
    stream = RunningCandle(2.0, 59.0, D(5), D(9), D(5), D(7), 50, "binance", True)
    expected = candle(120, "5 9 4 7", 61, "binance", disputed=True)
    assert close_candle(120, [worker, stream]) == close_candle(120, [stream, worker]) == expected


@pytest.mark.parametrize(
    ("seconds", "interval", "expected"),
    [
        (0.0, MINUTE, 0),
        (59.999, MINUTE, 0),
        (60.0, MINUTE, 60),
        (1795576931.8, HOUR, 1795575600),
        (1795576931.8, DAY, 1795564800),
        (1779027899.041, 300, 1779027600),
    ],
)
def test_a_moment_belongs_to_the_interval_that_began_last(seconds: float, interval: int, expected: int) -> None:
    assert floor_time(seconds, interval) == expected


def test_longer_candles_are_merged_and_a_gap_stays_a_gap() -> None:
    minutes = [
        candle(0, "5 6 4 5", 12, "coingecko"),
        candle(60, "5 9 5 8", 12, disputed=True),
        candle(3 * HOUR, "7 7 1 2", 3, "binance"),
    ]
    assert merge(minutes, HOUR) == [candle(0, "5 9 4 8", 24, disputed=True), candle(3 * HOUR, "7 7 1 2", 3, "binance")]


@pytest.mark.parametrize(("interval", "stored"), [(60, 60), (300, 60), (900, 60), (3600, 3600), (14400, 3600)])
def test_other_intervals_are_made_of_the_longest_stored_one(interval: int, stored: int) -> None:
    assert stored_interval(interval) == stored


def test_another_currency_takes_its_own_candle_of_that_time() -> None:
    euro = candle(0, "0.9 0.95 0.85 0.8", source="coingecko")
    assert convert(candle(0, "100 120 80 110", 12), euro) == candle(0, "90.0 96.0 64.0 88.0", 12)
    assert convert(candle(0, "1 1 1 1"), euro._replace(disputed=True)).disputed


prices = st.decimals("1e-18", "1e18", allow_nan=False, allow_infinity=False)


@given(st.lists(prices, min_size=1, max_size=30), st.integers(1, 7))
def test_it_does_not_matter_how_publications_are_cut_into_pieces(seen: list[Decimal], size: int) -> None:
    publications = [(float(second), price, "kraken") for second, price in enumerate(seen)]
    pieces = [publications[begin : begin + size] for begin in range(0, len(seen), size)]
    parts = [reduce(lambda running, each: extend(running, *each), piece, None) for piece in pieces]
    whole = reduce(lambda running, each: extend(running, *each), publications, None)
    assert close_candle(0, parts) == close_candle(0, [whole])
    assert (whole.high, whole.low, whole.updates) == (max(seen), min(seen), len(seen))
