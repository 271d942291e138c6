"""
What this process has published within the running minute, carried to Redis every few seconds.

    publication ─► record ─► RunningCandle of each price ─► flush ─► Redis, rates:minute:{time} ─► `writer`

Processes that publish do not wait for each other here: each has its own candles, and the writer joins them. A minute
that is over is kept until Redis has it.

Tested in `tests/history/test_recording.py`.
"""

import logging
import os
import secrets
import time
from collections.abc import Iterator
from functools import cache

from rates import store
from rates.exceptions import StoreUnavailable
from rates.history.archive import Pair
from rates.history.candles import MINUTE, Published, RunningCandle, extend, floor_time
from rates.history.minutes import encode_minute
from rates.store import Saved
from rates.types import CoinState, read_time

logger = logging.getLogger(__name__)

# Seconds: how much of the running minute is lost with a process that is killed.
FLUSH_INTERVAL = 5.0
# Minutes that wait in memory while Redis is down; nothing is published then, so there is seldom more than one.
MOST_MINUTES = 10


class Recorder:
    """The candles that this process publishes."""

    def __init__(self) -> None:
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._minutes: dict[int, dict[Pair, RunningCandle]] = {}
        self._flush_due = float("-inf")

    def record(self, saved: Saved) -> None:
        """Count the publication *saved*; a Redis that is down is somebody else's log line."""
        at = read_time(saved.snapshot.as_of).timestamp()
        minute = floor_time(at, MINUTE)
        # A clock that was set back is in another minute too.
        is_new = minute not in self._minutes
        candles = self._minutes.setdefault(minute, {})
        for pair, published in list_prices(saved):
            if (candle := extend(candles.get(pair), published, at)) is not None:
                candles[pair] = candle
        if is_new or time.monotonic() >= self._flush_due:
            self.flush()

    def flush(self) -> None:
        """Carry everything to Redis; only the newest minute is kept for more."""
        if not self._minutes:
            return
        texts = {minute: encode_minute(candles) for minute, candles in self._minutes.items() if candles}
        newest = next(reversed(self._minutes))
        try:
            store.save_minutes(self._name, texts)
            self._minutes = {newest: self._minutes[newest]}
            self._flush_due = time.monotonic() + FLUSH_INTERVAL
        except StoreUnavailable as error:
            logger.debug("candles have to wait: %s", error)
            self._minutes = dict(list(self._minutes.items())[-MOST_MINUTES:])


@cache
def recorder() -> Recorder:
    """Return this process's recorder."""
    return Recorder()


def list_prices(saved: Saved) -> Iterator[tuple[Pair, Published]]:
    """Yield what the publication *saved* says of each coin that has a price, and of USDT/USD."""
    stale = frozenset(saved.stale)
    for symbol, state in saved.states.items():
        if state.shown is not None:
            published = Published(state.shown.price, state.shown.source, state.disputed, symbol in stale)
            yield pair_of(symbol, state), published


def pair_of(symbol: str, state: CoinState) -> Pair:
    """Return whose price *state* is about: a coin's by its CoinGecko id, USDT's by the first half of ``USDT/USD``."""
    return Pair(state.coingecko_id or symbol.partition("/")[0], state.quote)
