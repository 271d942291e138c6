"""
Which price a coin shows, and how far to trust it: pure functions of what the sources said.

    one fresh source alone          its price; beyond RATES_MAX_JUMP_PCT from the last good one: held until three
                                    readings with moving time stamps agree, then shown as disputed
    several, some agree             the best-ranked of those with whom most agree; disputed while a source that does not
                                    is nearer to the last good price
    several, none agree             the one nearest to the last good price, disputed; none near it: that price stays
    none                            the last price stays, with its age

Rank: live streams in the order of RATES_STREAM, then polls in the order of RATES_SOURCES. A better-ranked source takes
a coin back from a fresh owner with its second fresh reading in a row, so that a source that comes and goes does not
make the price zigzag. Prices are never averaged: two sources that disagree have no useful mean.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from rates.types import CoinState, Held, Rate, Reading, round_places

# Consecutive readings with moving time stamps that let a lone source's jump through.
READINGS_TO_RELEASE = 3
# A reading from further in the future than this was stamped before our clock was set back.
CLOCK_TOLERANCE = timedelta(seconds=5)
# What a source said within this proves no price any more, but it is evidence against a sudden other one. It is longer
# than the interval at which sources are asked that only check fresh streams.
EVIDENCE = timedelta(seconds=90)
# A price that its source computed longer ago than this proves nothing about now.
OLDEST = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Rules:
    """
    The settings that the judgement depends on; ranks are source names, best first.

    Attributes:
        usdt_is_near: the quote currency is one that a USDT is worth about one of; a price in USDT says nothing else.
    """

    streams: tuple[str, ...]
    polls: tuple[str, ...]
    stale_after: timedelta
    agreement_pct: Decimal
    max_jump_pct: Decimal
    usdt_is_near: bool = True

    def rank(self, reading: Reading) -> int:
        """Return the place of *reading*'s source; lower is better."""
        places = _places(self.streams, self.polls)
        return places.get((reading.rate.source, reading.live), len(places))


@lru_cache(maxsize=8)
def _places(streams: Sequence[str], polls: Sequence[str]) -> Mapping[tuple[str, bool], int]:
    """Return the place of each kind of reading, (source, live); asked for with every reading of every coin."""
    order = [(name, True) for name in streams] + [(name, False) for name in polls]
    return {kind: place for place, kind in enumerate(order)}


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    A fresh reading in the quote currency.

    Attributes:
        settled: its source gave the reading before too, so it may take the coin from another fresh source.
        certain: it is truly in the quote currency; a USDT price without a measured USDT/USD is not.
    """

    rate: Rate
    rank: int
    settled: bool
    certain: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a coin shows after the judgement; `state.shown` is the rate."""

    state: CoinState
    stale: bool
    confirmed_by: tuple[str, ...] = ()
    spread_pct: Decimal | None = None

    @property
    def is_doubtful(self) -> bool:
        """Whether another source should be asked: there is no price, an old one, or one that is in dispute."""
        return self.state.shown is None or self.stale or self.state.disputed


def distance_pct(one: Decimal, other: Decimal) -> Decimal:
    """Return how far two prices are apart, in percent of the lower one."""
    return abs(one - other) / min(one, other) * 100


def is_fresh(moment: datetime, now: datetime, limit: timedelta) -> bool:
    """Return whether *moment* lies at most *limit* back; a moment ahead of our clock proves nothing."""
    return -CLOCK_TOLERANCE <= now - moment <= limit


def take_rate(readings: Mapping[str, Reading], rate: Rate, live: bool, rules: Rules) -> dict[str, Reading]:
    """
    Return *readings* after *rate* arrived.

    Where its source is new or has jumped, the others measure from here how far it walks: a jump is itself in doubt, and
    proves nothing against those that stand still.
    """
    old, new = readings.get(rate.source), _take_reading(readings, rate, live, rules)
    if old is None or distance_pct(new.rate.price, old.rate.price) > rules.agreement_pct:
        anchor = {rate.source: new.rate.price}
        readings = {name: replace(each, anchors={**each.anchors, **anchor}) for name, each in readings.items()}
    return {**readings, rate.source: new}


def _take_reading(readings: Mapping[str, Reading], rate: Rate, live: bool, rules: Rules) -> Reading:
    """
    Return the reading of *rate*'s source after *rate* arrived.

    A rate older than what we hold from the same source is refused, and the source is out until its clock moves on;
    of its stream and its poll, the one that is behind changes nothing.
    """
    old = readings.get(rate.source)
    anchors = {name: other.rate.price for name, other in readings.items() if name != rate.source}
    age = rate.received_at - rate.observed_at
    if age > OLDEST:
        return Reading(rate, live, anchors=anchors, refused=f"its price is {age.total_seconds() / 60:.0f} minutes old")
    if old is None:
        return Reading(rate, live, anchors=anchors)
    if _is_behind(rate, old.rate):
        return old if old.live != live else replace(old, refused="its clock went back")
    return Reading(
        rate,
        live,
        streak=2 if old.refused is None and is_fresh(old.rate.received_at, rate.received_at, rules.stale_after) else 1,
        anchors={**anchors, **old.anchors} if rate.price == old.rate.price else anchors,
    )


def _is_behind(rate: Rate, old: Rate) -> bool:
    """
    Return whether its source stamped *rate* before *old*.

    A stamp that *old* got from us tells nothing of that, nor does one from before our clock was set back.
    """
    ours = old.observed_at == old.received_at or old.received_at - rate.received_at > CLOCK_TOLERANCE
    return rate.observed_at < old.observed_at and not ours


def is_frozen(reading: Reading, others: Sequence[Reading], rules: Rules) -> bool:
    """Return whether this price stood still while one of *others* walked away by more than the agreement band."""
    return any(_has_left(other.rate, reading, rules) for other in others)


def _has_left(other: Rate, reading: Reading, rules: Rules) -> bool:
    anchor = reading.anchors.get(other.source)
    return (
        anchor is not None
        and distance_pct(other.price, anchor) > rules.agreement_pct
        and distance_pct(other.price, reading.rate.price) > rules.agreement_pct
    )


def find_candidates(
    readings: Mapping[str, Reading], factors: Mapping[str, Decimal | None], now: datetime, rules: Rules
) -> list[Candidate]:
    """
    Return the readings that may be shown, best rank first.

    *factors* converts the sources whose prices are in another currency; None when the factor is not known.
    Such prices are only shown when there are no others.
    """
    fresh = _find_fresh(readings, now, rules)
    moving = [reading for reading in fresh if not is_frozen(reading, fresh, rules)]
    candidates = [_candidate(reading, factors.get(reading.rate.source, Decimal(1)), rules) for reading in moving]
    candidates.sort(key=lambda candidate: candidate.rank)
    return candidates if rules.usdt_is_near else [c for c in candidates if c.certain]


def find_standing(
    readings: Mapping[str, Reading], factors: Mapping[str, Decimal | None], now: datetime, rules: Rules
) -> list[Candidate]:
    """
    Return the readings that are out because another one walks away, if they are the more.

    It may as well be that one that is wrong, so they are evidence.
    """
    fresh = _find_fresh(readings, now, rules)
    standing = [reading for reading in fresh if is_frozen(reading, fresh, rules)]
    if 2 * len(standing) <= len(fresh):
        return []
    return [_candidate(reading, factors.get(reading.rate.source, Decimal(1)), rules) for reading in standing]


def _find_fresh(readings: Mapping[str, Reading], now: datetime, rules: Rules) -> list[Reading]:
    return [
        reading
        for reading in readings.values()
        if reading.refused is None and is_fresh(reading.rate.received_at, now, rules.stale_after)
    ]


def find_witnesses(
    readings: Mapping[str, Reading], factors: Mapping[str, Decimal | None], now: datetime, rules: Rules
) -> list[Candidate]:
    """Return the readings that are too old to be shown, and recent enough to be evidence."""
    return [
        _candidate(reading, factors.get(reading.rate.source, Decimal(1)), rules)
        for reading in readings.values()
        if reading.refused is None
        and is_fresh(reading.rate.received_at, now, EVIDENCE)
        and not is_fresh(reading.rate.received_at, now, rules.stale_after)
    ]


def _candidate(reading: Reading, factor: Decimal | None, rules: Rules) -> Candidate:
    rate = reading.rate
    if factor is not None and factor != 1:
        volume = rate.volume_24h and _convert(rate.volume_24h, factor)
        rate = replace(rate, price=_convert(rate.price, factor), volume_24h=volume)
    return Candidate(rate, rules.rank(reading), reading.streak > 1, factor is not None)


def _convert(amount: Decimal, factor: Decimal) -> Decimal:
    """Convert *amount*, without more digits than it had: a product's digits are not knowledge."""
    exponent = amount.as_tuple().exponent
    assert isinstance(exponent, int)
    product = amount * factor
    return round_places(product, max(-exponent, 5 - product.adjusted()))


def decide(
    state: CoinState,
    factors: Mapping[str, Decimal | None],
    now: datetime,
    rules: Rules,
    doubted: Collection[str] = (),
) -> Verdict:
    """
    Return what the coin of *state* shows at *now*.

    The factor of a *doubted* source is in dispute; so is a price that nobody else confirms.
    """
    found = find_candidates(state.readings, factors, now, rules)
    candidates = [c for c in found if c.certain] or found
    if not candidates:
        return _verdict(_show_aged(state, factors, rules), [], now, rules)
    good = _follow(state.good, candidates, rules)
    if good != state.good:
        state = replace(state, good=good)
    groups = _group(candidates, rules)
    size = max(map(len, groups))
    if size > 1:
        # Of three in a row each end has a majority too: the middle must not come and go as they move a little.
        enough = min(size, len(candidates) // 2 + 1)
        pick = _prefer([pick for pick, group in zip(candidates, groups, strict=True) if len(group) >= enough], state)
        state = _show_confirmed(state, pick, candidates, rules)
    elif len(candidates) > 1:
        state = _show_nearest(state, candidates, rules)
    else:
        pick = candidates[0]
        state = _show_lone(state, replace(pick, certain=pick.certain and pick.rate.source not in doubted), rules)
    if _has_stepped(state, good, rules):
        witnesses = [c for c in found if c not in candidates] + find_standing(state.readings, factors, now, rules)
        if not _is_checked(state, candidates, rules):
            witnesses += find_witnesses(state.readings, factors, now, rules)
        state = _contradict(state, good, witnesses, rules)
    return _verdict(state, candidates, now, rules)


def _follow(good: Decimal | None, candidates: Sequence[Candidate], rules: Rules) -> Decimal | None:
    """
    Return the last good price, carried along by the source that goes on from it in small steps.

    A dispute can last while the market moves; without this, wrong prices might come to lie near an old good one.
    """
    if good is None:
        return None
    off, nearest = min((distance_pct(c.rate.price, good), c.rate.price) for c in candidates)
    return nearest if off <= min(rules.agreement_pct, rules.max_jump_pct) else good


def _group(candidates: Sequence[Candidate], rules: Rules) -> list[Sequence[Candidate]]:
    """Return for each of *candidates* those that agree with it, itself included."""
    prices = [c.rate.price for c in candidates]
    if distance_pct(max(prices), min(prices)) <= rules.agreement_pct:
        return [candidates] * len(candidates)
    return [[c for c in candidates if _agree(pick, c, rules)] for pick in candidates]


def _agree(one: Candidate, other: Candidate, rules: Rules) -> bool:
    return one is other or distance_pct(one.rate.price, other.rate.price) <= rules.agreement_pct


def _prefer(candidates: Sequence[Candidate], state: CoinState) -> Candidate:
    """Return the best-ranked; the present owner while the better ones have only just come back."""
    owner = state.shown and state.shown.source
    settled = [c for c in candidates if c.settled or c.rate.source == owner]
    if any(c.rate.source == owner for c in settled):
        return settled[0]
    return candidates[0]


def _show_confirmed(state: CoinState, pick: Candidate, candidates: Sequence[Candidate], rules: Rules) -> CoinState:
    doubts = [c for c in candidates if not _agree(pick, c, rules)]
    return _show(state, pick, disputed=not pick.certain or _is_doubted(pick, doubts, state.good, rules))


def _is_doubted(pick: Candidate, doubts: Sequence[Candidate], good: Decimal | None, rules: Rules) -> bool:
    if good is None:
        return False
    off = distance_pct(pick.rate.price, good)
    return off > rules.agreement_pct and any(distance_pct(c.rate.price, good) < off for c in doubts)


def _has_stepped(state: CoinState, good: Decimal | None, rules: Rules) -> bool:
    shown = state.shown
    return shown is not None and good is not None and distance_pct(shown.price, good) > rules.agreement_pct


def _is_checked(state: CoinState, candidates: Sequence[Candidate], rules: Rules) -> bool:
    """Return whether a poll is among several that agree on the shown price: then the others were asked too."""
    shown = state.shown
    assert shown is not None
    agreeing = [c for c in candidates if distance_pct(c.rate.price, shown.price) <= rules.agreement_pct]
    return len(agreeing) > 1 and any(c.rank >= len(rules.streams) for c in agreeing)


def _contradict(state: CoinState, good: Decimal | None, witnesses: Sequence[Candidate], rules: Rules) -> CoinState:
    """Return *state* in dispute if a price that may not be shown is nearer to the last *good* one: it is evidence."""
    assert state.shown is not None
    if not _is_doubted(Candidate(state.shown, 0, True, True), witnesses, good, rules):
        return state
    return replace(state, disputed=True, good=good)


def _show_nearest(state: CoinState, candidates: Sequence[Candidate], rules: Rules) -> CoinState:
    good = state.good
    if good is None:
        return _show(state, _prefer(candidates, state), disputed=True)
    near = [c for c in candidates if distance_pct(c.rate.price, good) <= rules.max_jump_pct]
    if not near:
        return replace(state, disputed=True)
    return _show(state, min(near, key=lambda c: distance_pct(c.rate.price, good)), disputed=True)


def _show_lone(state: CoinState, pick: Candidate, rules: Rules) -> CoinState:
    good = state.good
    if good is None:
        return _show(state, pick, disputed=not pick.certain or state.disputed)
    off = distance_pct(pick.rate.price, good)
    if off > rules.max_jump_pct:
        return _hold(state, pick, rules)
    return _show(state, pick, disputed=not pick.certain or (state.disputed and off > rules.agreement_pct))


def _hold(state: CoinState, pick: Candidate, rules: Rules) -> CoinState:
    held = _count_held(state.held, pick.rate, rules)
    if held.count < READINGS_TO_RELEASE:
        return replace(state, disputed=True, held=held)
    return replace(_show(state, pick, disputed=True), held=held)


def _count_held(held: Held | None, rate: Rate, rules: Rules) -> Held:
    if held is None or held.source != rate.source or distance_pct(held.price, rate.price) > rules.agreement_pct:
        return Held(rate.source, rate.price, rate.observed_at)
    moved = rate.observed_at > held.observed_at
    count = min(held.count + moved, READINGS_TO_RELEASE)
    return Held(rate.source, rate.price, max(rate.observed_at, held.observed_at), count)


def _show_aged(state: CoinState, factors: Mapping[str, Decimal | None], rules: Rules) -> CoinState:
    """Show an old price where there is no newer one: it is better than nothing, and it is marked stale."""
    aged = [_candidate(r, factors.get(r.rate.source, Decimal(1)), rules) for r in state.readings.values() if r.refused]
    for pick in sorted(aged, key=lambda c: c.rate.observed_at, reverse=True):
        newer = state.shown is None or pick.rate.observed_at > state.shown.observed_at
        near = state.good is None or distance_pct(pick.rate.price, state.good) <= rules.max_jump_pct
        if newer and near and pick.certain:
            rate = replace(pick.rate, received_at=pick.rate.observed_at)
            return _show(state, replace(pick, rate=rate), disputed=state.disputed)
    return state


def _show(state: CoinState, pick: Candidate, *, disputed: bool) -> CoinState:
    good = state.good if disputed else pick.rate.price
    return replace(state, shown=pick.rate, good=good, disputed=disputed, held=None)


def _verdict(state: CoinState, candidates: Sequence[Candidate], now: datetime, rules: Rules) -> Verdict:
    shown = state.shown
    if shown is None:
        return Verdict(state, stale=False)
    prices = [c.rate.price for c in candidates]
    return Verdict(
        state,
        stale=not is_fresh(shown.received_at, now, rules.stale_after),
        confirmed_by=tuple(
            c.rate.source
            for c in candidates
            if c.rate.source != shown.source and distance_pct(c.rate.price, shown.price) <= rules.agreement_pct
        ),
        spread_pct=round_places(distance_pct(max(prices), min(prices)), 2) if len(prices) > 1 else None,
    )


def waiting_price(state: CoinState) -> Decimal | None:
    """Return what staff are asked about: the price that is held, or else the one that shows."""
    if state.held is not None:
        return state.held.price
    return state.shown.price if state.shown else None


def is_waiting(state: CoinState, price: Decimal, rules: Rules) -> bool:
    """Return whether the price that waits for staff is still *price*, give or take the agreement band."""
    waiting = waiting_price(state)
    return state.disputed and waiting is not None and distance_pct(waiting, price) <= rules.agreement_pct


def accept(state: CoinState) -> CoinState:
    """
    Return *state* after staff vouched for the price that waits, or for the disputed one that shows.

    The next reading near it is then shown without a mark.
    """
    return replace(state, good=waiting_price(state) or state.good, disputed=False, held=None)
