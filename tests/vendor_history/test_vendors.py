"""What vendors tell of the past, well and wrongly."""

import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from rates.currencies import CENTRAL_BANK
from rates.exceptions import NotOffered, SourceError, SourceGarbled, SourceLimited, SourceUnreachable, TooLongAgo
from rates.models import Coin
from rates.vendor_history import binance as binance_past
from rates.vendor_history import coingecko as coingecko_past
from rates.vendor_history import kraken as kraken_past
from rates.vendor_history.answers import HistoryAnswer, HistorySource, VendorCandle
from rates.vendor_history.registry import HISTORY_SOURCES
from tests.coins import pairs
from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko
from tests.stand_ins.kraken import Kraken
from tests.stand_ins.sockets import HISTORY_PAUSE

MINUTE, HOUR, DAY = 60, 3600, 86400
BTC = Coin(symbol="BTC", coingecko_id="bitcoin", **pairs("BTC"))
D = Decimal
Vendor = tuple[HistorySource, Any]


# The central bank knows no coins: `test_ecb.py`.
@pytest.fixture(params=[name for name in HISTORY_SOURCES if name != CENTRAL_BANK])
def vendor(request: pytest.FixtureRequest) -> Vendor:
    """Each source with its stand-in."""
    stand_in = request.getfixturevalue(request.param)
    # CoinGecko's and Kraken's own are spaced, and none is asked twice within a test but for its faults.
    return HISTORY_SOURCES[request.param], stand_in


def begin(interval: int, count: int) -> int:
    """Return when the interval began that is *count* before the running one."""
    return int(time.time() // interval - count) * interval


def fetch(vendor: Vendor, interval: int, count: int) -> HistoryAnswer:
    source, start = vendor[0], begin(interval, count)
    return source.fetch_candles(source.find_name(BTC), interval, start, start + count * interval, 5)


@pytest.mark.parametrize(("interval", "count"), [(MINUTE, 300), (HOUR, 300), (DAY, 200)])
def test_the_past_is_whole_aligned_and_over(vendor: Vendor, interval: int, count: int) -> None:
    began = begin(interval, 0)
    past = fetch(vendor, interval, count)
    times = [candle.time for candle in past.candles]
    # CoinGecko has a price every five minutes, and needs the next one for a longer candle.
    every = 5 if vendor[0] is coingecko_past and interval == MINUTE else 1
    assert abs(len(times) - count / every) <= 2
    assert times == sorted(set(times))
    assert all(at % interval == 0 and at + interval <= time.time() for at in times)
    assert began <= past.until <= begin(interval, 0)
    price = vendor[1].history.price("BTC", times[0])
    assert abs(past.candles[0].open / price - 1) < D("0.001")
    assert abs(past.candles[-1].close / vendor[1].prices["BTC"] - 1) < D("0.02")


def test_a_day_of_coingecko_ends_with_the_next_midnight(coingecko: CoinGecko) -> None:
    past = fetch((coingecko_past, coingecko), DAY, 3)
    assert [candle.time for candle in past.candles] == [begin(DAY, count) for count in (3, 2, 1)]
    for candle in past.candles:
        assert candle.open == D(str(float(coingecko.history.price("BTC", candle.time))))
        assert candle.close == D(str(float(coingecko.history.price("BTC", candle.time + DAY))))


def test_a_candle_that_is_not_over_is_left_out_whatever_it_says(vendor: Vendor) -> None:
    vendor[1].history.fault = "running_far"
    source, now = vendor[0], begin(HOUR, 0)
    answer = source.fetch_candles(source.find_name(BTC), HOUR, now - 48 * HOUR, now + HOUR, 5)
    assert max(candle.time for candle in answer.candles) == now - HOUR
    assert max(candle.high for candle in answer.candles) < vendor[1].prices["BTC"] * 2


def test_times_are_aligned_to_their_interval(vendor: Vendor) -> None:
    vendor[1].history.fault = "misaligned"
    past = fetch(vendor, HOUR, 48)
    assert len(past.candles) >= 46
    assert all(candle.time % HOUR == 0 for candle in past.candles)


def test_an_answer_in_microseconds_is_read(binance: Binance) -> None:
    binance.history.fault = "microseconds"
    assert len(fetch((binance_past, binance), HOUR, 48).candles) == 48


def test_an_answer_of_binance_that_stops_early_does_not_say_that_there_is_no_more(binance: Binance) -> None:
    binance.history.fault = "short"
    past = fetch((binance_past, binance), HOUR, 100)
    assert len(past.candles) == 11
    assert past.until == past.candles[-1].time + HOUR < begin(HOUR, 0)
    binance.history.fault = ""
    binance.history.listed = 0
    assert fetch((binance_past, binance), HOUR, 100) == HistoryAnswer([], begin(HOUR, 0))


def test_candles_from_before_the_request_answer_none_of_it_and_it_is_not_sent_for_each_candle(vendor: Vendor) -> None:
    vendor[1].history.fault = "earlier"
    assert fetch(vendor, HOUR, 48) == HistoryAnswer([], begin(HOUR, 0))


def test_kraken_has_no_more_than_its_newest_candles(kraken: Kraken) -> None:
    past = fetch((kraken_past, kraken), HOUR, 1000)
    assert len(past.candles) in (718, 719)
    assert past.until == begin(HOUR, 0)


@pytest.mark.parametrize(
    ("fault", "error"),
    [("limited", SourceLimited), ("down", SourceUnreachable), ("garbage", SourceGarbled), ("no_pair", NotOffered)],
)
def test_every_failure_is_named(vendor: Vendor, fault: str, error: type[SourceError]) -> None:
    vendor[1].history.fault = fault
    with pytest.raises(error):
        fetch(vendor, HOUR, 10)


def test_a_limit_names_its_pause(binance: Binance) -> None:
    binance.history.fault = "limited"
    with pytest.raises(SourceLimited) as caught:
        fetch((binance_past, binance), HOUR, 10)
    assert caught.value.retry_after == HISTORY_PAUSE


def test_krakens_limit_comes_with_status_200(kraken: Kraken) -> None:
    fetch((kraken_past, kraken), HOUR, 10)
    with pytest.raises(SourceLimited):
        fetch((kraken_past, kraken), HOUR, 10)


def test_a_past_that_coingecko_does_not_tell_is_no_fault_of_the_key(coingecko: CoinGecko) -> None:
    coingecko.longest_span = 100
    with pytest.raises(TooLongAgo, match="allowed time range"):
        fetch((coingecko_past, coingecko), DAY, 200)


@pytest.mark.parametrize(("span", "asked"), [(365, 364), (180, 180), (100, 90), (90, 90), (30, 30), (7, 7), (1, 1)])
def test_fewer_days_are_asked_for_until_the_plan_has_them(span: int, asked: int, coingecko: CoinGecko) -> None:
    coingecko.longest_span = span
    for _ in range(9):
        with suppress(TooLongAgo):
            start = int(time.time() - coingecko_past.max_age(DAY) + HOUR)
            coingecko_past.fetch_candles("bitcoin", DAY, start, int(time.time()), 5)
            break
    assert coingecko_past.max_age(DAY) == asked * DAY


def test_a_plan_that_has_no_past_at_all_ends_the_search(coingecko: CoinGecko) -> None:
    coingecko.longest_span = 0
    for _ in range(6):
        with suppress(TooLongAgo):
            coingecko_past.fetch_candles("bitcoin", DAY, int(time.time()) - 300 * DAY, int(time.time()), 5)
    assert coingecko_past.max_age(DAY) == DAY
    with pytest.raises(NotOffered, match=r"^coingecko: Your request") as caught:
        coingecko_past.fetch_candles("bitcoin", DAY, int(time.time()) - 300 * DAY, int(time.time()), 5)
    assert not isinstance(caught.value, TooLongAgo)


def test_a_source_that_cannot_be_reached_is_named(settings: Any) -> None:
    with pytest.raises(SourceUnreachable, match="binance: cannot be reached"):
        binance_past.fetch_candles("BTCUSDT", HOUR, 0, HOUR, 2)


@pytest.mark.parametrize(
    ("parse", "row"),
    [
        (binance_past.parse_klines, [1795575600000, "5", "7", "4", "6", "1.5", 1795579199999]),
        (kraken_past.parse_rows, [1795575600, "5", "7", "4", "6", "5.5", "1", 3]),
    ],
)
def test_a_row_that_cannot_be_read_costs_only_itself(parse: Callable[..., list[VendorCandle]], row: list[Any]) -> None:
    row = [D(row[0]), *row[1:]]
    wrong = [
        None, [], {}, row[:3], [row[0], *"5746"[:3]], ["soon", *row[1:]], [row[0], 5, 7, 4, 6],
        [row[0], "5", "7", "-4", "6"], [row[0], "5", "5.5", "4", "6"], [row[0], "5", "NaN", "4", "6"],
        [row[0], "0", "7", "0", "6"], [row[0], "5", "1e999", "4", "6"],
    ]  # fmt: skip
    assert parse([*wrong, row], HOUR) == [VendorCandle(1795575600, D(5), D(7), D(4), D(6))]


def test_hours_of_points_are_made_of_those_in_them_and_the_next() -> None:
    points = [(0 * HOUR + 180.0, D(5)), (1 * HOUR + 200.0, D(7)), (3 * HOUR + 100.0, D(1)), (3 * HOUR + 900.0, D(2))]
    assert coingecko_past.make_candles(points, HOUR) == [
        VendorCandle(0, D(5), D(7), D(5), D(7)),
        VendorCandle(3 * HOUR, D(1), D(2), D(1), D(2)),
    ]
