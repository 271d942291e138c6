"""A coin as a page shows it: the published rate and its history as the texts and figures of the templates."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from dashboard import sparkline
from dashboard.numbers import (
    PriceText,
    decimals_for,
    direction,
    format_amount,
    format_duration,
    format_number,
    format_percent,
    format_price,
    format_share,
)
from dashboard.texts import source_name
from rates.types import HistoryPoint, read_time

HUES = 11
# Seconds: below this an age is "just now".
JUST_NOW = 10


@dataclass(frozen=True, slots=True)
class Change:
    """
    How a price moved over a window that is named in words.

    Attributes:
        direction: `up`, `down` or `flat`.
        percent, amount: with their signs.
    """

    direction: str
    percent: str
    amount: PriceText
    window: str


@dataclass(frozen=True, slots=True)
class Range:
    """Lowest and highest stored price; *position*: where the current one lies between them, in percent."""

    low: PriceText
    high: PriceText
    position: str


@dataclass(frozen=True, slots=True)
class CoinView:
    """One coin as templates show it; *rate* is the coin object of the protocol as it was published."""

    rate: Mapping[str, Any]
    symbol: str
    name: str
    hue: int
    price: PriceText | None
    exact: str
    decimals: int
    change: Change | None
    line: sparkline.Sparkline | None
    trend: str
    range: Range | None
    source: str
    simulated: bool
    observed_at: datetime | None
    age: str
    stale: bool
    disputed: bool
    pinned: bool
    volume: str
    confirmed_by: Sequence[str]
    spread: str


def hue_of(symbol: str) -> int:
    """Return which of the `HUES` colours marks *symbol*; `js/paint.js` computes the same."""
    return sum(map(ord, symbol)) % HUES


def view_coin(
    rate: Mapping[str, Any], history: Sequence[HistoryPoint], now: datetime, late: bool = False, pinned: bool = False
) -> CoinView:
    """Return how *rate* is shown at *now*; *late*: the whole board is too old for anything to look live."""
    price = None if rate["price"] is None else Decimal(rate["price"])
    prices = [Decimal(point.price) for point in history]
    decimals = decimals_for(price) if price is not None else 2
    observed_at = read_time(rate["observed_at"]) if rate["observed_at"] else None
    stale = price is not None and (rate["stale"] or late)
    return CoinView(
        rate=rate,
        symbol=rate["symbol"],
        name=rate["name"],
        hue=hue_of(rate["symbol"]),
        price=None if price is None else format_price(price, decimals),
        exact=rate["price"] or "",
        decimals=decimals,
        change=_change(rate, price, decimals),
        line=sparkline.draw([float(value) for value in prices]),
        trend=_trend(prices),
        range=_range(price, prices, decimals),
        source=source_name(rate["source"]),
        simulated=rate["source"] == "simulated",
        observed_at=observed_at,
        age=_age(observed_at, now, stale),
        stale=stale,
        disputed=rate["disputed"],
        pinned=pinned,
        volume=format_number(Decimal(rate["volume_24h"]), 0) if rate["volume_24h"] else "",
        confirmed_by=[source_name(source) for source in rate["confirmed_by"]],
        spread="" if rate["spread_pct"] is None else format_share(Decimal(rate["spread_pct"])),
    )


def _change(rate: Mapping[str, Any], price: Decimal | None, decimals: int) -> Change | None:
    if price is None or rate["change_24h_pct"] is None:
        return None
    percent = Decimal(rate["change_24h_pct"])
    share = 1 + percent / 100
    before = price / share if share > 0 else Decimal(0)
    return Change(direction(percent), format_percent(percent), format_amount(price - before, decimals), _("24 h"))


def _trend(prices: Sequence[Decimal]) -> str:
    if len(prices) < 2 or prices[0] == prices[-1]:
        return "flat"
    return "up" if prices[-1] > prices[0] else "down"


def _range(price: Decimal | None, prices: Sequence[Decimal], decimals: int) -> Range | None:
    if price is None or len(prices) < 2:
        return None
    low, high = min(*prices, price), max(*prices, price)
    position = (price - low) / (high - low) * 100 if high > low else Decimal(50)
    return Range(format_price(low, decimals), format_price(high, decimals), f"{position:.1f}")


def _age(observed_at: datetime | None, now: datetime, stale: bool) -> str:
    if observed_at is None:
        return _("waiting")
    seconds = (now - observed_at).total_seconds()
    if stale:
        return _("{age} old").format(age=format_duration(seconds))
    return _("just now") if seconds < JUST_NOW else _("{age} ago").format(age=format_duration(seconds))


def read_rate(text: str) -> dict[str, Any]:
    """Return the coin object in a published fragment; its money stays text."""
    rate: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return rate


def unpriced(symbol: str, name: str) -> dict[str, Any]:
    """Return the coin object of a coin that no publication has mentioned yet."""
    unknown = ("price", "change_24h_pct", "volume_24h", "source", "observed_at", "spread_pct")
    return {"symbol": symbol, "name": name, "stale": False, "disputed": False, "confirmed_by": []} | dict.fromkeys(
        unknown
    )
