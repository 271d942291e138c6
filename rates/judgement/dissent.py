"""
Who spoke against a disputed price, and has to be heard again before the dispute can end.

A dispute never ends because the other side fell silent: a source that is limited or broken has not changed its mind. It
ends when everybody who spoke against the price speaks again and the judgement finds no doubt, or when staff accept it.

Tested in `tests/judgement/test_ownership.py`.
"""

from collections.abc import Mapping
from decimal import Decimal

from msgspec.structs import replace

from rates.judgement.readings import distance_pct
from rates.judgement.rules import Rules
from rates.types import CoinState

# Prices in our quote currency by the source that said them.
Prices = Mapping[str, Decimal]


def keep_dispute(before: CoinState, after: CoinState, fresh: Prices, recent: Prices, rules: Rules) -> CoinState:
    """
    Return *after*, in dispute still where a dissenter of *before* is silent.

    *fresh* are the prices that may be shown now, *recent* those and the ones that are evidence.
    """
    if before.disputed and not after.disputed and _silent(before, fresh, rules):
        after = replace(after, disputed=True, good=before.good)
    dissenters = _dissenters(before, after, fresh, recent, rules) if after.disputed else frozenset()
    return after if dissenters == after.dissenters else replace(after, dissenters=dissenters)


def _silent(before: CoinState, fresh: Prices, rules: Rules) -> frozenset[str]:
    """Return the dissenters that say nothing now; one that is no longer in use, or has another pair, is none."""
    return (before.dissenters & before.readings.keys() & rules.sources) - fresh.keys()


def _dissenters(before: CoinState, after: CoinState, fresh: Prices, recent: Prices, rules: Rules) -> frozenset[str]:
    if after.shown is None:
        return before.dissenters
    price = after.shown.price
    against = frozenset(name for name, said in recent.items() if distance_pct(said, price) > rules.agreement_pct)
    return (before.dissenters | against) - (fresh.keys() - against)
