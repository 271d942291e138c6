"""What a unit of a source's quote currency is worth, and what becomes of prices in it."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from rates.judgement import conversion, next_board
from rates.judgement.rules import read_rules
from rates.types import CoinState
from tests.judgement.samples import NOW, RULES, rate, reading, state

QUOTING = replace(RULES, quotes={"binance": "usdt"})
MEASURED = CoinState(readings={"kraken": reading("kraken", "0.95")}, shown=rate("kraken", "0.95"), good=Decimal("0.95"))


@pytest.mark.parametrize(
    ("price", "factor", "converted"),
    [("105.26", "0.95", "99.9970"), ("0.00001234", "0.999", "0.0000123277"), ("63250.12", "1.0001", "63256.45")],
)
def test_a_converted_price_has_no_more_precision_than_it_had(price: str, factor: str, converted: str) -> None:
    assert format(conversion.convert(rate("binance", price), Decimal(factor)).price, "f") == converted


def test_a_volume_is_converted_with_its_price() -> None:
    traded = replace(rate("binance", "100"), volume_24h=Decimal("2000.00"))
    assert conversion.convert(traded, Decimal("0.5")).volume_24h == 1000
    assert conversion.convert(traded, None) == traded


def test_sources_declare_which_prices_have_to_be_converted() -> None:
    assert read_rules().quotes == {"binance": "usdt"}


def test_only_the_prices_of_sources_that_quote_in_usdt_are_converted() -> None:
    coin = state(reading("binance", "100"), good=None, owner=None)
    other = state(reading("kraken", "100"), good=None, owner=None)
    verdicts = next_board.judge({"A": coin, "B": other, conversion.USDT_PAIR: MEASURED}, NOW, QUOTING)
    shown = {symbol: verdict.state.shown for symbol, verdict in verdicts.items()}
    assert {symbol: found.price for symbol, found in shown.items() if found} == {
        "A": 95,
        "B": 100,
        conversion.USDT_PAIR: Decimal("0.95"),
    }


def test_while_usdt_is_disputed_it_is_worth_what_it_was_before_and_its_prices_are_marked() -> None:
    disputed = replace(MEASURED, readings={"kraken": reading("kraken", "0.5")})
    coin = state(reading("binance", "100"), good=None, owner=None)
    verdicts = next_board.judge({"A": coin, conversion.USDT_PAIR: disputed}, NOW, QUOTING)
    assert verdicts[conversion.USDT_PAIR].state.disputed
    assert verdicts["A"].state.shown is not None
    assert (verdicts["A"].state.shown.price, verdicts["A"].state.disputed) == (95, True)


def test_usdt_that_leaves_one_dollar_and_returns_is_a_line_of_the_log_each() -> None:
    near, far = CoinState(shown=rate("kraken", "1.001")), CoinState(shown=rate("kraken", "0.95"))
    assert conversion.depeg_notes(near, far) == ["USDT is worth 0.95 USD: more than 0.5 % from 1"]
    assert conversion.depeg_notes(far, near) == ["USDT is worth 1.001 USD: again within 0.5 % from 1"]
    assert conversion.depeg_notes(far, far) == conversion.depeg_notes(None, near) == []
