"""What a coin's page shows of its history: the ranges of the chart, and the newest candles as rows of a table."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_noop

from dashboard.numbers import PriceText, format_price, in_unit
from dashboard.texts import source_name
from rates.history.candles import DAY, HOUR, INTERVAL_NAMES, MINUTE, Candle, floor_time
from rates.history.reading import read_history
from rates.history.series import Instrument

logger = logging.getLogger(__name__)

# Candles of a chart: a screen shows no more.
MOST_POINTS = 1000
# Rows of the table: a screenful. The rest is in the CSV.
ROWS = 12


@dataclass(frozen=True, slots=True)
class Range:
    """A range of the chart: at most *count* candles of *step* seconds each, beside the running one."""

    name: str
    words: str
    step: int
    count: int

    @property
    def label(self) -> str:
        """Return its name in the language of the page."""
        return gettext(self.words)

    @property
    def query(self) -> str:
        """Return what is asked of `/api/rates/<symbol>/candles`."""
        return f"interval={INTERVAL_NAMES[self.step]}&limit={self.count + 1}"

    @property
    def begin(self) -> datetime:
        """Return when its oldest candle begins now."""
        oldest = floor_time(datetime.now(UTC).timestamp(), self.step) - self.count * self.step
        return datetime.fromtimestamp(oldest, UTC)


RANGES = (
    Range("1h", gettext_noop("1 h"), MINUTE, 60),
    Range("24h", gettext_noop("24 h"), 5 * MINUTE, 288),
    Range("7d", gettext_noop("7 d"), HOUR, 168),
    Range("30d", gettext_noop("30 d"), 4 * HOUR, 180),
    Range("1y", gettext_noop("1 y"), DAY, 365),
    Range("all", gettext_noop("All"), DAY, 4999),
)
DEFAULT = RANGES[1]


@dataclass(frozen=True, slots=True)
class CandleRow:
    """A candle as the table shows it."""

    time: datetime
    prices: Sequence[PriceText]
    low: Decimal
    high: Decimal
    source: str
    disputed: bool


def choose_range(request: HttpRequest) -> Range:
    """Return the range that the visitor chose the last time, from the cookie that the scripts write."""
    chosen = request.COOKIES.get("range")
    return next((each for each in RANGES if each.name == chosen), DEFAULT)


def read_rows(coingecko_id: str, shown: Range, decimals: int, currency: str) -> list[CandleRow]:
    """Return the newest candles of a range, newest first; none while the database is down."""
    try:
        coin = Instrument(coingecko_id, settings.QUOTE_CURRENCY)
        start = int(shown.begin.timestamp())
        candles = read_history(coin, shown.step, ROWS, start=start, currency=currency).candles
    except DatabaseError as error:
        logger.warning("no candles for the page: %s", str(error).partition("\n")[0])
        return []
    return [_make_row(candle, decimals) for candle in reversed(candles)]


def _make_row(candle: Candle, decimals: int) -> CandleRow:
    prices = [format_price(price, decimals) for price in candle[1:5]]
    time, source = datetime.fromtimestamp(candle.time, UTC), source_name(candle.source)
    return CandleRow(time, prices, candle.low, candle.high, source, candle.disputed)


def describe_extremes(rows: Sequence[CandleRow], currency: str, decimals: int) -> str:
    """Return the lowest and highest price of a range, where *rows* are all of it; the scripts know of longer ones."""
    if not rows or len(rows) == ROWS:
        return ""
    low, high = min(row.low for row in rows), max(row.high for row in rows)
    return gettext("Lowest {low}, highest {high} in this range").format(
        low=in_unit(format_price(low, decimals).full, currency),
        high=in_unit(format_price(high, decimals).full, currency),
    )
