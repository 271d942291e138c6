"""The last 24 hours by our own candles: on the board where no source says it, and marked so."""

import json
import time
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from rates import feed, store
from rates.history import archive
from rates.history.candles import DAY, HOUR, MINUTE, Candle, floor_time
from rates.history.day_stats import DayTracker, day_reader, read_days, read_lines
from rates.history.reading import factor_instrument
from rates.models import Coin
from rates.types import DayStats
from tests.history.test_archive import BTC
from tests.stand_ins.coingecko import CoinGecko
from tests.world import let_pass

pytestmark = pytest.mark.django_db
D = Decimal


def candle(time: int, low: str, high: str, close: str) -> Candle:
    return Candle(time, D(close), D(high), D(low), D(close), 12, "kraken", False)


def store_day(now: float, before: str = "50000") -> None:
    """Store a day in which BTC rose from *before* to 64000, between 40000 and 70000; and a wild day before it."""
    hour = floor_time(now, HOUR)
    hours = [candle(hour - n * HOUR, "60000", "65000", "62000") for n in range(23, 0, -1)]
    hours[5] = candle(hours[5].time, "40000", "70000", "61000")
    archive.write_candles(HOUR, {BTC: [candle(hour - 30 * HOUR, "1", "900000", "5"), *hours]})
    minute = floor_time(now - DAY, MINUTE) - MINUTE
    running = [candle(at, "63000", "64000", "64000") for at in range(hour, floor_time(now, MINUTE), MINUTE)]
    archive.write_candles(MINUTE, {BTC: [candle(minute, before, before, before), *running]})


@pytest.fixture
def now() -> float:
    """A time of the last hour, as far from its beginning and from its end whenever the test runs."""
    return floor_time(time.time(), HOUR) - HOUR + 20.5 * MINUTE


def test_low_and_high_are_of_the_last_24_hours_and_the_line_begins_with_the_price_before(now: float) -> None:
    store_day(now)
    DayTracker().refresh(now)
    assert read_days() == {"bitcoin": DayStats(D(50000), D(40000), D(70000))}
    line = read_lines()["bitcoin"]
    assert line[0] == (int(now - DAY), D(50000))
    assert (line[-1], len(line)) == ((floor_time(now, HOUR), D(62000)), 24)


@pytest.mark.parametrize(("minutes_ago", "seen"), [(2, False), (-3, True)])
def test_what_came_before_the_last_24_hours_does_not_count_though_its_hour_does(
    minutes_ago: int, seen: bool, now: float
) -> None:
    store_day(now)
    hour, wild = floor_time(now - DAY, HOUR), floor_time(now - DAY, MINUTE) - minutes_ago * MINUTE
    minutes = [candle(at, "50000", "50000", "50000") for at in range(hour, hour + HOUR, MINUTE) if at != wild]
    archive.write_candles(MINUTE, {BTC: sorted([*minutes, candle(wild, "20", "900000", "50000")])})
    archive.write_candles(HOUR, {BTC: [candle(hour, "20", "900000", "50000")]})
    DayTracker().refresh(now)
    assert (read_days()["bitcoin"][1:] == (D(20), D(900000))) is seen
    assert (read_days()["bitcoin"][1:] == (D(40000), D(70000))) is not seen


def test_who_has_only_prices_from_just_before_the_last_24_hours_has_no_day(now: float) -> None:
    minute = floor_time(now - DAY, MINUTE) - 3 * MINUTE
    archive.write_candles(MINUTE, {BTC: [candle(minute, "1", "3", "2")]})
    archive.merge_closed(now)
    DayTracker().refresh(now)
    assert read_days() == {}


def test_where_there_are_no_minutes_the_hour_in_which_the_day_began_counts_as_a_whole(now: float) -> None:
    hour = floor_time(now - DAY, HOUR)
    hours = [candle(hour, "20", "900000", "50000"), candle(hour + HOUR, "60000", "65000", "62000")]
    archive.write_candles(HOUR, {BTC: hours})
    DayTracker().refresh(now)
    assert read_days()["bitcoin"][1:] == (D(20), D(900000))


def test_with_less_than_a_day_the_line_says_since_when_and_has_minutes(now: float) -> None:
    hour = floor_time(now, HOUR)
    began = hour - HOUR + 4 * MINUTE
    minutes = [candle(at, "1", "3", "2") for at in range(began, floor_time(now, MINUTE), MINUTE)]
    archive.write_candles(MINUTE, {BTC: minutes})
    archive.merge_closed(now)
    DayTracker().refresh(now)
    line = read_lines()["bitcoin"]
    assert line[:2] == [(began, D(2)), (hour, D(2))]
    assert line[-1] == (floor_time(now, MINUTE), D(2))
    assert read_days() == {"bitcoin": DayStats(None, D(1), D(3))}


def test_a_line_is_converted_by_what_the_currency_was_worth_then(now: float) -> None:
    store_day(now)
    hour = floor_time(now, HOUR)
    euro = [candle(hour - HOUR, "0.9", "0.9", "0.9"), candle(hour - 2 * HOUR, "0.8", "0.8", "0.8")]
    archive.write_candles(HOUR, {factor_instrument("usd", "eur"): sorted(euro)})
    DayTracker().refresh(now)
    assert read_days().keys() == {"bitcoin"}
    # What is older than the worth that is known is left out.
    assert read_lines("eur")["bitcoin"] == [
        (hour - 2 * HOUR, D("49600")),
        (hour - HOUR, D("49600")),
        (hour, D("55800")),
    ]
    assert read_lines("jpy") == {}


def test_a_refresh_adds_what_was_written_since(now: float) -> None:
    store_day(now)
    tracker = DayTracker()
    tracker.refresh(now)
    archive.write_candles(MINUTE, {BTC: [candle(floor_time(now, MINUTE), "30000", "80000", "63000")]})
    tracker._due = 0.0
    tracker.refresh(now + MINUTE)
    assert read_days()["bitcoin"][1:] == (D(30000), D(80000))


def test_a_refresh_takes_in_what_the_backfill_has_brought(now: float) -> None:
    minute = floor_time(now, MINUTE) - MINUTE
    archive.write_candles(MINUTE, {BTC: [candle(minute, "60000", "60000", "60000")]})
    tracker = DayTracker()
    tracker.refresh(now)
    store_day(now)
    tracker._due = 0.0
    tracker.refresh(now)
    day_reader.cache_clear()
    assert read_days() == {"bitcoin": DayStats(D(50000), D(40000), D(70000))}
    assert len(read_lines()["bitcoin"]) == 24


def test_it_is_read_once_in_a_while_and_expires(now: float) -> None:
    store_day(now)
    DayTracker().refresh(now)
    assert read_days()
    store.client().delete("rates:day")
    assert read_days()
    day_reader.cache_clear()
    assert read_days() == {}
    assert store.client().ttl("rates:day") == -2


def test_another_quote_has_no_day_yet(now: float, settings: Settings) -> None:
    store_day(now)
    DayTracker().refresh(now)
    settings.QUOTE_CURRENCY = "eur"
    assert read_days() == {}


def shown(coingecko: CoinGecko) -> dict[str, Any]:
    let_pass(5)
    snapshot = feed.run_tick().saved.snapshot
    return json.loads(snapshot.fragments["BTC"].json)


def test_the_board_says_what_no_source_says_and_from_where_it_is(
    now: float, coingecko: CoinGecko, settings: Settings
) -> None:
    settings.RATES_SOURCES, settings.RATES_STREAM = ["coingecko"], []
    Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin")
    coingecko.prices["BTC"] = D(75000)
    assert "from_history" not in shown(coingecko)
    store_day(now)
    DayTracker().refresh(now)
    day_reader.cache_clear()
    coin = shown(coingecko)
    assert (coin["high_24h"], coin["low_24h"]) == ("75000", "40000")
    assert coin["change_24h_pct"].startswith("-1.409")
    assert coin["from_history"] == ["high_24h", "low_24h"]
    coingecko.change = "null"
    coin = shown(coingecko)
    assert coin["change_24h_pct"] == "50.00"
    assert coin["from_history"] == ["high_24h", "low_24h", "change_24h_pct"]
