"""
What each source last said of a coin: taken in, fresh or not, standing still or not; pure functions.

A price that stands still is no fault by itself. It is out when another source walks away from it in small steps: so a
reading remembers where the others stood when its own price last changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from rates.judgement.rules import Rules
from rates.types import Rate, Reading

# A reading from further in the future than this was stamped before our clock was set back.
CLOCK_TOLERANCE = timedelta(seconds=5)
# A price that its source computed longer ago than this proves nothing about now.
OLDEST_OBSERVATION = timedelta(minutes=5)
# What a source said within this proves no price any more, but it is evidence against a sudden other one. It is longer
# than the interval at which sources are asked that only check fresh streams.
EVIDENCE_AGE = timedelta(seconds=90)


def distance_pct(one: Decimal, other: Decimal) -> Decimal:
    """Return how far two prices are apart, in percent of the lower one."""
    return abs(one - other) / min(one, other) * 100


def is_fresh(moment: datetime, now: datetime, limit: timedelta) -> bool:
    """Return whether *moment* lies at most *limit* back; a moment ahead of our clock proves nothing."""
    return -CLOCK_TOLERANCE <= now - moment <= limit


def add_rate(readings: Mapping[str, Reading], rate: Rate, live: bool, rules: Rules) -> dict[str, Reading]:
    """
    Return *readings* after *rate* arrived.

    Where its source is new or has jumped, the others measure from here how far it walks: a jump is itself in doubt, and
    proves nothing against those that stand still.
    """
    old, new = readings.get(rate.source), _next_reading(readings, rate, live, rules)
    if old is None or distance_pct(new.rate.price, old.rate.price) > rules.agreement_pct:
        anchor = {rate.source: new.rate.price}
        readings = {name: replace(each, anchors={**each.anchors, **anchor}) for name, each in readings.items()}
    return {**readings, rate.source: new}


def _next_reading(readings: Mapping[str, Reading], rate: Rate, live: bool, rules: Rules) -> Reading:
    """
    Return the reading of *rate*'s source after *rate* arrived.

    A rate older than what we hold from the same source is refused, and the source is out until its clock moves on;
    of its stream and its poll, the one that is behind changes nothing.
    """
    old = readings.get(rate.source)
    anchors = {name: other.rate.price for name, other in readings.items() if name != rate.source}
    age = rate.received_at - rate.observed_at
    if age > OLDEST_OBSERVATION:
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
    return any(_has_moved_away(other.rate, reading, rules) for other in others)


def _has_moved_away(other: Rate, reading: Reading, rules: Rules) -> bool:
    anchor = reading.anchors.get(other.source)
    return (
        anchor is not None
        and distance_pct(other.price, anchor) > rules.agreement_pct
        and distance_pct(other.price, reading.rate.price) > rules.agreement_pct
    )


def find_fresh(readings: Mapping[str, Reading], now: datetime, rules: Rules) -> list[Reading]:
    """Return those of *readings* that were taken and are not stale."""
    return [
        reading
        for reading in readings.values()
        if reading.refused is None and is_fresh(reading.rate.received_at, now, rules.stale_after)
    ]
