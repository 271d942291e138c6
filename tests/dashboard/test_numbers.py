"""Numbers on a page: the cases that the browser is tested with too (`tests/browser/test_numbers.py`)."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from dashboard.numbers import (
    decimals_for,
    direction,
    format_duration,
    format_exact,
    format_percent,
    format_price,
    money,
)
from dashboard.presentation import unpriced, view_coin
from rates.currencies import decimals

CASES = json.loads((Path(__file__).parents[1] / "data" / "number_cases.json").read_text())


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("case", CASES["prices"], ids=lambda case: case["price"])
def test_price_is_written_with_the_digits_of_its_size(case: dict[str, Any], language: str) -> None:
    price = Decimal(case["price"])
    with translation.override(language):
        text = format_price(price)
    assert decimals_for(price) == case["decimals"]
    assert [text.lead, text.zeros, text.digits] == case[language]


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("case", CASES["money"], ids=lambda case: f"{case['price']} {case['currency']}")
def test_money_has_its_currency_s_decimals_and_the_sign_where_the_language_puts_it(
    case: dict[str, Any], language: str
) -> None:
    with translation.override(language):
        assert money(Decimal(case["price"]), case["currency"]) == case[language]


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("case", CASES["exact"], ids=lambda case: case["price"])
def test_an_exact_price_has_every_digit_and_the_separators_of_the_language(case: dict[str, Any], language: str) -> None:
    with translation.override(language):
        assert format_exact(Decimal(case["price"])) == case[language]


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("case", CASES["percents"], ids=lambda case: case["change"])
def test_percent_has_a_sign_and_a_neutral_zero(case: dict[str, Any], language: str) -> None:
    with translation.override(language):
        assert format_percent(Decimal(case["change"])) == case[language]
    assert direction(Decimal(case["change"])) == case["direction"]


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("case", CASES["amounts"], ids=lambda case: case["price"])
def test_amount_has_a_sign_and_the_decimals_of_its_price(case: dict[str, Any], language: str) -> None:
    rate = unpriced("X", "X") | {"price": case["price"], "change_24h_pct": case["change"]}
    with translation.override(language):
        change = view_coin(rate, (), datetime.now(UTC), own=decimals(case.get("currency", "usd"))).change
    assert change
    assert change.amount.full == case[language]


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("case", CASES["durations"], ids=lambda case: str(case["seconds"]))
def test_duration_has_one_unit(case: dict[str, Any], language: str) -> None:
    with translation.override(language):
        assert format_duration(case["seconds"]) == case[language]


def test_a_tiny_price_is_never_rounded_to_nothing() -> None:
    text = format_price(Decimal("0.000000000000000000012"))
    assert (text.zeros, text.digits) == (19, "1200")
    assert text.full.rstrip("0").endswith("12")
