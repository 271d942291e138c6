"""What a vendor tells is taken where it goes together with what is known, and told where it does not."""

from decimal import Decimal

import pytest
from pytest_django import Settings

from rates.backfill.consistency import CheckResult, check_candles, drop_outliers, to_candles
from rates.history.candles import Candle
from rates.judgement.rules import read_rules
from rates.vendor_history.answers import VendorCandle
from tests.history.test_candles import candle

D = Decimal


def told(*closes: str) -> list[Candle]:
    """Return minutes of a vendor with these closes, a percent wide."""
    return [
        Candle(60 * place, D(close), D(close) * D("1.01"), D(close) * D("0.99"), D(close), 0, "binance", False)
        for place, close in enumerate(closes)
    ]


def known(**closes: str) -> dict[int, Candle]:
    """Return what was published at `minute_2="5"`."""
    minutes = {int(name.removeprefix("minute_")) * 60: close for name, close in closes.items()}
    return {at: candle(at, " ".join(4 * [close]), 12) for at, close in minutes.items()}


@pytest.mark.parametrize(
    ("ours", "last", "taken"),
    [
        (known(minute_2="100"), None, 3),
        (known(minute_2="101.9"), None, 3),
        (known(minute_2="102.1"), None, 0),
        (known(minute_2="0.1"), None, 0),
        (known(minute_0="100", minute_1="100", minute_2="150"), None, 2),
        (known(minute_0="100", minute_1="150", minute_2="150"), None, 0),
        ({}, "109", 3),
        ({}, "112", 0),
        ({}, None, 0),
    ],
)
def test_an_answer_is_taken_where_it_agrees(ours: dict[int, Candle], last: str | None, taken: int) -> None:
    judgement = check_candles(told("100", "100", "100"), ours, D(last) if last else None, read_rules())
    assert (len(judgement.candles), judgement.refused) == (taken, 3 - taken)
    assert bool(judgement.why) == (taken < 3)


def test_a_close_within_our_range_agrees() -> None:
    ours = {120: candle(120, "90 110 80 85", 12)}
    assert len(check_candles(told("100", "100", "100"), ours, None, read_rules()).candles) == 3


def test_nothing_told_is_nothing_wrong() -> None:
    assert check_candles([], known(minute_2="5"), None, read_rules()) == CheckResult([])


@pytest.mark.parametrize(
    ("closes", "left"),
    [
        ("5 5 5000 5 5", "5 5 5 5"),
        ("5 5 0.005 5 5", "5 5 5 5"),
        ("5000 5 5 5", "5 5 5"),
        ("5 5 5 5000", "5 5 5"),
        # A market that has really moved stays where it is.
        ("5 5 5 15 15 15", "5 5 5 15 15 15"),
        ("5 6 5 9 4", "5 6 5 9 4"),
        ("5 5000", "5 5000"),
    ],
)
def test_a_candle_in_another_unit_is_left_out(closes: str, left: str) -> None:
    assert [str(found.close) for found in drop_outliers(told(*closes.split()))] == left.split()


def test_what_was_left_out_is_counted_and_told() -> None:
    judgement = check_candles(told("5", "5", "5000", "5"), known(minute_3="5"), None, read_rules())
    assert (len(judgement.candles), judgement.refused) == (3, 1)
    assert "disagree" in judgement.why


PAST = [VendorCandle(0, D("100.00"), D("120.00"), D("80.00"), D("110.00")), VendorCandle(60, *4 * [D("100.00")])]


def test_prices_in_usdt_are_converted_by_its_worth_then() -> None:
    found = to_candles(PAST, "binance", {0: D("0.99"), 60: D("1.01")})
    assert found[0] == Candle(0, D("99"), D("118.8"), D("79.2"), D("108.9"), 0, "binance", False)
    assert found[1].close == D("101")
    assert [c.close for c in to_candles(PAST, "kraken", None)] == [D("110.00"), D("100.00")]


def test_without_its_worth_they_are_disputed_or_none(settings: Settings) -> None:
    assert [c.disputed for c in to_candles(PAST, "binance", {60: D(1)})] == [True, False]
    settings.QUOTE_CURRENCY = "eur"
    assert [c.time for c in to_candles(PAST, "binance", {60: D(1)})] == [60]
