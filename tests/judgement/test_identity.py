"""Which pairs are known to be the coin; the namesakes are real ones of 2025 and 2026."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from rates.judgement.identity import describe_doubtful, identity_notes
from rates.judgement.next_board import judge, match_states
from rates.judgement.rules import Rules
from rates.models import Coin
from rates.types import CoinState, Rate, Reading
from tests.judgement.samples import NOW, RULES

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


def test_a_verified_pair_counts_at_once() -> None:
    for rules in (RULES, replace(RULES, by_id=frozenset())):
        verified = look(coin("BTC", "bitcoin", kraken_verified=True), reading("kraken", "BTC", "100"), rules=rules)
        assert verified.shown is not None
        assert not verified.disputed


def test_where_nobody_is_asked_by_id_an_unproven_pair_shows_disputed_even_if_another_agrees() -> None:
    nobody = replace(RULES, by_id=frozenset())
    known = coin("LUNA", "terra-luna-2", binance_symbol="LUNAUSDT")
    prices = reading("kraken", "LUNA", "0.00004"), reading("binance", "LUNA", "0.00004")
    alone, both = look(known, prices[0], rules=nobody), look(known, *prices, rules=nobody)
    for state in (alone, both):
        assert state.shown is not None
        assert state.disputed
    vouched = coin("LUNA", "terra-luna-2", kraken_verified=True)
    assert not look(vouched, prices[0], state=alone, rules=nobody).disputed


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


def test_staff_are_told_which_pair_is_far_away_and_the_log_says_so_once() -> None:
    known = coin("LUNA", "terra-luna-2")
    prices = reading("coingecko", "LUNA", "0.1"), reading("kraken", "LUNA", "0.0001")
    first = look(known, *prices)
    assert describe_doubtful(first, {}, RULES) == {
        "kraken": "Kraken's LUNA/USD is far from this coin's price (99,900 %): not used"
    }
    (note,) = identity_notes({"LUNA": CoinState()}, {"LUNA": first}, {}, RULES)
    assert note.startswith("LUNA: Kraken's LUNA/USD is far from this coin's price (99,900 %): not used until")
    second = look(known, *prices, state=first)
    assert identity_notes({"LUNA": first}, {"LUNA": second}, {}, RULES) == []


def test_a_doubtful_pair_stays_so_until_it_agrees_or_is_another_one_or_vouched_for() -> None:
    known = coin("LUNA", "terra-luna-2")
    doubtful = look(known, reading("coingecko", "LUNA", "0.1"), reading("kraken", "LUNA", "0.0001"))
    nearer = look(known, reading("kraken", "LUNA", "0.104"), state=doubtful)
    assert (nearer.doubtful, nearer.proven) == ({"kraken"}, frozenset())
    silent = look(known, reading("coingecko", "LUNA", "0.1", age=3600), state=doubtful)
    assert silent.doubtful == {"kraken"}
    agreed = look(known, reading("kraken", "LUNA", "0.1001"), state=nearer)
    assert (agreed.doubtful, agreed.proven) == (frozenset(), {"kraken"})
    vouched = coin("LUNA", "terra-luna-2", kraken_verified=True)
    assert look(vouched, state=doubtful).doubtful == frozenset()
    other = coin("LUNA", "terra-luna-2")
    other.kraken_symbol = "LUNA2/USD"
    assert look(other, state=doubtful).doubtful == frozenset()


def test_a_pair_in_usdt_is_not_far_away_because_nobody_knows_what_a_usdt_is_worth() -> None:
    known = Coin(symbol="BTC", name="BTC", coingecko_id="bitcoin", binance_symbol="BTCUSDT")
    yen = replace(RULES, usdt_is_near=False, quotes={"binance": "usdt"})
    prices = reading("coingecko", "BTC", "15000000"), reading("binance", "BTC", "100000")
    assert look(known, *prices, rules=yen).doubtful == frozenset()
    assert look(known, *prices, rules=replace(yen, usdt_is_near=True)).doubtful == {"binance"}
