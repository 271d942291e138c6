"""
The verdict where all fresh prices agree with each other and with the last good one, and nothing is pending.

That is the case of nearly every coin in nearly every tick. The verdict is the one of `ownership.decide`, at a third of
the cost; where there is any doubt there is none, and `decide` has to look closer.

Tested in `tests/judgement/test_consensus.py`.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from rates.judgement.conversion import Factors, convert, convert_price
from rates.judgement.ownership import SAME, Verdict, prefer
from rates.judgement.readings import distance_pct, find_fresh
from rates.judgement.rules import Rules
from rates.types import CoinState, Reading, round_places


def find_consensus(
    state: CoinState, factors: Factors, now: datetime, rules: Rules, doubted: Collection[str]
) -> Verdict | None:
    """Return the verdict on *state* that leaves no doubt; None where there is any."""
    fresh = find_fresh(state.readings, now, rules)
    if state.disputed or state.held or state.dissenters or _is_weak(fresh, state, doubted):
        return None
    ranked = fresh if len(fresh) == 1 else _rank(fresh, rules)
    worth = [(reading.rate.price, factors.get(reading.rate.source, SAME)) for reading in ranked]
    prices = [price if f is SAME else convert_price(price, f) for price, f in worth if f is not None]
    if len(prices) < len(ranked):
        return None
    spread = distance_pct(max(prices), min(prices))
    if spread > rules.agreement_pct or not _go_on(state.good, prices, rules):
        return None
    pick = prefer(ranked, state)
    shown = convert(pick.rate, factors.get(pick.rate.source, SAME))
    return Verdict(
        replace(state, shown=shown, good=shown.price),
        stale=False,
        confirmed_by=tuple(reading.rate.source for reading in ranked if reading is not pick),
        spread_pct=round_places(spread, 2) if len(ranked) > 1 else None,
    )


def _is_weak(fresh: Sequence[Reading], state: CoinState, doubted: Collection[str]) -> bool:
    """Return whether none is fresh, or a lone one proves little: none was good before, or its factor is disputed."""
    return not fresh or (len(fresh) == 1 and (state.good is None or fresh[0].rate.source in doubted))


def _rank(fresh: Sequence[Reading], rules: Rules) -> list[Reading]:
    # As `rank_all`, in one go.
    places = rules.places
    last = len(places)
    return sorted(fresh, key=lambda reading: places.get((reading.rate.source, reading.live), last))


def _go_on(good: Decimal | None, prices: Sequence[Decimal], rules: Rules) -> bool:
    """Return whether one of *prices* has moved on from the last *good* one in a small step."""
    return good is None or any(distance_pct(price, good) <= rules.small_step_pct for price in prices)
