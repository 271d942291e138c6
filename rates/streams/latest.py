"""
The desk of `stream_rates`: the newest rate of each coin from each stream, and which of them still hold.

A rate holds while its connection delivers anything at all, because a coin that is not traded has no events. It does
not hold after an event that contradicts it: an unusable price, or a clock that went back.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from rates.models import Coin
from rates.sources.frames import Event
from rates.telemetry import counts
from rates.types import Rate

# Seconds: a connection that delivered nothing for longer proves nothing.
ALIVE = 5.0

Key = tuple[str, str]


class Desk:
    """
    Newest rates by source and symbol.

    Attributes:
        news: set while there are rates that were not taken yet.
        coins: the coin list that the streams follow, so whom the rates are about.
    """

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.coins: Sequence[Coin] = ()
        self._rates: dict[Key, Rate] = {}
        self._fresh: set[Key] = set()
        self._doubted: set[Key] = set()
        self._heard: dict[str, float] = {}

    def put(self, source: str, event: Event, now: float) -> None:
        """Take in an *event* of *source* that arrived at *now* of the monotonic clock."""
        self._heard[source] = now
        counts.stream_events.labels(source).inc()
        self._doubted |= {(source, symbol) for symbol in event.symbols}
        for rate in event.rates:
            self._put_rate((source, rate.symbol), rate)

    def _put_rate(self, key: Key, rate: Rate) -> None:
        old = self._rates.get(key)
        if old is not None and rate.observed_at < old.observed_at:
            return
        self._doubted.discard(key)
        self._rates[key] = rate
        if old is None or (rate.price, rate.change_24h_pct) != (old.price, old.change_24h_pct):
            self._fresh.add(key)
            self.news.set()

    def take_news(self) -> list[Rate]:
        """Return the rates that have changed since they were taken last."""
        news = [self._rates[key] for key in self._fresh]
        self._fresh.clear()
        self.news.clear()
        return news

    def take_all(self, now: float) -> list[Rate]:
        """Return what is new and, received just now, every other rate that holds at *now* of the monotonic clock."""
        fresh = set(self._fresh)
        received_at = datetime.now(UTC)
        holding = [key for key in self._rates if key not in fresh and self._holds(key, now)]
        return [*self.take_news(), *(replace(self._rates[key], received_at=received_at) for key in holding)]

    def _holds(self, key: Key, now: float) -> bool:
        return key not in self._doubted and now - self._heard.get(key[0], float("-inf")) <= ALIVE

    def put_back(self, rates: Collection[Rate]) -> None:
        """Offer *rates* again that could not be published, unless there are newer ones."""
        self._fresh |= {(rate.source, rate.symbol) for rate in rates} & self._rates.keys()
        if self._fresh:
            self.news.set()

    def forget(self, source: str, symbols: Collection[str] | None = None) -> None:
        """Forget what *source* said about *symbols*, or about all; another connection has to say it anew."""
        gone = {key for key in self._rates if key[0] == source and (symbols is None or key[1] in symbols)}
        for key in gone:
            del self._rates[key]
        self._fresh -= gone
        self._doubted -= gone
