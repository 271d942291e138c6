"""Which pairs are known to be the coin; the namesakes are real ones of 2025 and 2026."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from rates.judgement.identity import find_doubtful
from rates.judgement.next_board import judge, match_states
from rates.judgement.rules import Rules
from rates.models import Coin
from rates.types import CoinState, Rate, Reading

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
RULES = Rules(
    streams=("binance", "kraken"),
    polls=("coingecko", "binance", "kraken"),
    stale_after=timedelta(seconds=15),
    agreement_pct=Decimal(2),
    max_jump_pct=Decimal(10),
    by_id=frozenset({"coingecko"}),
)
# CoinGecko id, symbol, its price, and the price that the exchange's pair of that symbol has: another coin's.
NAMESAKES = [
    ("terra-luna-2", "LUNA", "0.1021", "0.0000398"),
    ("sonic-3", "S", "0.168", "4.31"),
    ("beam-2", "BEAM", "0.0289", "0.00612"),
    ("dydx", "DYDX", "0.198", "0.61"),
    ("ether-plus", "ETH", "3460.1", "3120.5"),
]


def coin(symbol: str, coin_id: str, **more: object) -> Coin:
    return Coin(symbol=symbol, name=symbol, coingecko_id=coin_id, kraken_symbol=f"{symbol}/USD", **more)  # type: ignore[misc]


def reading(source: str, symbol: str, price: str, age: float = 0, **more: object) -> Reading:
    received = NOW - timedelta(seconds=age)
    return Reading(Rate(symbol, Decimal(price), None, None, source, received, received), streak=2, **more)  # type: ignore[arg-type]


def look(known: Coin, *readings: Reading, state: CoinState | None = None, rules: Rules = RULES) -> CoinState:
    """Return the state of *known* after *readings*."""
    before = match_states({known.symbol: state or CoinState()}, [known])[known.symbol]
    before = replace(before, readings={**before.readings, **{r.rate.source: r for r in readings}})
    return judge({known.symbol: before}, NOW, rules)[known.symbol].state


@pytest.mark.parametrize(("coin_id", "symbol", "price", "other"), NAMESAKES)
def test_the_price_of_a_namesake_never_shows(coin_id: str, symbol: str, price: str, other: str) -> None:
    known = coin(symbol, coin_id)
    alone = look(known, reading("kraken", symbol, other, live=True))
    assert alone.shown is None
    both = look(known, reading("kraken", symbol, other, live=True), reading("coingecko", symbol, price))
    assert both.shown is not None
    assert (both.shown.source, both.disputed) == ("coingecko", False)
    silent = look(known, reading("coingecko", symbol, price, age=3600), state=both)
    assert silent.shown is not None
    assert silent.shown.price == Decimal(price)


def test_a_pair_whose_price_agrees_once_is_this_coins_from_then_on() -> None:
    known = coin("BTC", "bitcoin")
    agreed = look(known, reading("kraken", "BTC", "100.5", live=True), reading("coingecko", "BTC", "100"))
    assert agreed.shown is not None
    assert (agreed.shown.source, agreed.proven) == ("kraken", {"kraken"})
    alone = look(known, reading("coingecko", "BTC", "100", age=60), reading("kraken", "BTC", "101"), state=agreed)
    assert alone.shown is not None
    assert (alone.shown.source, alone.disputed) == ("kraken", False)


def test_another_pair_or_another_factor_has_to_agree_again() -> None:
    known = coin("SATS", "sats-ordinals")
    agreed = look(known, reading("kraken", "SATS", "100"), reading("coingecko", "SATS", "100"))
    for changed in (coin("SATS", "sats-ordinals", kraken_factor=1000), coin("SATS", "sats-ordinals")):
        changed.kraken_symbol = changed.kraken_symbol if changed.kraken_factor > 1 else "1000SATS/USD"
        after = match_states({"SATS": agreed}, [changed])["SATS"]
        assert (after.proven, after.unproven, "kraken" in after.readings) == (frozenset(), {"kraken"}, False)


def test_a_verified_pair_counts_at_once_and_pairs_count_where_nobody_is_asked_by_id() -> None:
    verified = look(coin("BTC", "bitcoin", kraken_verified=True), reading("kraken", "BTC", "100"))
    assert verified.shown is not None
    nobody = look(coin("BTC", "bitcoin"), reading("kraken", "BTC", "100"), rules=replace(RULES, by_id=frozenset()))
    assert nobody.shown is not None


def test_a_pair_that_cannot_show_is_no_evidence_either() -> None:
    known = coin("LUNA", "terra-luna-2")
    steady = look(known, reading("coingecko", "LUNA", "0.1"), reading("kraken", "LUNA", "0.00004"))
    steady = look(known, reading("coingecko", "LUNA", "0.104"), reading("kraken", "LUNA", "0.00004"), state=steady)
    assert (steady.disputed, steady.dissenters) == (False, frozenset())


def test_a_coin_from_before_pairs_were_kept_gets_the_pair_of_its_symbol_when_it_agrees() -> None:
    old = Coin(symbol="XLM", name="Stellar", coingecko_id="stellar", kraken_verified=None)
    assert old.pairs["kraken"].name == "XLM/USD"
    assert look(old, reading("kraken", "XLM", "0.1042")).shown is None
    agreed = look(old, reading("kraken", "XLM", "0.1042"), reading("coingecko", "XLM", "0.1043"))
    assert agreed.proven == {"kraken"}


def test_staff_are_told_which_pair_is_far_away() -> None:
    known = coin("LUNA", "terra-luna-2")
    state = look(known, reading("coingecko", "LUNA", "0.1"), reading("kraken", "LUNA", "0.0001"))
    assert find_doubtful(state, {}, RULES) == [("kraken", Decimal(99900))]
