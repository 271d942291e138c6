"""
The newest reading of each source: how it is added, whether it is fresh, whether it is frozen; pure functions.

An unchanged price is not suspicious in itself. It counts as frozen when another source has moved away from it in small
steps; so a reading remembers the others' prices when its own last changed (`anchors`).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from rates.judgement.rules import Rules
from rates.types import Rate, Reading, round_places

HUNDRED = Decimal(100)
# A reading from further in the future than this was received before our clock was set back.
CLOCK_TOLERANCE = timedelta(seconds=5)
YOUNGEST = -CLOCK_TOLERANCE
# A price that its source computed longer ago than this proves nothing about now; the last trade of a quiet market does,
# if the exchange was asked for it.
OLDEST_OBSERVATION = timedelta(minutes=5)
# What is left of a stream's largest step with the next event.
STEP_DECAY = Decimal("0.98")
# Fresh readings in a row that make a price of its source one that stands; a lone jump is shown after as many.
STANDING = 3
# A reading of up to this age is still evidence against a sudden change, though too old to be shown. It is longer than
# the interval at which sources are polled merely to check fresh streams.
EVIDENCE_AGE = timedelta(seconds=90)


def distance_pct(one: Decimal, other: Decimal) -> Decimal:
    """Return how far two prices are apart, in percent of the lower one."""
    if one < other:
        one, other = other, one
    return (one - other) / other * HUNDRED


def is_within(one: Decimal, other: Decimal, ratio: Decimal) -> bool:
    """Return whether neither of two prices is more than *ratio* times the other; cheaper than their distance."""
    return one <= other * ratio and other <= one * ratio


def is_fresh(moment: datetime, now: datetime, limit: timedelta) -> bool:
    """Return whether *moment* lies at most *limit* back; one that is ahead of our clock does not."""
    return YOUNGEST <= now - moment <= limit


def update_readings(
    readings: Mapping[str, Reading], rates: Iterable[Rate], live: bool, rules: Rules
) -> dict[str, Reading]:
    """
    Return the *readings* of a coin after its *rates* arrived, one after the other.

    When a source is new or has jumped, the others measure from here how far it moves: a jump is itself doubtful, and no
    evidence that the others are frozen.
    """
    readings = dict(readings)
    prices = {source: reading.rate.price for source, reading in readings.items()}
    ratio = rules.agreement_ratio
    for rate in rates:
        source = rate.source
        others = prices.copy()
        before = others.pop(source, None)
        new = _next_reading(readings.get(source), others, rate, live, rules)
        prices[source] = price = new.rate.price
        # As `is_within`, for every price that arrives.
        if before is None or price > before * ratio or before > price * ratio:
            readings = {name: replace(each, anchors={**each.anchors, source: price}) for name, each in readings.items()}
        readings[source] = new
    return readings


def _next_reading(old: Reading | None, others: Mapping[str, Decimal], rate: Rate, live: bool, rules: Rules) -> Reading:
    """
    Return the reading of *rate*'s source, *old* before, after *rate* arrived; *others* are the prices of the others.

    A rate older than the last one of its source is refused, and the source counts for nothing until its clock passes
    that point. Between a source's stream and its poll, the one that is behind is ignored.
    """
    if (live or rate.source in rules.by_id) and rate.received_at - rate.observed_at > OLDEST_OBSERVATION:
        minutes = (rate.received_at - rate.observed_at).total_seconds() / 60
        return Reading(rate, live, anchors=others, refused=f"its price is {minutes:.0f} minutes old")
    if old is None:
        return Reading(rate, live, anchors=others)
    last = old.rate
    if not live and old.live and _confirms(rate, old, rules):
        return _confirm(old, rate, rules)
    if rate.observed_at < last.observed_at and _is_behind(rate, last):
        return old if old.live != live else replace(old, refused="its clock went back")
    # As `is_fresh`, for every price that arrives.
    goes_on = old.refused is None and YOUNGEST <= rate.received_at - last.received_at <= rules.stale_after
    return Reading(
        rate,
        live,
        streak=old.streak + (old.streak < STANDING) if goes_on else 1,
        anchors={**others, **old.anchors} if rate.price == last.price else others,
        step=_next_step(old, rate) if live and old.live else old.step,
    )


def _next_step(old: Reading, rate: Rate) -> Decimal:
    """Return the largest step between two events, of which less and less counts with each further one."""
    return round_places(max(old.step * STEP_DECAY, distance_pct(old.rate.price, rate.price)), 4)


def _confirms(poll: Rate, stream: Reading, rules: Rules) -> bool:
    """
    Return whether a *poll* only repeats what the source's own *stream* said, and would take its rank away.

    Once the stream is silent about the coin, the poll may differ by no more than what moves between two events: a poll
    can be a moment ahead of the event that tells the same trade.
    """
    if stream.refused is not None:
        return False
    off = distance_pct(poll.price, stream.rate.price)
    if is_delivered(stream, poll.received_at, rules):
        return off <= rules.agreement_pct
    late = poll.observed_at < stream.rate.observed_at - CLOCK_TOLERANCE
    return not late and off <= min(stream.step, rules.agreement_pct / 2)


def _confirm(stream: Reading, poll: Rate, rules: Rules) -> Reading:
    """Return *stream* as it is where it delivers; where it is silent, with its price confirmed by the *poll*."""
    if is_delivered(stream, poll.received_at, rules):
        return stream
    return replace(stream, rate=replace(stream.rate, received_at=poll.received_at))


def is_delivered(reading: Reading, now: datetime, rules: Rules) -> bool:
    """
    Return whether the stream of *reading* delivers the coin at *now*: it had an event, or a poll confirmed its price.

    It does not if that is half-way to being stale: so another price arrives before this one has to be marked.
    """
    return reading.live and reading.refused is None and is_fresh(reading.rate.received_at, now, rules.live_for)


def _is_behind(rate: Rate, old: Rate) -> bool:
    """
    Return whether *rate*, whose timestamp is before that of *old*, is older by its source's own clock.

    That cannot be told when *old* has our timestamp for lack of one, or was received before our clock was set back.
    """
    ours = old.observed_at == old.received_at or old.received_at - rate.received_at > CLOCK_TOLERANCE
    return not ours


def find_frozen(fresh: Sequence[Reading], prices: Sequence[Decimal], rules: Rules) -> list[Reading]:
    """
    Return those that are unchanged while another of *fresh* has moved away by more than the agreement band.

    *prices* are theirs in one currency: where a source quotes in another one, its number may be far from all others.
    """
    if len(prices) < 2 or distance_pct(max(prices), min(prices)) <= rules.agreement_pct:
        return []
    said = list(zip(fresh, prices, strict=True))
    return [
        reading
        for reading, price in said
        if any(
            _has_moved(other.rate, reading, rules) and distance_pct(its_price, price) > rules.agreement_pct
            for other, its_price in said
        )
    ]


def _has_moved(other: Rate, reading: Reading, rules: Rules) -> bool:
    """Return whether the price of *other* is another one than when *reading* last changed."""
    anchor = reading.anchors.get(other.source)
    return anchor is not None and distance_pct(other.price, anchor) > rules.agreement_pct


def find_fresh(readings: Mapping[str, Reading], now: datetime, rules: Rules) -> list[Reading]:
    """Return the *readings* that were not refused and are not stale."""
    # As `is_fresh`, with its bounds made once.
    first, last = now - rules.stale_after, now + CLOCK_TOLERANCE
    return [r for r in readings.values() if r.refused is None and first <= r.rate.received_at <= last]
