"""
Whether a vendor's candles are consistent with what is known; pure functions of them, the rules and the settings.

A wrong pair, another unit or a renamed coin shows where a vendor's candles overlap the known ones: there they must
agree within `RATES_AGREEMENT_PCT`, otherwise the whole answer is refused.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from statistics import median
from typing import NamedTuple

from django.conf import settings

from rates.backfill.factors import Factors
from rates.history.candles import Candle
from rates.judgement.conversion import multiply
from rates.judgement.readings import distance_pct
from rates.judgement.rules import Rules
from rates.vendor_history.answers import VendorCandle

# A candle this many times as high or low as its neighbours is in another unit, or an error.
OUTLIER = 4
NEIGHBOURS = 3


class CheckResult(NamedTuple):
    """
    The candles of an answer that may be stored.

    Attributes:
        refused: number of candles that may not.
        why: the reason, in words; empty if none was refused.
    """

    candles: list[Candle]
    refused: int = 0
    why: str = ""


def to_candles(past: Sequence[VendorCandle], source: str, factors: Factors) -> list[Candle]:
    """
    Return the candles of *past* in our currency.

    *factors* has what a unit of their own was worth in ours, by time; None if it is ours. A candle without one is left
    out, or disputed if our currency is the US dollar, which is about what a USDT is worth.
    """
    if factors is None:
        return [Candle(*candle, 0, source, False) for candle in past]
    near = settings.QUOTE_CURRENCY == "usd"
    return [_convert(candle, source, factors.get(candle.time)) for candle in past if near or candle.time in factors]


def _convert(candle: VendorCandle, source: str, factor: Decimal | None) -> Candle:
    if factor is None:
        return Candle(*candle, 0, source, True)
    opened, high, low, close = (multiply(price, factor) for price in candle[1:])
    return Candle(candle.time, opened, high, low, close, 0, source, False)


def check_candles(
    found: Sequence[Candle], known: Mapping[int, Candle], next_price: Decimal | None, rules: Rules
) -> CheckResult:
    """
    Return the candles of *found*, oldest first, that are consistent with the *known* ones of the same times.

    If no time is in both, the newest must not be a jump by the *rules* from *next_price*, the first one after them.
    """
    agreement, jump = rules.agreement_pct, rules.max_jump_pct
    candles = drop_outliers(found)
    outliers = len(found) - len(candles)
    shared = [(candle, known[candle.time]) for candle in candles if candle.time in known]
    off = [pair for pair in shared if not _agree(*pair, agreement)]
    if 2 * len(off) > len(shared):
        candle, ours = off[0]
        return CheckResult([], len(found), f"has {candle.close} where {ours.close} is known")
    if candles and not shared and (next_price is None or distance_pct(candles[-1].close, next_price) > jump):
        return CheckResult([], len(found), f"ends at {candles[-1].close}, and {next_price or 'nothing'} follows")
    wrong = {candle.time for candle, _ in off}
    why = "they disagree with what is around them" if outliers or off else ""
    return CheckResult([candle for candle in candles if candle.time not in wrong], outliers + len(off), why)


def drop_outliers(candles: Sequence[Candle]) -> list[Candle]:
    """Return *candles* without those in another unit than their neighbours."""
    return [candle for place, candle in enumerate(candles) if not _is_outlier(candles, place)]


def _is_outlier(candles: Sequence[Candle], place: int) -> bool:
    around = [c.close for c in (*candles[max(0, place - NEIGHBOURS) : place], *candles[place + 1 :][:NEIGHBOURS])]
    if len(around) < 2:
        return False
    usual, candle = median(around), candles[place]
    return candle.low > usual * OUTLIER or candle.high < usual / OUTLIER


def _agree(candle: Candle, ours: Candle, agreement: Decimal) -> bool:
    """Return whether the close of *candle* is in the range of *ours*, within *agreement* percent."""
    nearest = min(max(candle.close, ours.low), ours.high)
    return distance_pct(candle.close, nearest) <= agreement
