"""How the newest reading of a source is made, and when it counts as frozen."""

from decimal import Decimal

import pytest

from rates.judgement.ownership import find_candidates
from rates.judgement.readings import add_rate, distance_pct
from rates.types import Rate, Reading
from tests.judgement.samples import NOW, RULES, rate


def add(*rates: Rate, live: bool = False, known: dict[str, Reading] | None = None) -> dict[str, Reading]:
    known = known or {}
    for each in rates:
        known = add_rate(known, each, live, RULES)
    return known


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
    silent_stream = add(rate("kraken", "1.0001", age=9), live=True)
    assert not add(rate("kraken", "1.0002"), known=silent_stream)["kraken"].live
    assert not add(rate("kraken", "1.05"), known=known)["kraken"].live


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
