"""A verdict that still stands is the one that another judgement would find, digit for digit."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rates.judgement import next_board
from rates.judgement.consensus import find_consensus
from rates.judgement.readings import update_readings
from rates.judgement.standing import find_span
from rates.models import Coin
from rates.store import Change, Memory
from rates.store.codec import decode_state, encode_state
from rates.types import USDT_PAIR, CoinState, Rate
from tests.coins import pairs
from tests.judgement.samples import NOW, RULES, rate, reading, state
from tests.judgement.test_consensus import Case, cases

VERIFIED = {"binance_verified": True, "kraken_verified": True}
COINS = [
    Coin(symbol="BTC", coingecko_id="bitcoin", name="Bitcoin", **pairs("BTC") | VERIFIED),
    Coin(symbol="LUNA", coingecko_id="luna", name="Luna", **pairs("LUNA") | dict.fromkeys(VERIFIED, False)),
]
PRICES = st.sampled_from(["100", "100.00", "100.5", "101", "103", "120"])
SAID = st.tuples(
    st.sampled_from(["BTC", "BTC", "BTC", "LUNA"]), st.sampled_from(["coingecko", "binance", "kraken"]), PRICES
) | st.tuples(
    st.sampled_from([USDT_PAIR, "USD/EUR"]), st.just("kraken"), st.sampled_from(["1", "1.0", "1.0001", "0.9"])
)
# Seconds: around the ages at which a reading becomes stale, and too old to be evidence; a clock may be set back.
PAUSES = st.sampled_from([0, 0, 0.5, 1, 1, 2, 14, 15, 16, 80, 90, 91, -1, -6])


class Step(NamedTuple):
    pause: float
    live: bool
    said: list[tuple[str, str, str]]


STEPS = st.lists(st.builds(Step, PAUSES, st.booleans(), st.lists(SAID, max_size=4)), min_size=2, max_size=12)


def publish(coins: Sequence[Coin], steps: Sequence[Step], *, copied: bool) -> list[Change]:
    """Return the changes of *steps*; *copied* states are other objects, as in a process that has just started."""
    changes, now, memory = [], NOW, Memory(None, {})
    for step in steps:
        now += timedelta(seconds=step.pause)
        rates = [Rate(symbol, Decimal(price), None, None, source, now, now) for symbol, source, price in step.said]
        changes.append(next_board.revise(memory, coins, rates, now, live=step.live))
        states = changes[-1].states
        memory = Memory(None, {symbol: copy(each) for symbol, each in states.items()} if copied else states)
    return changes


def copy(each: CoinState) -> CoinState:
    return replace(decode_state(encode_state(each)), unproven=each.unproven)


@pytest.mark.parametrize("coins", [COINS, COINS[:1]], ids=["a pair to be proven", "all proven"])
@settings(max_examples=150)
@given(steps=STEPS)
def test_a_process_that_remembers_publishes_what_one_that_has_just_started_does(
    coins: list[Coin], steps: list[Step]
) -> None:
    remembered = publish(coins, steps, copied=False)
    assert [describe(change) for change in publish(coins, steps, copied=True)] == [
        describe(change) for change in remembered
    ]


def describe(change: Change) -> str:
    """Return all of *change* with every digit; what is in a set has no order."""
    states = {symbol: encode_state(each) for symbol, each in change.states.items()}
    return repr((states, change.fragments, change.points, change.owners, change.counts, change.notes, change.stale,
                 change.proven, change.currencies))  # fmt: skip


@settings(max_examples=300)
@given(case=cases())
def test_a_consensus_is_also_the_verdict_on_the_state_that_it_leads_to(case: Case) -> None:
    found = find_consensus(case.state, case.factors, NOW, RULES, case.doubted)
    event("consensus" if found else "doubt")
    if found is not None:
        assert repr(find_consensus(found.state, case.factors, NOW, RULES, case.doubted)) == repr(found)


def test_a_coin_without_news_is_not_judged_again_until_a_reading_comes_of_age() -> None:
    coin = state(reading("coingecko", "100"), reading("kraken", "100", age=3))
    before = {"BTC": replace(coin, coingecko_id="bitcoin", pairs=COINS[0].known_pairs.keys, quote="usd")}
    fragments = []
    for later in (0, 11, 13):
        change = next_board.revise(Memory(None, before), COINS[:1], (), NOW + timedelta(seconds=later))
        before = change.states
        fragments.append(change.fragments["BTC"])
    assert fragments[1] is fragments[0]
    assert '"confirmed_by":["kraken"]' in fragments[1].json
    assert '"confirmed_by":[]' in fragments[2].json


def test_the_span_ends_where_a_time_comes_of_age() -> None:
    coin = state(reading("coingecko", "100", age=3), reading("kraken", "100", age=20), owner=None)
    assert find_span(coin, NOW, RULES.stale_after) == (timedelta(seconds=-5), timedelta(seconds=12))
    ahead = CoinState(readings=update_readings({}, [rate("kraken", "100", age=-6)], False, RULES))
    assert find_span(ahead, NOW, RULES.stale_after) == (timedelta.min, timedelta(seconds=1))
