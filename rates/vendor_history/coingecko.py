"""
CoinGecko's historical prices in the quote currency, whose spacing depends on the span; candles are made of them here.

Reference: https://docs.coingecko.com/reference/coins-id-market-chart-range
Limits: those of `rates.sources.coingecko`, which each call here counts for too. Without a paid plan they go 365
days back. Up to a day until now comes every 5 minutes, up to 90 days every hour, more every day at midnight UTC.

A price at the beginning of an hour or a day is its open, and the next one its close; so a day's candle needs the next
midnight, and never takes the last point, which is now.

Tested in `tests/vendor_history/test_vendors.py`.
"""

import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from django.conf import settings

from rates.exceptions import NotOffered, TooLongAgo
from rates.models import Coin
from rates.sources import coingecko
from rates.sources.vendor_values import read_number, read_price
from rates.vendor_history.answers import HistoryAnswer, VendorCandle, garbled, select_closed

NAME = coingecko.NAME
QUOTE = coingecko.QUOTE
# Seconds; keyless callers get some five calls a minute, and the ticks need them.
SPACING = 15.0
DAY = 86400
# Days of one request, by the interval of its answer: 5 minutes, an hour, a day. The last two are a day less than is
# allowed, for clocks and zones.
DAYS = {60: 1, 3600: 89, DAY: 364}
# All of it in one answer, and one on either side.
MOST_CANDLES: Mapping[int, int] = {interval: days * DAY // interval + 2 for interval, days in DAYS.items()}
LONGEST_BODY = 2_000_000

# Days to ask for, fewer after each refusal: none tells how many the plan has.
PLANS = (180, 90, 30, 14, 7, 1)
# How many days back may be asked for, where a refusal has told; by configuration, as another key may have another plan.
_plans: dict[str, int] = {}


def setup_fingerprint() -> str:
    """Return what tells one configuration of this source from another."""
    return coingecko.setup_fingerprint()


def find_name(coin: Coin) -> str | None:
    """Return the id of *coin*."""
    return coin.coingecko_id or None


def max_age(interval: int) -> float:
    """Return the age of the oldest candle, in seconds."""
    return min(DAYS[interval], _plan_days()) * float(DAY)


def _plan_days() -> int:
    return _plans.get(setup_fingerprint(), max(DAYS.values()) + 1)


def fetch_candles(name: str, interval: int, start: int, end: int, timeout: float) -> HistoryAnswer:
    """
    Return candles of the coin *name*, made of the prices within [*start*, *end*) and the one after.

    Raises:
        SourceError: when there is no usable answer; `NotOffered` for an unknown coin, `TooLongAgo` for a time before
            the plan's: `max_age` is less then.
    """
    address = coingecko.price_url().removesuffix("/simple/price")
    url = f"{address}/coins/{quote(name, safe='')}/market_chart"
    # The span decides how far the points are apart, and only one that ends now has some every five minutes.
    days = _count_days(interval, start)
    params = {"vs_currency": settings.QUOTE_CURRENCY, "days": str(days), "precision": "full"}
    try:
        body = coingecko.get_json(url, params, time.monotonic() + timeout, LONGEST_BODY)
    except TooLongAgo as error:
        if not _learn_plan(days):
            raise NotOffered(NAME, str(error).removeprefix(f"{NAME}: ")) from error
        raise
    prices = body.get("prices") if isinstance(body, dict) else None
    if not isinstance(prices, list):
        raise garbled(NAME, "an answer without prices")
    return HistoryAnswer(
        select_closed(make_candles(parse_points(prices), interval), interval, start, end, time.time()), end
    )


def _count_days(interval: int, start: int) -> int:
    """Return the days to ask for: from *start* on, and so many that the points are as far apart as *interval*."""
    fewest, most = {60: (1, 1), 3600: (2, 90), DAY: (91, 365)}[interval]
    since = int((time.time() - start) // DAY) + 1
    return min(max(fewest, since), most, _plan_days())


def _learn_plan(days: int) -> bool:
    """Ask for fewer days after a refusal of so many; return False when there are no fewer."""
    fewer = next((plan for plan in PLANS if plan < days), None)
    if fewer is not None:
        _plans[setup_fingerprint()] = fewer
    return fewer is not None


def parse_points(rows: Sequence[Any]) -> list[tuple[float, Decimal]]:
    """Return Unix time and price of each usable row, oldest first: ``[[1779027899041, 76975.1], ...]``."""
    points = []
    for row in rows:
        if isinstance(row, list) and len(row) == 2:
            milliseconds, price = read_number(row[0]), read_price(row[1])
            if milliseconds is not None and price is not None:
                points.append((float(milliseconds) / 1000, price))
    return sorted(points)


def make_candles(points: Sequence[tuple[float, Decimal]], interval: int) -> list[VendorCandle]:
    """
    Return a candle for each *interval* that contains one of *points*.

    A minute has its own price alone; longer ones end with the next point if that lies in the next interval.
    """
    if interval == 60:
        return [_candle(int(at // 60) * 60, price, price) for at, price in points]
    starts = [(int(at // interval) * interval, price) for at, price in points]
    return [_candle(time, price, after) for (time, price), (next_time, after) in pairwise(starts)
            if next_time - time in (0, interval)]  # fmt: skip


def _candle(time: int, opened: Decimal, closed: Decimal) -> VendorCandle:
    return VendorCandle(time, opened, max(opened, closed), min(opened, closed), closed)
