"""The period of a coin's change, line and range; the browser is tested with the same cases."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from dashboard.period import choose_period
from dashboard.presentation import unpriced, view_coin

NOW = 1_800_000_000
HOUR = 3600
DAY_LINE = [[NOW - 24 * HOUR, 95.0], [NOW - 12 * HOUR, 120.0], [NOW - 60, 109.0]]
YOUNG_LINE = [[NOW - 3 * HOUR, 100.0], [NOW - 60, 90.0]]
OWN = {"low_24h": "80", "high_24h": "130"}
# What is published, the line that is known, and what is shown: percent, since when, first price of the line, low, high.
CASES: dict[str, tuple[dict[str, Any], list[list[float]], tuple[Any, ...]]] = {
    "a day, as its source tells": ({"change_24h_pct": "10", **OWN}, DAY_LINE, (10, None, 100, 80, 130)),
    "a day that its source tells otherwise": ({"change_24h_pct": "-12", **OWN}, DAY_LINE, (-12, None, 125, 80, 130)),
    "a day without low and high": ({"change_24h_pct": "10"}, DAY_LINE, (10, None, 100, 95, 120)),
    "a day without a change": ({"change_24h_pct": None}, DAY_LINE, (None, None, 95, 95, 120)),
    "three hours": ({"change_24h_pct": "-5", **OWN}, YOUNG_LINE, (10, NOW - 3 * HOUR, 100, 80, 130)),
    "the last updates": ({"change_24h_pct": "-12"}, YOUNG_LINE, (-12, None, 125, None, None)),
    "the first update": ({"change_24h_pct": "10"}, [[NOW - 5, 105.0]], (10, None, 100, None, None)),
    "updates of a source without a change": (
        {"change_24h_pct": None},
        YOUNG_LINE,
        (None, NOW - 3 * HOUR, 100, 90, 110),
    ),
    "the first moment": ({"change_24h_pct": "10"}, [], (10, None, 100, None, None)),
    "candles without a line": ({"change_24h_pct": "10", **OWN}, [], (10, None, 100, None, None)),
    "one price": ({"change_24h_pct": None}, [], (None, None, None, None, None)),
    "no price": ({"price": None}, [], (None, None, None, None, None)),
}


def coin(facts: dict[str, Any]) -> dict[str, Any]:
    """Return a published coin object at 110."""
    return unpriced("BTC", "Bitcoin") | {"price": "110", "observed_at": "2027-01-15T08:00:00.000Z"} | facts


@pytest.mark.parametrize("name", CASES)
def test_change_line_and_range_are_of_one_period(name: str) -> None:
    facts, line, (percent, since, first, low, high) = CASES[name]
    points = [(at, Decimal(price)) for at, price in line]
    period = choose_period(coin(facts), points, datetime.fromtimestamp(NOW, UTC))
    assert period.percent == percent
    assert bool(period.since) == bool(since)
    assert (period.line[0][1] if period.line else None) == first
    assert (period.low, period.high) == (low, high)


@pytest.mark.parametrize("percent", ["-12", "0.004", "10"])
def test_the_line_agrees_in_sign_with_the_change(percent: str) -> None:
    points = [(at, Decimal(price)) for at, price in DAY_LINE]
    shown = view_coin(coin({"change_24h_pct": percent, **OWN}), points, datetime.fromtimestamp(NOW, UTC))
    assert shown.change
    assert shown.trend == shown.change.direction
    assert shown.change.window == "24 h"


def test_a_line_of_three_hours_says_since_when() -> None:
    points = [(at, Decimal(price)) for at, price in YOUNG_LINE]
    shown = view_coin(coin(OWN), points, datetime.fromtimestamp(NOW, UTC))
    assert shown.change
    assert (shown.change.window, shown.change.percent) == ("since 05:00 UTC", "+10.00%")
