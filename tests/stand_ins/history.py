"""Historical candles of the stand-ins: a price that moves slowly and ends at the present one; and their faults."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from tests.stand_ins.market import StandIn

# Faults of an answer with historical candles.
HISTORY_FAULTS = frozenset(
    {
        "short",  # a tenth of what there is
        "gap",  # the middle third is missing
        "misaligned",  # times that are 17 seconds late
        "earlier",  # times of a hundred days before
        "running_far",  # the candle that is not over has another price
        "unit",  # one candle in thousands
        "unit_all",  # all of them
        "microseconds",
        "limited",  # 429 from now on
        "limited_once",  # 429 in the middle: the third call from now
        "no_pair",
        "garbage",
        "down",
    }
)
LATE = 17
DAY = 86400


class HistoryRow(NamedTuple):
    """A candle of the stand-in's history; *time* in Unix seconds."""

    time: float
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


@dataclass
class History:
    """
    The history of a stand-in's market.

    Attributes:
        fault: one of `HISTORY_FAULTS`, or nothing.
        listed: days since its coins were listed.
        delisted: days since they have not been traded any more; 0 where they still are.
        asked: times of the calls so far.
    """

    market: StandIn
    fault: str = ""
    listed: int = 400
    delisted: int = 0
    asked: list[float] = field(default_factory=list)
    _began: float = field(default_factory=time.time)
    _countdown: int = 0

    def __setattr__(self, name: str, value: object) -> None:
        if name == "fault" and value and value not in HISTORY_FAULTS:
            raise ValueError(f"no such fault of the history: {value}; there are {', '.join(sorted(HISTORY_FAULTS))}")
        if name == "fault":
            super().__setattr__("_countdown", 3)
        super().__setattr__(name, value)

    def take_fault(self) -> str:
        """Count a call; return its fault."""
        self.asked.append(time.time())
        self._countdown -= 1
        if self.fault == "limited_once" and self._countdown:
            return ""
        return self.fault

    def price(self, symbol: str, at: float) -> Decimal:
        """Return the price of *symbol*, or of a currency's pair such as EUR/USD, at the Unix time *at*."""
        base, _, quote = symbol.partition("/")
        if quote:
            return (self.worth(quote, at) / self.worth(base, at)).quantize(Decimal("1e-6"))
        wave = 0.0 if symbol == "USDT" else 0.3 * math.sin((at - self._began) / (20 * DAY))
        return (self.market.prices[symbol] * Decimal(1 + wave)).quantize(Decimal("1e-8"))

    def worth(self, code: str, at: float) -> Decimal:
        """Return what a USD was worth in a currency at the Unix time *at*."""
        if code == "USD":
            return Decimal(1)
        return self.market.currencies[code] * Decimal(1 + 0.05 * math.sin((at - self._began) / (50 * DAY)))

    def rows(self, symbol: str, interval: int, start: float, most: int, fault: str) -> list[HistoryRow]:
        """Return *most* candles from *start* on, the running one last if they go as far."""
        began = max(start, self._began - self.listed * DAY)
        first = math.ceil(began / interval) * interval
        times = list(range(first, int(time.time()) - self.delisted * DAY + 1, interval))[:most]
        rows = [self._row(symbol, at, interval) for at in times]
        return list(_spoil(rows, fault, running=bool(times) and times[-1] + interval > time.time()))

    def _row(self, symbol: str, at: int, interval: int) -> HistoryRow:
        opened, closed = self.price(symbol, at), self.price(symbol, at + interval)
        return HistoryRow(at, opened, max(opened, closed), min(opened, closed), closed)


def _spoil(rows: Sequence[HistoryRow], fault: str, *, running: bool) -> Iterator[HistoryRow]:
    count = len(rows)
    for place, row in enumerate(rows):
        if (fault == "short" and place > count // 10) or (fault == "gap" and count // 3 <= place < count * 2 // 3):
            continue
        if fault == "misaligned":
            yield row._replace(time=row.time + LATE)
        elif fault == "earlier":
            yield row._replace(time=row.time - 100 * DAY)
        elif fault == "unit_all" or (fault == "unit" and place == count // 2):
            yield HistoryRow(row.time, *(price * 1000 for price in row[1:]))
        elif fault == "running_far" and running and place == count - 1:
            yield row._replace(high=row.high * 9, close=row.close * 9)
        else:
            yield row


def write_rows(rows: Sequence[HistoryRow], per_second: int) -> list[list[object]]:
    """Return *rows* as exchanges write them: a time, and texts."""
    return [[int(row.time * per_second), *(f"{price:f}" for price in row[1:])] for row in rows]
