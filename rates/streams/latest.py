"""
The newest rate of each coin from each stream, and which of them are silent.

Only an event of a coin's own pair proves its price. A heartbeat, or an event of another pair, proves the connection
alone: a subscription can be lost on a connection that is well.
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from prometheus_client import Counter

from rates.models import Coin
from rates.sources.protocols import StreamEvent
from rates.telemetry import counts
from rates.types import Rate

Key = tuple[str, str]


@cache
def _counter(source: str) -> Counter:
    """Return the counter of the events of *source*; to look it up takes as long as to count."""
    return counts.stream_events.labels(source)


class Silence(NamedTuple):
    """A coin without an event for long: since when, and its price by then; None if its subscription brought none."""

    since: datetime
    price: Decimal | None


class LatestRates:
    """
    Newest rates by source and symbol.

    Attributes:
        rates: the newest one that each stream told of each coin since it was connected.
        changed: set while there are changed prices that were not drained yet.
        coins: the coin list that the streams follow.
    """

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.coins: Sequence[Coin] = ()
        self.rates: dict[Key, Rate] = {}
        self._undrained: set[Key] = set()
        self._awaited_since: dict[Key, datetime] = {}

    def put(self, source: str, event: StreamEvent) -> None:
        """Add an *event* of *source*."""
        _counter(source).inc()
        for rate in event.rates:
            self._put_rate((source, rate.symbol), rate)

    def _put_rate(self, key: Key, rate: Rate) -> None:
        old = self.rates.get(key)
        if old is not None and rate.observed_at < old.observed_at:
            return
        self.rates[key] = rate
        self._undrained.add(key)
        if old is None or (rate.price, rate.change_24h_pct) != (old.price, old.change_24h_pct):
            self.changed.set()

    def drain(self) -> list[Rate]:
        """Return the rates that had an event since they were last drained: changed prices, and unchanged ones."""
        rates = [self.rates[key] for key in self._undrained]
        self._undrained.clear()
        self.changed.clear()
        return rates

    def requeue(self, rates: Collection[Rate]) -> None:
        """Return *rates* that could not be published; newer rates of the same coins replace them."""
        self._undrained |= {(rate.source, rate.symbol) for rate in rates} & self.rates.keys()
        if self._undrained:
            self.changed.set()

    def await_events(self, source: str, symbols: Collection[str], now: datetime) -> None:
        """Count the silence of *symbols* from *now*, when *source* was asked to deliver them."""
        self._awaited_since |= {(source, symbol): now for symbol in symbols}

    def find_silent(self, source: str, now: datetime, limit: timedelta) -> dict[str, Silence]:
        """Return the coins that *source* was asked to deliver and that had no event within *limit*."""
        silences = {symbol: self._silence((name, symbol)) for name, symbol in self._awaited_since if name == source}
        return {symbol: silence for symbol, silence in silences.items() if now - silence.since > limit}

    def _silence(self, key: Key) -> Silence:
        rate, asked_at = self.rates.get(key), self._awaited_since[key]
        return (
            Silence(rate.received_at, rate.price) if rate and rate.received_at >= asked_at else Silence(asked_at, None)
        )

    def forget(self, source: str, symbols: Collection[str] | None = None) -> None:
        """Forget the rates of *source* for *symbols*, or for all: a new connection has to deliver them again."""
        for memory in (self.rates, self._awaited_since):
            for key in [k for k in memory if k[0] == source and (symbols is None or k[1] in symbols)]:
                del memory[key]
        self._undrained &= self.rates.keys()
