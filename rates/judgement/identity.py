"""
Which pairs are known to be the coin: those that the coin list says are verified, and those whose price has agreed.

A coin is its CoinGecko id. A pair of an exchange is only a name that somebody typed: LUNA is one coin at one exchange
and another at the next. Until the price of a pair has agreed with one that is asked for by id (`BY_ID`), its source is
an opinion that cannot show, and no evidence either. Where no such source is in use, it shows, and is disputed.

A pair whose price is further away than a jump may be is doubtful: staff are told, until it agrees or they vouch for it.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from rates.judgement.conversion import Factors, convert
from rates.judgement.ownership import Verdict, decide
from rates.judgement.readings import distance_pct, find_fresh
from rates.judgement.rules import Rules
from rates.types import CoinState, Reading, percent_text


def judge_proven(
    state: CoinState, factors: Factors, now: datetime, rules: Rules, doubted: Collection[str] = ()
) -> Verdict:
    """Return the verdict on the coin of *state* by its proven sources; those that agree by now are proven with it."""
    if state.unidentified:
        # What else is in dispute is remembered by who said so.
        state = replace(state, disputed=bool(state.dissenters or state.held), unidentified=False)
    if not state.unproven:
        return decide(state, factors, now, rules, doubted)
    if not rules.by_id:
        return _dispute(decide(state, factors, now, rules, doubted))
    distances = _measure(state, factors, now, rules)
    agreeing = frozenset(source for source, distance in distances.items() if distance <= rules.agreement_pct)
    far = frozenset(source for source, distance in distances.items() if distance > rules.max_jump_pct)
    silenced = state.unproven - state.proven - agreeing
    heard = {source: reading for source, reading in state.readings.items() if source not in silenced}
    known = replace(state, readings=heard, proven=state.proven | agreeing, doubtful=(state.doubtful | far) - agreeing)
    verdict = decide(known, factors, now, rules, doubted)
    return _dispute(replace(verdict, state=replace(verdict.state, readings=state.readings)))


def _dispute(verdict: Verdict) -> Verdict:
    """Return *verdict*, disputed where the price that shows is that of an unproven pair, whoever agrees with it."""
    state = verdict.state
    if state.shown is None or state.shown.source not in state.unproven - state.proven:
        return verdict
    return replace(verdict, state=replace(state, disputed=True, unidentified=True))


def _measure(state: CoinState, factors: Factors, now: datetime, rules: Rules) -> dict[str, Decimal]:
    """Return how far the fresh price of each unproven source is from the nearest fresh one that was asked for by id."""
    fresh = find_fresh(state.readings, now, rules)
    known = [reading for reading in fresh if reading.rate.source in rules.by_id]
    unproven = [
        reading
        for reading in fresh
        if reading.rate.source in state.unproven - state.proven and _is_comparable(reading.rate.source, factors, rules)
    ]
    return _distances(unproven, known, factors)


def _is_comparable(source: str, factors: Factors, rules: Rules) -> bool:
    """Return whether the price of *source* is in the quote currency, or nearly; what a USDT is worth may be unknown."""
    return rules.usdt_is_near or factors.get(source, Decimal(1)) is not None


def _distances(unproven: Iterable[Reading], known: Iterable[Reading], factors: Factors) -> dict[str, Decimal]:
    references = [_price(reading, factors) for reading in known]
    if not references:
        return {}
    prices = {reading.rate.source: _price(reading, factors) for reading in unproven}
    return {source: min(distance_pct(price, other) for other in references) for source, price in prices.items()}


def _price(reading: Reading, factors: Factors) -> Decimal:
    return convert(reading.rate, factors.get(reading.rate.source, Decimal(1))).price


def describe_doubtful(state: CoinState, factors: Factors, rules: Rules) -> dict[str, str]:
    """Return for each doubtful source a line for staff: which pair it is, and how far off its last price is."""
    known = [reading for name, reading in state.readings.items() if name in rules.by_id]
    doubtful = [reading for name, reading in state.readings.items() if name in state.doubtful]
    distances = _distances(doubtful, known, factors)
    return {source: _describe(source, state.pairs.get(source, ""), distances.get(source)) for source in state.doubtful}


def _describe(source: str, pair: str, distance: Decimal | None) -> str:
    how_far = "" if distance is None else f" ({percent_text(distance)} %)"
    return f"{source.title()}'s {pair} is far from this coin's price{how_far}: not used"


def describe_unproven(source: str, state: CoinState, rules: Rules) -> str:
    """Return a line for staff about a pair that has not been compared so far."""
    until = "not used until its price agrees" if rules.by_id else "disputed until staff vouch for it"
    return f"{source.title()}'s {state.pairs[source]} is not verified yet: {until}"


def identity_notes(
    before: Mapping[str, CoinState], after: Mapping[str, CoinState], factors: Factors, rules: Rules
) -> list[str]:
    """Return a line for the log for each pair that has become doubtful."""
    return [
        f"{symbol}: {line} until its price agrees or staff vouch for it"
        for symbol, state in after.items()
        if state.doubtful and (fresh := state.doubtful - before[symbol].doubtful)
        for source, line in describe_doubtful(state, factors, rules).items()
        if source in fresh
    ]
