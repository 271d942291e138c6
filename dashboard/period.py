"""
Over which period a coin's change, line and range are shown: 24 hours, or since there are prices; as in `js/period.js`.

Where our candles reach back 24 hours, all three are of those. Where they do not yet, all three are since the first one.
In the first minute of a service, before there is any candle, the change is that of the source's 24 hours, the line
leads from the price that the coin had then, and nobody knows the range. Where the source tells no change, the line and
the range are of the updates since the first one.

Tested in `tests/dashboard/test_period.py`, and `js/period.js` with the same cases in `tests/browser/test_numbers.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

# Unix time and price, oldest first.
Line = Sequence[tuple[float, Decimal]]

DAY = 86400
# Seconds that a line must reach back to be called one of 24 hours.
FULL = 23 * 3600


@dataclass(frozen=True, slots=True)
class Period:
    """
    What became of a price within a period.

    Attributes:
        since: "since 15:04 UTC"; empty for 24 hours.
        percent, amount: by how much it changed; None where nobody knows.
        line: what is drawn, up to the present price.
        low, high: None where there is nothing to compare with.
    """

    since: str
    percent: Decimal | None
    amount: Decimal | None
    line: Line
    low: Decimal | None
    high: Decimal | None

    @property
    def words(self) -> str:
        """Return the period in words."""
        return self.since or _("24 h")


UNKNOWN = Period("", None, None, (), None, None)


def choose_period(rate: Mapping[str, Any], line: Line, now: datetime) -> Period:
    """Return the period of a published coin object, with the prices that are known of it."""
    if rate["price"] is None:
        return UNKNOWN
    price, at = Decimal(rate["price"]), now.timestamp()
    points = [*line, (max(at, line[-1][0]), price)] if line else []
    span = points[-1][0] - points[0][0] if points else 0
    if span >= FULL:
        return _full_day(rate, price, points, at)
    if "low_24h" in rate and span > 0:
        return _since(rate, price, points)
    percent, amount = _day_change(rate, price)
    if amount is not None:
        return Period("", percent, amount, [(at - DAY, price - amount), *(points or [(at, price)])], None, None)
    return replace(_since(rate, price, points), percent=None, amount=None) if span > 0 else UNKNOWN


def _full_day(rate: Mapping[str, Any], price: Decimal, points: Line, at: float) -> Period:
    percent, amount = _day_change(rate, price)
    first = points[0][1] if amount is None else price - amount
    return Period("", percent, amount, [(at - DAY, first), *points[1:]], *_extremes(rate, points))


def _since(rate: Mapping[str, Any], price: Decimal, points: Line) -> Period:
    began, before = points[0]
    since = _("since {time}").format(time=f"{datetime.fromtimestamp(began, UTC):%H:%M} UTC")
    return Period(since, (price / before - 1) * 100, price - before, points, *_extremes(rate, points))


def _extremes(rate: Mapping[str, Any], points: Line) -> tuple[Decimal, Decimal]:
    if "low_24h" in rate:
        return Decimal(rate["low_24h"]), Decimal(rate["high_24h"])
    prices = [value for __, value in points]
    return min(prices), max(prices)


def _day_change(rate: Mapping[str, Any], price: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """Return percent and amount of the change over 24 hours; None twice where nobody says it."""
    if rate["change_24h_pct"] is None:
        return None, None
    percent = Decimal(rate["change_24h_pct"])
    share = 1 + percent / 100
    return percent, price - (price / share if share > 0 else Decimal(0))
