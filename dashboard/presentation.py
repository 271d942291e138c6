"""A coin as a page shows it: the published rate and its history as the texts and figures of the templates."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from dashboard import sparkline
from dashboard.numbers import (
    PriceText,
    decimals_for,
    direction,
    format_amount,
    format_duration,
    format_exact,
    format_number,
    format_percent,
    format_price,
    format_share,
)
from dashboard.period import Line, Period, choose_period
from dashboard.texts import source_name
from rates.types import read_time

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
    """Lowest and highest price of the period; *position*: where the current one lies between them, in percent."""

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
    logo: str
    price: PriceText | None
    exact: str
    decimals: int
    change: Change | None
    since: str
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
    rate: Mapping[str, Any], line: Line, now: datetime, late: bool = False, *, pinned: bool = False, own: int = 2
) -> CoinView:
    """Return how *rate* is shown at *now*; *late*: the whole board is too old; *own*: decimals of its currency."""
    price = None if rate["price"] is None else Decimal(rate["price"])
    decimals = decimals_for(price, own) if price is not None else 2
    observed_at = read_time(rate["observed_at"]) if rate["observed_at"] else None
    stale = price is not None and (rate["stale"] or late)
    period = choose_period(rate, line, now)
    return CoinView(
        rate=rate,
        symbol=rate["symbol"],
        name=rate["name"],
        hue=hue_of(rate["symbol"]),
        logo=f"{settings.RATES_ROOT_PATH}/{rate['logo']}" if rate.get("logo") else "",
        price=None if price is None else format_price(price, decimals),
        exact="" if price is None else format_exact(price),
        decimals=decimals,
        change=_change(period, decimals),
        since=period.since,
        line=sparkline.draw([(at, float(value)) for at, value in period.line]),
        trend=_trend(period),
        range=_range(price, period, decimals),
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


def _change(period: Period, decimals: int) -> Change | None:
    if period.percent is None or period.amount is None:
        return None
    # An amount of which the price's decimals leave nothing has no sign.
    amount = Decimal(0) if decimals > 0 and abs(period.amount) < Decimal(5).scaleb(-decimals - 1) else period.amount
    return Change(
        direction(period.percent), format_percent(period.percent), format_amount(amount, decimals), period.words
    )


def _trend(period: Period) -> str:
    """Return the direction of the line: that of the change, where it is one over the same period."""
    if len(period.line) < 2:
        return "flat"
    if period.percent is not None:
        return direction(period.percent)
    first, last = period.line[0][1], period.line[-1][1]
    return "up" if last > first else "down" if last < first else "flat"


def _range(price: Decimal | None, period: Period, decimals: int) -> Range | None:
    low, high = period.low, period.high
    if price is None or low is None or high is None:
        return None
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


def unpriced(symbol: str, name: str, logo: str = "") -> dict[str, Any]:
    """Return the coin object of a coin that no publication has mentioned yet."""
    unknown = ("price", "change_24h_pct", "volume_24h", "source", "observed_at", "spread_pct")
    known = {"symbol": symbol, "name": name, "stale": False, "disputed": False, "confirmed_by": []}
    return known | dict.fromkeys(unknown) | ({"logo": logo} if logo else {})
