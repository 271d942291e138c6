"""
The gaps of all coins, filled one after the other for as long as prices are fresh; and how far that has come.

Tested in `tests/history/test_backfill.py`.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings

from rates import store
from rates.history.backfill import Gap, Step, fill, list_gaps, list_sources
from rates.history.candles import INTERVAL_NAMES
from rates.history.plan import Stretch
from rates.models import Coin
from rates.types import read_time

logger = logging.getLogger(__name__)

# Seconds between two looks at all coins, for new ones and new gaps.
LOOK_INTERVAL = 900.0
# Seconds that are waited for a vendor's spacing, where another gap would be taken up otherwise.
SHORT_WAIT = 2.0
# Seconds: the shortest stretch that is told as missing; CoinGecko has a price every five minutes.
SHORTEST_TOLD = 900
MOST_TOLD = 100


class Filler:
    """What is left to fill, and what was found to be missing for good."""

    def __init__(self, sleep: Callable[[float], object] = time.sleep) -> None:
        self._sleep = sleep
        self._gaps: deque[Gap] = deque()
        self._look_due = float("-inf")
        self._all = self._asked = self._stored = 0
        self._missing: dict[tuple[str, int], Sequence[Stretch]] = {}

    def work(self, seconds: float) -> None:
        """
        Fill for some *seconds*; not while prices are old, for the vendors are needed for those.

        Raises:
            DatabaseError, StoreUnavailable: it goes on with the next call.
        """
        deadline = time.monotonic() + seconds
        if not self._gaps and time.monotonic() >= self._look_due:
            self._begin()
        waiting = 0
        while self._gaps and waiting < len(self._gaps) and time.monotonic() < deadline and _are_prices_fresh():
            waiting = waiting + 1 if self._take_step() else 0
            self._tell()

    def _begin(self) -> None:
        self._look_due = time.monotonic() + LOOK_INTERVAL
        if settings.RATES_BACKFILL and list_sources():
            self._gaps.extend(list_gaps(list(Coin.objects.enabled())))
            self._all, self._asked, self._stored, self._missing = len(self._gaps), 0, 0, {}

    def _take_step(self) -> bool:
        """Return whether the first gap has to wait for a vendor; another one is first then."""
        step = fill(self._gaps[0], time.time())
        if step.wait > SHORT_WAIT:
            self._gaps.rotate(-1)
            return True
        if step.wait:
            self._sleep(step.wait)
        elif step.piece is None:
            gap = self._gaps.popleft()
            self._missing[gap.coin.symbol, gap.interval] = step.missing
        else:
            self._count(step)
        return False

    def _count(self, step: Step) -> None:
        self._asked += 1
        self._stored += step.stored
        logger.debug("history: %s: %d candles", step.piece, step.stored)

    def _tell(self) -> None:
        """Tell the admin."""
        store.save_backfill(
            {
                "at": time.time(),
                "gaps": self._all,
                "done": self._all - len(self._gaps),
                "now": str(self._gaps[0]) if self._gaps else "",
                "asked": self._asked,
                "stored": self._stored,
                "missing": self._describe_missing(),
            }
        )

    def _describe_missing(self) -> list[dict[str, Any]]:
        told = [
            {"symbol": symbol, "interval": INTERVAL_NAMES[interval], "start": start, "end": end}
            for (symbol, interval), stretches in self._missing.items()
            for start, end in stretches
            if end - start >= max(SHORTEST_TOLD, interval)
        ]
        return told[:MOST_TOLD]


def _are_prices_fresh() -> bool:
    header = store.load_header()
    return header is not None and time.time() - read_time(header.as_of).timestamp() <= settings.RATES_STALE_AFTER
