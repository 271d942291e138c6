"""
Verdicts that still stand: a coin is judged again only when something about it can have changed.

In a publication of a stream most coins have no new reading. The verdict on the same state, in the same context, changes
only at the moments when one of its times comes of age: a reading becomes stale, or too old to be evidence.

Tested in `tests/judgement/test_standing.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from rates.judgement.ownership import Verdict
from rates.judgement.readings import CLOCK_TOLERANCE, EVIDENCE_AGE
from rates.types import CoinState

# From when until when a verdict stands, counted from the moment of the judgement; both ends are left out.
Span = tuple[timedelta, timedelta]

ZERO = timedelta(0)


class Judged(Struct):
    """
    A verdict on *state*, judged at *at* by rules that call readings older than *stale_after* stale.

    The span is found when it is first asked for: in a tick hardly any state is met a second time.
    """

    state: CoinState
    verdict: Verdict
    at: datetime
    stale_after: timedelta
    span: Span | None = None

    def stands(self, now: datetime) -> bool:
        """Return whether this would also be the verdict on the state at *now*."""
        if self.span is None:
            self.span = find_span(self.verdict.state, self.at, self.stale_after)
        first, last = self.span
        return first < now - self.at < last


def find_span(state: CoinState, at: datetime, stale_after: timedelta) -> Span:
    """Return from when until when, counted from *at*, none of the times in *state* comes of age."""
    left = [
        limit - (at - moment) for moment in _times(state) for limit in (-CLOCK_TOLERANCE, stale_after, EVIDENCE_AGE)
    ]
    return (
        max((each for each in left if each <= ZERO), default=timedelta.min),
        min((each for each in left if each >= ZERO), default=timedelta.max),
    )


def _times(state: CoinState) -> Iterator[datetime]:
    if state.shown is not None:
        yield state.shown.received_at
    for reading in state.readings.values():
        yield reading.rate.received_at


class LastVerdicts:
    """The verdicts of the last judgement, by the symbols of the states that were judged, and the context of all."""

    def __init__(self) -> None:
        self._last: tuple[object, dict[str, Judged]] = None, {}

    def judge_all(
        self,
        states: Mapping[str, CoinState],
        now: datetime,
        context: object,
        judge: Callable[[str, CoinState], Judged],
    ) -> dict[str, Verdict]:
        """Return the verdict on each of *states*: that of *judge*, unless the last one in the same *context* stands."""
        before, last = self._last
        known = last if before == context else {}
        judged = {
            symbol: found
            if (found := known.get(symbol)) is not None and found.state is state and found.stands(now)
            else judge(symbol, state)
            for symbol, state in states.items()
        }
        # Replaced at once, as several threads may judge.
        self._last = context, judged
        return {symbol: each.verdict for symbol, each in judged.items()}
