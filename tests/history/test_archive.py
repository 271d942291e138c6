"""Candles in the database: exact, once each, merged, and forgotten when their time is over."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from config import settings as configuration
from rates.history import archive
from rates.history.candles import DAY, HOUR, MINUTE, Candle
from rates.history.packing import pack_prices, unpack_prices
from rates.history.series import Instrument, find_series
from rates.models import Backfill, CandleSource, Series, StoredCandle
from tests.history.test_candles import candle

BTC, ETH = Instrument("bitcoin", "usd"), Instrument("ethereum", "usd")
# Midnight.
BEGIN = 1_795_564_800
digits = st.decimals("1e-18", "1e18", allow_nan=False, allow_infinity=False)
long_digits = st.tuples(st.integers(1, 10**60), st.integers(-60, 0)).map(lambda pair: Decimal(pair[0]).scaleb(pair[1]))


def write(*candles: Candle, interval: int = MINUTE, pair: Instrument = BTC) -> None:
    archive.write_candles(interval, {pair: candles})


def read(interval: int = MINUTE, pair: Instrument = BTC) -> list[Candle]:
    series = find_series(pair, interval)
    return archive.read_candles(series.pk, 0, 2**33) if series else []


def minutes(begin: int, count: int, updates: int = 12) -> list[Candle]:
    return [candle(begin + number * MINUTE, "5 7 4 6", updates) for number in range(count)]


def plain(price: Decimal) -> Decimal:
    """Return *price* without an exponent above zero, which a plain decimal does not have."""
    return Decimal(format(price, "f"))


@given(st.lists(digits | long_digits, min_size=4, max_size=4))
def test_packed_prices_keep_every_digit(prices: Sequence[Decimal]) -> None:
    assert list(map(str, unpack_prices(pack_prices(prices)))) == [str(plain(price)) for price in prices]


@pytest.mark.parametrize(
    "text", ["0.1", "1.10", "63250.123456789012345678", "0.000000000000000001", "1" + 18 * "0", "0"]
)
def test_packed_prices_keep_their_zeros_too(text: str) -> None:
    assert [format(price, "f") for price in unpack_prices(pack_prices(4 * [Decimal(text)]))] == 4 * [text]


class TestExactness(TestCase):
    """What was stored is what is read, in whichever database the tests run."""

    @given(st.lists(digits, min_size=4, max_size=4))
    def test_the_database_returns_what_was_stored(self, prices: Sequence[Decimal]) -> None:
        write(Candle(BEGIN, *prices, 3, "binance", True))
        (found,) = read()
        assert found == Candle(BEGIN, *prices, 3, "binance", True)
        assert [format(price, "f") for price in found[1:5]] == [format(price, "f") for price in prices]


pytestmark = pytest.mark.django_db


def test_there_is_one_candle_for_each_series_and_time() -> None:
    write(candle(BEGIN, "5 5 5 5", 3))
    write(candle(BEGIN, "6 6 6 6", 3))
    write(candle(BEGIN, "9 9 9 9"), pair=ETH)
    assert read() == [candle(BEGIN, "6 6 6 6", 3)]
    assert read(pair=ETH) == [candle(BEGIN, "9 9 9 9")]


@pytest.mark.parametrize(
    ("first", "second", "stands"),
    [
        # A part of a minute that came late.
        (12, 1, 12),
        (1, 12, 12),
        # A vendor's candle for a minute that was published, and the other way round.
        (12, 0, 12),
        (0, 1, 1),
    ],
)
def test_of_two_records_the_one_made_of_more_publications_stands(first: int, second: int, stands: int) -> None:
    write(candle(BEGIN, "5 5 5 5", first))
    write(candle(BEGIN, "6 6 6 6", second))
    assert [found.updates for found in read()] == [stands]


def test_thousands_of_candles_are_one_statement(django_assert_num_queries) -> None:
    series = archive.get_series([BTC], MINUTE)
    # Begin, find the series, write, end.
    with django_assert_num_queries(4):
        write(*minutes(BEGIN, 5000))
    assert (len(read()), read()[-1].time, series[BTC].pk) == (5000, BEGIN + 4999 * MINUTE, find_series(BTC, MINUTE).pk)
    write()
    assert len(read()) == 5000


def test_a_range_has_its_beginning_and_not_its_end() -> None:
    write(*minutes(BEGIN, 5))
    series = find_series(BTC, MINUTE).pk
    found = archive.read_candles(series, BEGIN + MINUTE, BEGIN + 3 * MINUTE)
    assert [c.time - BEGIN for c in found] == [MINUTE, 2 * MINUTE]
    assert [c.time - BEGIN for c in archive.read_candles(series, BEGIN + 1, BEGIN + 61)] == [MINUTE]
    assert [c.time - BEGIN for c in archive.read_candles(series, 0, 2**33, 2)] == [3 * MINUTE, 4 * MINUTE]


def test_an_hour_is_merged_when_it_is_over_and_a_day_of_its_hours() -> None:
    write(*minutes(BEGIN + 22 * HOUR, 61))
    archive.merge_closed(BEGIN + 23 * HOUR)
    assert read(HOUR) == [candle(BEGIN + 22 * HOUR, "5 7 4 6", 720)]
    assert read(DAY) == []
    archive.merge_closed(BEGIN + 25 * HOUR)
    assert [found.updates for found in read(HOUR)] == [720, 12]
    assert read(DAY) == [candle(BEGIN, "5 7 4 6", 732)]


def test_a_minute_in_which_nothing_is_merged_opens_no_transaction(django_assert_num_queries) -> None:
    write(*minutes(BEGIN, 1))
    archive.merge_closed(BEGIN + MINUTE)
    # One for the hours, and one for the days.
    with django_assert_num_queries(2):
        archive.merge_closed(BEGIN + 2 * MINUTE)


def test_what_comes_late_changes_the_hour_and_the_day() -> None:
    write(*minutes(BEGIN, 2))
    archive.merge_closed(BEGIN + 2 * DAY)
    write(candle(BEGIN + 5 * MINUTE, "6 9 6 8", 12))
    assert read(HOUR) == [candle(BEGIN, "5 9 4 8", 36)]
    assert read(DAY) == [candle(BEGIN, "5 9 4 8", 36)]


def test_some_minutes_of_a_vendor_do_not_replace_its_hour() -> None:
    write(candle(BEGIN, "5 9 1 6", 0), interval=HOUR)
    write(*minutes(BEGIN, 30, updates=0))
    archive.merge_closed(BEGIN + HOUR)
    assert read(HOUR) == [candle(BEGIN, "5 9 1 6", 0)]
    write(*minutes(BEGIN + 30 * MINUTE, 30, updates=0))
    assert read(HOUR) == [candle(BEGIN, "5 7 4 6", 0)]


def test_minutes_make_an_hour_where_a_vendor_told_none() -> None:
    write(candle(BEGIN - HOUR, "5 5 5 5", 0), interval=HOUR)
    write(*minutes(BEGIN, 30, updates=0))
    archive.merge_closed(BEGIN + HOUR)
    assert read(HOUR) == [candle(BEGIN - HOUR, "5 5 5 5", 0), candle(BEGIN, "5 7 4 6", 0)]


def test_the_last_candle_at_or_before_a_time_is_found() -> None:
    write(*minutes(BEGIN, 2))
    write(candle(BEGIN - DAY, "1 1 1 1"), pair=ETH)
    btc, eth = find_series(BTC, MINUTE).pk, find_series(ETH, MINUTE).pk
    asked = [(btc, BEGIN - 1), (btc, BEGIN), (btc, BEGIN + DAY), (eth, BEGIN), (eth + 7, BEGIN), (btc, -5)]
    keys = archive.find_last(asked)
    assert [key and archive.time_of(key) - BEGIN for key in keys] == [None, 0, MINUTE, -DAY, None, None]
    found = archive.load_candles([key for key in keys if key])
    assert found[keys[1]] == candle(BEGIN, "5 7 4 6", 12)
    assert archive.find_last([]) == []


def test_more_questions_than_a_query_holds_are_answered() -> None:
    write(*minutes(BEGIN, 3))
    series = find_series(BTC, MINUTE).pk
    keys = archive.find_last([(series, BEGIN)] * (archive.MOST_QUESTIONS + 1))
    assert {archive.time_of(key) for key in keys} == {BEGIN}


def test_what_is_too_old_is_deleted_from_its_interval_alone() -> None:
    for interval in (MINUTE, HOUR):
        write(candle(BEGIN, "5 5 5 5"), candle(BEGIN + DAY, "5 5 5 5"), interval=interval)
    archive.delete_before(MINUTE, BEGIN + DAY)
    assert [found.time for found in read(MINUTE)] == [BEGIN + DAY]
    assert len(read(HOUR)) == 2


def test_the_record_of_a_backfill_is_shortened_with_what_it_is_about() -> None:
    """What a vendor does not have is not asked for again each day."""
    write(candle(BEGIN, "5 5 5 5"))
    series, cut = find_series(BTC, MINUTE).pk, BEGIN + DAY
    spans = {1: [(-9, -5), (-5, 3), (-4, 8), (8, 9)], 2: [(-1, 4), (0, 2)], 3: [(-1, 2), (0, 4)]}
    for source, start, end in [(source, *span) for source, each in spans.items() for span in each]:
        times = {"start": cut + start * HOUR, "end": cut + end * HOUR}
        Backfill.objects.create(series_id=series, source=source, candles=end + 9, **times)
    archive.delete_before(MINUTE, cut)
    left = Backfill.objects.values_list("source", "start", "end", "candles")
    assert sorted((s, (start - cut) // HOUR, (end - cut) // HOUR, n) for s, start, end, n in left) == [
        (1, 0, 8, 17), (1, 8, 9, 18), (2, 0, 4, 13), (3, 0, 4, 13)
    ]  # fmt: skip


def test_every_source_has_a_number() -> None:
    assert {*configuration.SOURCES, *configuration.STREAMS} - {"off"} <= set(CandleSource.labels)


def test_a_failure_stores_nothing() -> None:
    with pytest.raises(KeyError):
        write(candle(BEGIN, "5 5 5 5"), candle(BEGIN + MINUTE, "5 5 5 5", source="nobody"))
    assert not StoredCandle.objects.exists()
    assert not Series.objects.exists()
