"""How the newest reading of a source is made, and when it counts as frozen."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rates.judgement.ownership import find_candidates
from rates.judgement.readings import distance_pct, is_within, update_readings
from rates.types import Rate, Reading
from tests.judgement.samples import NOW, RULES, rate


def add(*rates: Rate, live: bool = False, known: dict[str, Reading] | None = None) -> dict[str, Reading]:
    return update_readings(known or {}, rates, live, RULES)


def test_a_rate_older_than_the_last_one_is_refused_until_the_clock_passes_it() -> None:
    first = rate("coingecko", "100", age=5, observed_age=10)
    back = add(first, rate("coingecko", "90", observed_age=60))
    assert (back["coingecko"].refused, back["coingecko"].rate) == ("its clock went back", first)
    again = add(rate("coingecko", "101", observed_age=1), known=back)["coingecko"]
    assert (again.refused, again.streak) == (None, 1)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(rate("coingecko", "100", age=5), id="it had no timestamp, and got ours"),
        pytest.param(rate("coingecko", "100", age=-3600, observed_age=-3590), id="our clock was set back since"),
    ],
)
def test_an_older_timestamp_is_accepted_after_one_that_was_not_the_sources_own(before: Rate) -> None:
    now = add(before, rate("coingecko", "101", observed_age=30))["coingecko"]
    assert (now.refused, now.rate.price) == (None, 101)


def test_between_a_poll_and_its_stream_the_one_that_is_behind_is_ignored() -> None:
    newer, older = rate("binance", "100", age=1, observed_age=2), rate("binance", "99", observed_age=9)
    for live in (True, False):
        known = add(newer, live=live)
        assert add(older, live=not live, known=known) == known


def test_a_poll_that_repeats_what_its_stream_delivers_takes_no_rank_away() -> None:
    stream = rate("kraken", "1.0001", age=1)
    known = add(stream, live=True)
    assert add(rate("kraken", "1.0002"), known=known) == known
    assert not add(rate("kraken", "1.05"), known=known)["kraken"].live


def test_a_poll_that_agrees_with_a_silent_stream_keeps_its_price_fresh() -> None:
    known = add(rate("kraken", "1.0001", age=9, observed_age=300), live=True)
    confirmed = add(rate("kraken", "1.0001", observed_age=300), known=known)["kraken"]
    assert (confirmed.live, confirmed.rate) == (True, rate("kraken", "1.0001", observed_age=300))
    ahead = rate("kraken", "1.0001", age=9, observed_age=-1)
    assert add(rate("kraken", "1.0001"), known=add(ahead, live=True))["kraken"].rate.received_at == NOW


def test_a_poll_that_is_further_from_a_silent_stream_than_its_events_were_takes_over() -> None:
    moving = add(*[rate("kraken", price, age=12 - n) for n, price in enumerate(("100", "100.5", "100.4"))], live=True)
    assert moving["kraken"].step > Decimal("0.4")
    near, far = rate("kraken", "100.7"), rate("kraken", "101")
    assert add(near, known=moving)["kraken"].live
    assert (add(far, known=moving)["kraken"].live, add(far, known=moving)["kraken"].rate) == (False, far)
    back = add(rate("kraken", "101.1"), live=True, known=add(far, known=moving))["kraken"]
    assert (back.live, back.streak) == (True, 3)


def test_after_one_wild_event_a_poll_may_not_differ_more_than_prices_that_agree() -> None:
    wild = add(rate("kraken", "100", age=11), rate("kraken", "1000", age=10), live=True)
    wild = add(rate("kraken", "100", age=9), live=True, known=wild)
    assert not add(rate("kraken", "101.1"), known=wild)["kraken"].live


def test_the_last_trade_of_a_quiet_market_may_be_long_ago_but_no_event_and_no_aggregators_price() -> None:
    hour = 3600
    assert add(rate("kraken", "100", observed_age=hour))["kraken"].refused is None
    assert add(rate("kraken", "100", observed_age=hour), live=True)["kraken"].refused
    assert add(rate("coingecko", "100", observed_age=hour))["coingecko"].refused


def frozen(*rates: Rate) -> set[str]:
    """Return whose price is frozen after *rates* arrived one after the other."""
    known = add(*rates)
    return known.keys() - {c.rate.source for c in find_candidates(known, {}, NOW, RULES)}


def steps(source: str, *prices: str) -> list[Rate]:
    return [rate(source, price, age=len(prices) - n) for n, price in enumerate(prices)]


def test_a_price_is_frozen_when_another_moves_away_in_small_steps_but_not_when_it_jumps() -> None:
    still = rate("coingecko", "100")
    assert frozen(still, *steps("kraken", "100", "98.5", "97")) == {"coingecko"}
    assert frozen(still, *steps("kraken", "100", "95", "94")) == set()
    assert frozen(still, *steps("kraken", "95", "94")) == set()
    assert frozen(still, *steps("kraken", "100", "102.5", "101.6", "100.8", "100", "95", "94.9")) == set()


def test_a_price_is_no_longer_frozen_when_it_moves_or_the_other_returns() -> None:
    still, moves = rate("coingecko", "100", age=9), steps("kraken", "100", "98.5", "97")
    assert frozen(still, *moves, rate("coingecko", "97.1")) == set()
    assert frozen(still, *moves, rate("kraken", "98.5"), rate("kraken", "99")) == set()


def test_distance_is_the_same_from_both_sides() -> None:
    assert distance_pct(Decimal(100), Decimal(1000)) == distance_pct(Decimal(1000), Decimal(100)) == 900


PRICES = st.decimals("0.00000001", "1e9", places=8)
TINY = Decimal("1E-12")


@given(one=PRICES, other=PRICES | st.none(), limit=st.sampled_from(["0.5", "1", "2", "3.3", "10"]).map(Decimal))
def test_to_be_within_a_ratio_is_to_be_at_most_so_far_apart(
    one: Decimal, other: Decimal | None, limit: Decimal
) -> None:
    ratio = 1 + limit / 100
    # Without another price: exactly at the limit.
    other = one * ratio if other is None else other
    for second in (other, other - TINY, other + TINY):
        assert is_within(one, second, ratio) == is_within(second, one, ratio) == (distance_pct(one, second) <= limit)


SAID = st.builds(
    rate,
    st.sampled_from(["coingecko", "binance", "kraken"]),
    st.sampled_from(["100", "100.00", "101", "103", "120"]),
    st.sampled_from([0, 1, 10, 14, 20, -6]),
    st.sampled_from([None, None, -1, 0, 3, 15, 400]),
)


@given(before=st.lists(SAID, max_size=4), rates=st.lists(SAID, max_size=5), streamed=st.booleans(), live=st.booleans())
def test_rates_that_arrive_together_are_taken_in_one_after_the_other(
    before: list[Rate], rates: list[Rate], streamed: bool, live: bool
) -> None:
    known = one_by_one = add(*before, live=streamed)
    for each in rates:
        one_by_one = add(each, live=live, known=one_by_one)
    assert repr(add(*rates, live=live, known=known)) == repr(one_by_one)
