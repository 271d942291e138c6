"""
Which pairs are known to be the coin: those that the coin list says are verified, and those whose price has agreed.

A coin is its CoinGecko id. A pair of an exchange is only a name that somebody typed: LUNA is one coin at one exchange
and another at the next. Until the price of a pair has agreed with one that is asked for by id (`BY_ID`), its source is
an opinion that cannot show, and no evidence either. Where no such source is in use, nobody can tell, and pairs count.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from rates.judgement.conversion import Factors, convert
from rates.judgement.ownership import Verdict, decide
from rates.judgement.readings import distance_pct, find_fresh
from rates.judgement.rules import Rules
from rates.types import CoinState, Reading


def judge_proven(
    state: CoinState, factors: Factors, now: datetime, rules: Rules, doubted: Collection[str] = ()
) -> Verdict:
    """Return the verdict on the coin of *state* by its proven sources; those that agree by now are proven with it."""
    if not state.unproven or not rules.by_id:
        return decide(state, factors, now, rules, doubted)
    agreeing = _find_agreeing(state, factors, now, rules)
    silenced = state.unproven - state.proven - agreeing
    heard = {source: reading for source, reading in state.readings.items() if source not in silenced}
    verdict = decide(replace(state, readings=heard, proven=state.proven | agreeing), factors, now, rules, doubted)
    return replace(verdict, state=replace(verdict.state, readings=state.readings))


def _find_agreeing(state: CoinState, factors: Factors, now: datetime, rules: Rules) -> frozenset[str]:
    """Return the unproven sources whose fresh price agrees with a fresh one that was asked for by id."""
    fresh = find_fresh(state.readings, now, rules)
    known = [reading for reading in fresh if reading.rate.source in rules.by_id]
    unproven = [reading for reading in fresh if reading.rate.source in state.unproven]
    return frozenset(
        reading.rate.source
        for reading, price in zip(unproven, _prices(unproven, factors), strict=True)
        if any(distance_pct(price, other) <= rules.agreement_pct for other in _prices(known, factors))
    )


def _prices(readings: Iterable[Reading], factors: Factors) -> list[Decimal]:
    return [convert(reading.rate, factors.get(reading.rate.source, Decimal(1))).price for reading in readings]


def find_doubtful(state: CoinState, factors: Factors, rules: Rules) -> list[tuple[str, Decimal]]:
    """Return the unproven sources whose last price is far from the coin's, with the distance in percent, for staff."""
    known = [reading for name, reading in state.readings.items() if name in rules.by_id]
    unproven = [reading for name, reading in state.readings.items() if name in state.unproven - state.proven]
    if not known:
        return []
    distances = [distance_pct(price, _prices(known[:1], factors)[0]) for price in _prices(unproven, factors)]
    return [
        (reading.rate.source, distance)
        for reading, distance in zip(unproven, distances, strict=True)
        if distance > rules.max_jump_pct
    ]
