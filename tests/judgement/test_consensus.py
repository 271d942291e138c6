"""The verdict at once is that of a closer look, digit for digit; and it is there for what nearly always is the case."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rates.judgement.consensus import find_consensus
from rates.judgement.ownership import decide
from rates.types import CoinState, Held, Reading
from tests.judgement.samples import NOW, RULES, reading, state

SOURCES = ("coingecko", "binance", "kraken", "retired")
FACTORS = {"binance": Decimal("1.0004")}
# Around 100, most of them near: within the agreement band of 2 %, beyond it, beyond a jump of 10 %.
NEAR = st.sampled_from(["100", "100.00", "101", "99.5", "101.99", "102"])
PRICES = st.one_of(NEAR, NEAR, NEAR, st.sampled_from(["103", "97", "109", "120", "0.0000012"]))
READINGS = st.builds(
    lambda source, price, age, more: reading(source, price, age, **more),
    st.sampled_from(SOURCES),
    PRICES,
    st.sampled_from([0, 1, 2, 3, 14, 15, 16, 60, -6]),
    st.fixed_dictionaries({
        "live": st.booleans(),
        "streak": st.integers(1, 3),
        "refused": st.sampled_from([*[None] * 9, "its clock went back"]),
        "anchors": st.dictionaries(st.sampled_from(SOURCES), PRICES.map(Decimal), max_size=2),
    }),
)  # fmt: skip
HELD = Held("kraken", Decimal(120), NOW - timedelta(seconds=5))


@dataclass
class Case:
    state: CoinState
    factors: dict[str, Decimal | None]
    doubted: list[str]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A coin as it may be when it is judged; in most of them nothing is pending."""
    made = state(
        *draw(st.lists(READINGS, min_size=1, max_size=4)),
        good=draw(st.none() | PRICES),
        owner=draw(st.sampled_from([None, *SOURCES])),
    )
    pending = {
        "disputed": draw(st.sampled_from([*[False] * 9, True])),
        "held": draw(st.sampled_from([*[None] * 9, HELD])),
        "dissenters": draw(st.sampled_from([*[frozenset()] * 9, frozenset({"kraken"})])),
    }
    factor = draw(st.sampled_from([Decimal("1.0004"), Decimal(1), Decimal("0.93"), None]))
    return Case(replace(made, **pending), {"binance": factor}, draw(st.sampled_from([[], ["binance"]])))


@settings(max_examples=300)
@given(case=cases(), near=st.booleans())
def test_a_consensus_is_what_a_closer_look_finds(case: Case, near: bool) -> None:
    rules = replace(RULES, usdt_is_near=near)
    found = find_consensus(case.state, case.factors, NOW, rules, case.doubted)
    event("consensus" if found else "doubt")
    if found is not None:
        assert repr(found) == repr(decide(case.state, case.factors, NOW, rules, case.doubted))


@pytest.mark.parametrize(
    "readings",
    [
        [reading("coingecko", "100.3"), reading("binance", "100.1"), reading("kraken", "100.2")],
        [reading("coingecko", "100.3", age=60), reading("binance", "100.1", live=True)],
        [reading("coingecko", "100.3")],
    ],
    ids=["three sources", "a stream and a check that is old", "one source"],
)
def test_there_is_one_where_nothing_is_in_doubt(readings: list[Reading]) -> None:
    assert find_consensus(state(*readings), FACTORS, NOW, RULES, []) is not None


def test_there_is_none_where_a_source_disagrees_or_a_jump_is_to_be_checked() -> None:
    assert find_consensus(state(reading("coingecko", "100"), reading("kraken", "103")), {}, NOW, RULES, []) is None
    assert find_consensus(state(reading("coingecko", "103"), reading("kraken", "103")), {}, NOW, RULES, []) is None
