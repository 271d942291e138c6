"""
Which price a coin shows, and how far to trust it: pure functions of what the sources said.

    one fresh source                its price; a jump of more than RATES_MAX_JUMP_PCT from the last good price is held
                                    until three readings with advancing timestamps agree, then shown as disputed
    several, some agree             the best-ranked member of the largest group that agrees; disputed while a source
                                    outside the group is nearer to the last good price
    several, none agree             the one nearest to the last good price, disputed; if none is near, that price stays
    none                            the last price stays, with its age

Rank: live streams in the order of RATES_STREAM, then polls in the order of RATES_SOURCES. A better-ranked source takes
a coin back from a fresh owner with its second fresh reading in a row, so that an intermittent source does not make the
price zigzag. Prices are never averaged: two sources that disagree have no useful mean.

A dispute does not end because the other side falls silent: whoever spoke against the price has to be heard again. Where
no price was ever good, what shows is what others are compared with; the first price is good when a second source agrees
or when it has stood for three readings.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from rates.judgement.conversion import Factors, convert, convert_price
from rates.judgement.dissent import keep_dispute
from rates.judgement.readings import (
    EVIDENCE_AGE,
    STANDING,
    distance_pct,
    find_fresh,
    find_frozen,
    is_fresh,
)
from rates.judgement.rules import Rules
from rates.types import CoinState, Held, Rate, Reading, round_places

# The factor of a source whose prices are in our quote currency.
SAME = Decimal(1)

C = TypeVar("C", "Candidate", Reading)


class Candidate(Struct, frozen=True):
    """
    A fresh reading that may be shown.

    Attributes:
        rate: as its source gave it.
        factor: what one unit of the source's quote currency is worth; None while nobody has measured it.
        price: that of the rate in our quote currency, as far as the factor is known.
        streak: how many fresh readings in a row its source gave; with two it may take the coin from another fresh
            source, with three a lone price is a good one.
        certain: it is really in the quote currency; a USDT price without a measured USDT/USD is not.
    """

    rate: Rate
    factor: Decimal | None
    price: Decimal
    rank: int
    streak: int
    certain: bool


class Verdict(Struct, frozen=True):
    """What a coin shows after the judgement; `state.shown` is its rate."""

    state: CoinState
    stale: bool
    confirmed_by: tuple[str, ...] = ()
    spread_pct: Decimal | None = None

    @property
    def is_doubtful(self) -> bool:
        """Whether another source should be asked: there is no price, or it is stale or disputed."""
        return self.state.shown is None or self.stale or self.state.disputed


def find_candidates(readings: Mapping[str, Reading], factors: Factors, now: datetime, rules: Rules) -> list[Candidate]:
    """
    Return the readings that may be shown, best rank first.

    *factors* converts the prices of sources that quote in another currency. Prices whose factor is None (not known) are
    only shown when there are no others.
    """
    fresh = find_fresh(readings, now, rules)
    found = _convert_all(fresh, factors, rules)
    frozen = find_frozen(fresh, [c.price for c in found], rules)
    moving = [c for c, reading in zip(found, fresh, strict=True) if reading not in frozen] if frozen else found
    candidates = sorted(moving, key=attrgetter("rank"))
    return candidates if rules.usdt_is_near else [c for c in candidates if c.certain]


def find_frozen_majority(
    readings: Mapping[str, Reading], factors: Factors, now: datetime, rules: Rules
) -> list[Candidate]:
    """
    Return the frozen readings, if they are the majority of the fresh ones.

    The source that moved away from them may be the one that is wrong, so they count as evidence.
    """
    fresh = find_fresh(readings, now, rules)
    prices = [c.price for c in _convert_all(fresh, factors, rules)]
    frozen = find_frozen(fresh, prices, rules)
    return _convert_all(frozen, factors, rules) if 2 * len(frozen) > len(fresh) else []


def find_witnesses(readings: Mapping[str, Reading], factors: Factors, now: datetime, rules: Rules) -> list[Candidate]:
    """Return the readings that are too old to be shown but recent enough to be evidence."""
    recent = [
        reading
        for reading in readings.values()
        if reading.refused is None
        and is_fresh(reading.rate.received_at, now, EVIDENCE_AGE)
        and not is_fresh(reading.rate.received_at, now, rules.stale_after)
    ]
    return _convert_all(recent, factors, rules)


def _prices(candidates: Iterable[Candidate]) -> dict[str, Decimal]:
    return {candidate.rate.source: candidate.price for candidate in candidates}


def _convert_all(readings: Sequence[Reading], factors: Factors, rules: Rules) -> list[Candidate]:
    ranks = rules.rank_all(readings)
    return [_candidate(r, factors.get(r.rate.source, SAME), rank) for r, rank in zip(readings, ranks, strict=True)]


def _candidate(reading: Reading, factor: Decimal | None, rank: int) -> Candidate:
    rate = reading.rate
    price = rate.price if factor is SAME or factor is None else convert_price(rate.price, factor)
    return Candidate(rate, factor, price, rank, reading.streak, factor is not None)


def decide(
    state: CoinState,
    factors: Factors,
    now: datetime,
    rules: Rules,
    doubted: Collection[str] = (),
) -> Verdict:
    """
    Return what the coin of *state* shows at *now*.

    The conversion factor of a *doubted* source is disputed; its price is then disputed too, unless another one agrees.
    """
    found = find_candidates(state.readings, factors, now, rules)
    candidates = [c for c in found if c.certain] or found
    if not candidates:
        return _verdict(_show_aged(state, factors, rules), [], now, rules)
    good = _carry_good_price(state.good, candidates, rules)
    before = state = state if good == state.good else replace(state, good=good)
    groups = _group(candidates, rules)
    size = max(map(len, groups))
    if size > 1:
        # When A agrees with B and B with C, but not A with C, each of the three has a majority. Any of them may then be
        # picked, or the owner would change with every small move.
        enough = min(size, len(candidates) // 2 + 1)
        pick = prefer([pick for pick, group in zip(candidates, groups, strict=True) if len(group) >= enough], state)
        doubts = [] if size == len(candidates) else [c for c in candidates if not _agree(pick, c, rules)]
        state = _show_confirmed(state, pick, doubts, rules)
    elif len(candidates) > 1:
        state = _show_nearest(state, candidates, rules)
    else:
        pick = candidates[0]
        state = _show_lone(state, replace(pick, certain=pick.certain and pick.rate.source not in doubted), rules)
    if _has_stepped(state, good, rules):
        witnesses = [c for c in found if c not in candidates] + find_frozen_majority(
            state.readings, factors, now, rules
        )
        if not _is_checked(state, candidates, rules):
            witnesses += find_witnesses(state.readings, factors, now, rules)
        state = _contradict(state, good, witnesses, rules)
    if before.disputed or state.disputed:
        fresh = _prices(_convert_all(find_fresh(state.readings, now, rules), factors, rules))
        recent = fresh | _prices(find_witnesses(state.readings, factors, now, rules))
        state = keep_dispute(before, state, fresh, recent, rules)
    elif state.dissenters:
        state = replace(state, dissenters=frozenset())
    return _verdict(state, candidates, now, rules)


def _carry_good_price(good: Decimal | None, candidates: Sequence[Candidate], rules: Rules) -> Decimal | None:
    """
    Return the last good price, moved along with the source that has continued from it in small steps.

    The market moves during a long dispute; without this, a wrong price could end up near an outdated good one.
    """
    if good is None:
        return None
    off, nearest = min([(distance_pct(c.price, good), c.price) for c in candidates])
    return nearest if off <= rules.small_step_pct else good


def _group(candidates: Sequence[Candidate], rules: Rules) -> list[Sequence[Candidate]]:
    """Return for each of *candidates* those that agree with it, itself included."""
    prices = [c.price for c in candidates]
    if distance_pct(max(prices), min(prices)) <= rules.agreement_pct:
        return [candidates] * len(candidates)
    return [[c for c in candidates if _agree(pick, c, rules)] for pick in candidates]


def _agree(one: Candidate, other: Candidate, rules: Rules) -> bool:
    return one is other or distance_pct(one.price, other.price) <= rules.agreement_pct


def prefer(candidates: Sequence[C], state: CoinState) -> C:
    """Return the best-ranked one, but keep the present owner while better-ranked sources have only just come back."""
    owner = state.shown and state.shown.source
    best: C | None = None
    for each in candidates:
        is_owner = each.rate.source == owner
        if best is None and (is_owner or each.streak > 1):
            best = each
        if is_owner and best is not None:
            return best
    return candidates[0]


def _show_confirmed(state: CoinState, pick: Candidate, doubts: Sequence[Candidate], rules: Rules) -> CoinState:
    return _show(state, pick, disputed=not pick.certain or _is_doubted(pick.price, doubts, state.good, rules))


def _is_doubted(price: Decimal, doubts: Sequence[Candidate], good: Decimal | None, rules: Rules) -> bool:
    if good is None or not doubts:
        return False
    off = distance_pct(price, good)
    return off > rules.agreement_pct and any(distance_pct(c.price, good) < off for c in doubts)


def _has_stepped(state: CoinState, good: Decimal | None, rules: Rules) -> bool:
    shown = state.shown
    return shown is not None and good is not None and distance_pct(shown.price, good) > rules.agreement_pct


def _is_checked(state: CoinState, candidates: Sequence[Candidate], rules: Rules) -> bool:
    """Return whether several agree on the shown price, a poll among them: then the other sources were asked too."""
    shown = state.shown
    assert shown is not None
    agreeing = [c for c in candidates if distance_pct(c.price, shown.price) <= rules.agreement_pct]
    return len(agreeing) > 1 and any(c.rank >= len(rules.streams) for c in agreeing)


def _contradict(state: CoinState, good: Decimal | None, witnesses: Sequence[Candidate], rules: Rules) -> CoinState:
    """Return *state*, disputed if one of *witnesses*, which may not be shown, is nearer to the last *good* price."""
    assert state.shown is not None
    if not _is_doubted(state.shown.price, witnesses, good, rules):
        return state
    return replace(state, disputed=True, good=good)


def _show_nearest(state: CoinState, candidates: Sequence[Candidate], rules: Rules) -> CoinState:
    reference = state.reference
    if reference is None:
        return _show(state, prefer(candidates, state), disputed=True)
    near = [c for c in candidates if distance_pct(c.price, reference) <= rules.max_jump_pct]
    if not near:
        return replace(state, disputed=True)
    return _show(state, min(near, key=lambda c: distance_pct(c.price, reference)), disputed=True)


def _show_lone(state: CoinState, pick: Candidate, rules: Rules) -> CoinState:
    reference = state.reference
    off = distance_pct(pick.price, reference) if reference is not None else Decimal(0)
    if off > rules.max_jump_pct:
        return _hold(state, pick, rules)
    back = state.held is not None and state.held.count < STANDING
    doubted = state.disputed and (off > rules.agreement_pct or (state.good is None and not back))
    shown = _show(state, pick, disputed=not pick.certain or doubted)
    return shown if state.good is not None or pick.streak >= STANDING else replace(shown, good=None)


def _hold(state: CoinState, pick: Candidate, rules: Rules) -> CoinState:
    held = _count_held(state.held, pick, rules)
    if held.count < STANDING:
        return replace(state, disputed=True, held=held)
    return replace(_show(state, pick, disputed=True), held=held)


def _count_held(held: Held | None, pick: Candidate, rules: Rules) -> Held:
    rate, price = pick.rate, pick.price
    if held is None or held.source != rate.source or distance_pct(held.price, price) > rules.agreement_pct:
        return Held(rate.source, price, rate.observed_at)
    moved = rate.observed_at > held.observed_at
    count = min(held.count + moved, STANDING)
    return Held(rate.source, price, max(rate.observed_at, held.observed_at), count)


def _show_aged(state: CoinState, factors: Factors, rules: Rules) -> CoinState:
    """Show the price of a refused reading where it is the newest there is: better than nothing, and marked stale."""
    aged = _convert_all([reading for reading in state.readings.values() if reading.refused], factors, rules)
    for pick in sorted(aged, key=lambda c: c.rate.observed_at, reverse=True):
        newer = state.shown is None or pick.rate.observed_at > state.shown.observed_at
        near = state.good is None or distance_pct(pick.price, state.good) <= rules.max_jump_pct
        if newer and near and pick.certain:
            rate = replace(pick.rate, received_at=pick.rate.observed_at)
            return _show(state, replace(pick, rate=rate), disputed=state.disputed)
    return state


def _show(state: CoinState, pick: Candidate, *, disputed: bool) -> CoinState:
    good = state.good if disputed else pick.price
    return replace(state, shown=convert(pick.rate, pick.factor), good=good, disputed=disputed, held=None)


def _verdict(state: CoinState, candidates: Sequence[Candidate], now: datetime, rules: Rules) -> Verdict:
    shown = state.shown
    if shown is None:
        return Verdict(state, stale=False)
    others = [c for c in candidates if c.rate.source != shown.source]
    prices = [c.price for c in candidates]
    return Verdict(
        state,
        stale=not is_fresh(shown.received_at, now, rules.stale_after),
        confirmed_by=tuple(c.rate.source for c in others if distance_pct(c.price, shown.price) <= rules.agreement_pct),
        spread_pct=round_places(distance_pct(max(prices), min(prices)), 2) if len(prices) > 1 else None,
    )


def waiting_price(state: CoinState) -> Decimal | None:
    """Return the price that staff are asked to accept: the one that is held, or else the one shown."""
    if state.held is not None:
        return state.held.price
    return state.shown.price if state.shown else None


def is_waiting(state: CoinState, price: Decimal, rules: Rules) -> bool:
    """Return whether the price that staff are asked to accept is still *price*, within the agreement band."""
    waiting = waiting_price(state)
    return state.disputed and waiting is not None and distance_pct(waiting, price) <= rules.agreement_pct


def accept(state: CoinState) -> CoinState:
    """
    Return *state* after staff accepted the price that is held, or the disputed one that is shown.

    The next reading near it is then shown without a mark.
    """
    return replace(state, good=waiting_price(state) or state.good, disputed=False, held=None, dissenters=frozenset())
