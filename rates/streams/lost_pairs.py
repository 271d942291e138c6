"""
Which pairs of a stream are lost: silent, while polls over other connections say that their prices move.

A quiet market is silent too, and its polls repeat the price. So what tells the two apart is the poll, which the ticks
ask for and leave in the coins' states.

Tested in `tests/streams/test_lost_pairs.py`.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal

from rates.judgement.rules import Rules
from rates.streams.latest import LatestRates, Silence
from rates.types import CoinState, Reading

# The share of `Rules.live_for` within which an event may follow the poll that saw the same trade.
GRACE = 0.2


class LostPairs:
    """
    The silent coins of one stream.

    Attributes:
        silent: symbols without an event for `Rules.live_for`.
        lost: those of them whose price has moved.
    """

    def __init__(self, source: str, latest: LatestRates) -> None:
        self.silent: frozenset[str] = frozenset()
        self.lost: frozenset[str] = frozenset()
        self._source = source
        self._latest = latest
        # Where a subscription brought no price, the first one that a poll said in the silence.
        self._first_polled: dict[tuple[str, datetime], Decimal] = {}

    def compare(self, states: Mapping[str, CoinState], now: datetime, rules: Rules) -> None:
        """Compare the silent coins with what polls have left in *states*."""
        silences = self._latest.find_silent(self._source, now, rules.live_for)
        readings = {symbol: states.get(symbol, CoinState()).readings.get(self._source) for symbol in silences}
        polled = {
            symbol: reading
            for symbol, reading in readings.items()
            if reading is not None and _is_poll_in(silences[symbol], reading, now, rules)
        }
        first = self._first_polled
        self._first_polled = {
            (symbol, silences[symbol].since): first.get((symbol, silences[symbol].since), reading.rate.price)
            for symbol, reading in polled.items()
        }
        self.silent = frozenset(silences)
        self.lost = frozenset(s for s, reading in polled.items() if reading.rate.price != self._known(s, silences[s]))

    def _known(self, symbol: str, silence: Silence) -> Decimal:
        return self._first_polled[symbol, silence.since] if silence.price is None else silence.price

    def forgive(self, symbols: Collection[str]) -> None:
        """Give *symbols* time, because something was done about them."""
        self.lost -= frozenset(symbols)


def _is_poll_in(silence: Silence, reading: Reading, now: datetime, rules: Rules) -> bool:
    """Return whether *reading* is a poll's, made in the *silence*, and its trade would have had its event by now."""
    received_at = reading.rate.received_at
    is_poll = not reading.live and reading.refused is None
    return is_poll and received_at > silence.since and now - received_at > rules.live_for * GRACE
