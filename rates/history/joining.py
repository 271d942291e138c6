"""
Whether what a vendor tells of the past is this coin's past; pure functions of it and the settings.

A wrong pair, another unit or a renamed coin shows where a vendor's candles meet those that we have: there they must
agree within `RATES_AGREEMENT_PCT`, or nothing of the answer is taken.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from statistics import median
from typing import NamedTuple

from django.conf import settings

from rates.history.candles import Candle
from rates.judgement.conversion import multiply
from rates.judgement.readings import distance_pct
from rates.vendor_history.answers import PastCandle

# A candle this many times as high or low as those around it is in another unit, or a fault.
OUTLIER = 4
NEIGHBOURS = 3


class Judgement(NamedTuple):
    """
    What may be stored of an answer.

    Attributes:
        refused: how many candles may not.
        why: in words, when some may not.
    """

    candles: list[Candle]
    refused: int = 0
    why: str = ""


def to_candles(past: Sequence[PastCandle], source: str, factors: Mapping[int, Decimal] | None) -> list[Candle]:
    """
    Return the candles of *past* in our currency.

    *factors*, by time, is what its own is worth in ours then; None where it is ours already. Where it is not known a
    candle is left out, or disputed if we count in US dollars, which a USDT is worth about one of.
    """
    if factors is None:
        return [Candle(*candle, 0, source, False) for candle in past]
    near = settings.QUOTE_CURRENCY == "usd"
    return [_convert(candle, source, factors.get(candle.time)) for candle in past if near or candle.time in factors]


def _convert(candle: PastCandle, source: str, factor: Decimal | None) -> Candle:
    if factor is None:
        return Candle(*candle, 0, source, True)
    opened, high, low, close = (multiply(price, factor) for price in candle[1:])
    return Candle(candle.time, opened, high, low, close, 0, source, False)


def judge(found: Sequence[Candle], known: Mapping[int, Candle], last: Decimal | None) -> Judgement:
    """
    Return what may be stored of *found*, in order, beside the *known* candles of the same times.

    Where none of these is known, the newest may be as far from the *last* price that is as a price may jump.
    """
    agreement, jump = Decimal(str(settings.RATES_AGREEMENT_PCT)), Decimal(str(settings.RATES_MAX_JUMP_PCT))
    candles = drop_outliers(found)
    outliers = len(found) - len(candles)
    shared = [(candle, known[candle.time]) for candle in candles if candle.time in known]
    off = [pair for pair in shared if not _agree(*pair, agreement)]
    if 2 * len(off) > len(shared):
        candle, ours = off[0]
        return Judgement([], len(found), f"tells {candle.close} where {ours.close} is known")
    if candles and not shared and (last is None or distance_pct(candles[-1].close, last) > jump):
        return Judgement([], len(found), f"ends at {candles[-1].close}, and {last or 'nothing'} follows")
    wrong = {candle.time for candle, _ in off}
    why = f"{outliers + len(off)} candles disagree with what is around them" if outliers or off else ""
    return Judgement([candle for candle in candles if candle.time not in wrong], outliers + len(off), why)


def drop_outliers(candles: Sequence[Candle]) -> list[Candle]:
    """Return *candles* without those that are in another unit than the ones around them."""
    return [candle for place, candle in enumerate(candles) if not _is_outlier(candles, place)]


def _is_outlier(candles: Sequence[Candle], place: int) -> bool:
    around = [c.close for c in (*candles[max(0, place - NEIGHBOURS) : place], *candles[place + 1 :][:NEIGHBOURS])]
    if len(around) < 2:
        return False
    usual, candle = median(around), candles[place]
    return candle.low > usual * OUTLIER or candle.high < usual / OUTLIER


def _agree(candle: Candle, ours: Candle, agreement: Decimal) -> bool:
    """Return whether the close of *candle* lies within *ours*, give or take the agreement."""
    nearest = min(max(candle.close, ours.low), ours.high)
    return distance_pct(candle.close, nearest) <= agreement
