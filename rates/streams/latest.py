"""
The newest rate of each coin from each stream, and which of them are still current.

A rate is current while its connection delivers anything at all, because a coin that is not traded has no events. It is
not current after an event that contradicts it: an unusable price, or a clock that went back.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from rates.models import Coin
from rates.sources.protocols import StreamEvent
from rates.telemetry import counts
from rates.types import Rate

# Seconds: a rate is no longer confirmed when its connection has delivered nothing for longer.
ALIVE_FOR = 5.0

Key = tuple[str, str]


class LatestRates:
    """
    Newest rates by source and symbol.

    Attributes:
        changed: set while there are changes that were not drained yet.
        coins: the coin list that the streams follow.
    """

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.coins: Sequence[Coin] = ()
        self._rates: dict[Key, Rate] = {}
        self._changed: set[Key] = set()
        self._contradicted: set[Key] = set()
        self._heard_at: dict[str, float] = {}

    def put(self, source: str, event: StreamEvent, now: float) -> None:
        """Add an *event* of *source* that arrived at *now*, by the monotonic clock."""
        self._heard_at[source] = now
        counts.stream_events.labels(source).inc()
        self._contradicted |= {(source, symbol) for symbol in event.symbols}
        for rate in event.rates:
            self._put_rate((source, rate.symbol), rate)

    def _put_rate(self, key: Key, rate: Rate) -> None:
        old = self._rates.get(key)
        if old is not None and rate.observed_at < old.observed_at:
            return
        self._contradicted.discard(key)
        self._rates[key] = rate
        if old is None or (rate.price, rate.change_24h_pct) != (old.price, old.change_24h_pct):
            self._changed.add(key)
            self.changed.set()

    def drain_changes(self) -> list[Rate]:
        """Return the rates that have changed since they were last drained."""
        changes = [self._rates[key] for key in self._changed]
        self._changed.clear()
        self.changed.clear()
        return changes

    def drain_all(self, now: float) -> list[Rate]:
        """Return the changes and every other rate that is current at *now* (monotonic clock), as received just now."""
        changed = set(self._changed)
        received_at = datetime.now(UTC)
        current = [key for key in self._rates if key not in changed and self._is_current(key, now)]
        return [*self.drain_changes(), *(replace(self._rates[key], received_at=received_at) for key in current)]

    def _is_current(self, key: Key, now: float) -> bool:
        return key not in self._contradicted and now - self._heard_at.get(key[0], float("-inf")) <= ALIVE_FOR

    def requeue(self, rates: Collection[Rate]) -> None:
        """Return *rates* that could not be published to the changes; newer rates of the same coins replace them."""
        self._changed |= {(rate.source, rate.symbol) for rate in rates} & self._rates.keys()
        if self._changed:
            self.changed.set()

    def forget(self, source: str, symbols: Collection[str] | None = None) -> None:
        """Forget the rates of *source* for *symbols*, or for all: a new connection has to deliver them again."""
        gone = {key for key in self._rates if key[0] == source and (symbols is None or key[1] in symbols)}
        for key in gone:
            del self._rates[key]
        self._changed -= gone
        self._contradicted -= gone
