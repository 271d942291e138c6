"""
The verdict where all fresh prices agree with each other and with the last good one, and nothing is pending.

That is the case of nearly every coin in nearly every tick. The verdict is the one of `ownership.decide`, at a third of
the cost; where there is any doubt there is none, and `decide` has to look closer.

Tested in `tests/judgement/test_consensus.py`.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from operator import itemgetter

from msgspec.structs import replace

from rates.judgement.conversion import Factors, convert, convert_price
from rates.judgement.ownership import SAME, Verdict, prefer
from rates.judgement.readings import CLOCK_TOLERANCE, distance_pct, is_within
from rates.judgement.rules import Rules
from rates.types import CoinState, Reading, round_places

# A fresh reading with its rank and its price in our quote currency.
Opinion = tuple[int, Decimal, Reading]
RANK = itemgetter(0)


def find_consensus(
    state: CoinState, factors: Factors, now: datetime, rules: Rules, doubted: Collection[str]
) -> Verdict | None:
    """Return the verdict on *state* that leaves no doubt; None where there is any."""
    if state.disputed or state.held or state.dissenters:
        return None
    opinions = _find_opinions(state, factors, now, rules)
    if opinions is None or _are_weak(opinions, state.good, doubted):
        return None
    prices: tuple[Decimal, ...]
    ranked: tuple[Reading, ...]
    _, prices, ranked = zip(*opinions, strict=True)
    spread = distance_pct(max(prices), min(prices))
    if spread > rules.agreement_pct or not _go_on(state.good, prices, rules):
        return None
    pick = prefer(ranked, state)
    shown = convert(pick.rate, factors.get(pick.rate.source, SAME))
    return Verdict(
        replace(state, shown=shown, good=shown.price),
        stale=False,
        confirmed_by=tuple([reading.rate.source for reading in ranked if reading is not pick]),
        spread_pct=round_places(spread, 2) if len(ranked) > 1 else None,
    )


def _find_opinions(state: CoinState, factors: Factors, now: datetime, rules: Rules) -> list[Opinion] | None:
    """Return the fresh readings, best rank first; None if the factor of one is not known."""
    # As `find_fresh`, `convert_price` and `rank_all`, in one go.
    first, last = now - rules.stale_after, now + CLOCK_TOLERANCE
    places = rules.places
    opinions = []
    for reading in state.readings.values():
        rate = reading.rate
        if reading.refused is None and first <= rate.received_at <= last:
            factor = factors.get(rate.source, SAME)
            if factor is None:
                return None
            price = rate.price if factor is SAME else convert_price(rate.price, factor)
            opinions.append((places.get((rate.source, reading.live), len(places)), price, reading))
    opinions.sort(key=RANK)
    return opinions


def _are_weak(opinions: Sequence[Opinion], good: Decimal | None, doubted: Collection[str]) -> bool:
    """Return whether there is none, or a lone one proves little: none was good before, or its factor is disputed."""
    return not opinions or (len(opinions) == 1 and (good is None or opinions[0][2].rate.source in doubted))


def _go_on(good: Decimal | None, prices: Sequence[Decimal], rules: Rules) -> bool:
    """Return whether one of *prices* has moved on from the last *good* one in a small step."""
    if good is None:
        return True
    for price in prices:  # noqa: SIM110 - `any` makes a generator for each coin
        if is_within(price, good, rules.small_step_ratio):
            return True
    return False
