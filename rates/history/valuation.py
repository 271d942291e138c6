"""
The price at a moment: the close of the last candle that ended before it.

Tested in `tests/api/test_history.py`.
"""

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings

from rates.currencies import CENTRAL_BANK, CENTRAL_BANK_STANDS, derive_price, divide
from rates.history import archive
from rates.history.candles import DAY, MINUTE, STORED, Candle
from rates.history.reading import UNWRITTEN_MINUTES, factor_instrument, find_coin_unit, read_unwritten
from rates.history.series import Instrument, list_series
from rates.types import HistoryPoint, decimal_text, read_time


class Question(NamedTuple):
    """Whose price, and when: a Unix time."""

    instrument: Instrument
    time: float


class Valuation(NamedTuple):
    """
    The price at a moment.

    Attributes:
        observed_at: Unix time that it is of: the end of its candle.
        interval: seconds that this candle covers; 0 for a price that is live.
        distance: seconds from then to the moment that was asked for.
    """

    price: Decimal
    observed_at: float
    interval: int
    source: str
    disputed: bool
    distance: float


def find_prices(
    questions: Sequence[Question], within: float = 0.0, currency: str | None = None
) -> list[Valuation | None]:
    """
    Return the answer to each of *questions*; None where the last price before is too old.

    It may be one interval of its candle old, or *within* seconds if that is more.

    Raises:
        DatabaseError: when the database cannot be read.
    """
    answers = _find(questions, within)
    if currency in (None, settings.QUOTE_CURRENCY):
        return answers
    worth = _find_worth(str(currency), [question.time for question in questions], within)
    return [_convert(answer, factor) for answer, factor in zip(answers, worth, strict=True)]


def _find_worth(currency: str, times: Sequence[float], within: float) -> list[Valuation | None]:
    """Return what *currency* was worth at *times*, as recorded; where that is not, by the coin that it is."""
    quote = settings.QUOTE_CURRENCY
    worth = _find_rates(factor_instrument(quote, currency), times, within)
    unit = find_coin_unit(quote, currency)
    if unit is None or None not in worth:
        return worth
    coin, units = unit
    by_coin = _find([Question(coin, time) for time in times], within)
    return [known or (other and other._replace(price=divide(units, other.price)))
            for known, other in zip(worth, by_coin, strict=True)]  # fmt: skip


def _find_rates(factor: Instrument, times: Sequence[float], within: float) -> list[Valuation | None]:
    """Return what was recorded of *factor*; the central bank's rate of a day stands until the next working day."""
    questions = [Question(factor, time) for time in times]
    found = _find(questions, within)
    if None not in found:
        return found
    by_bank = _find(questions, max(within, CENTRAL_BANK_STANDS.total_seconds() - DAY))
    return [known or (other if other and other.source == CENTRAL_BANK else None)
            for known, other in zip(found, by_bank, strict=True)]  # fmt: skip


def _convert(answer: Valuation | None, factor: Valuation | None) -> Valuation | None:
    if answer is None or factor is None:
        return None
    price, disputed = derive_price(answer.price, factor.price), answer.disputed or factor.disputed
    return answer._replace(price=price, disputed=disputed)


def _find(questions: Sequence[Question], within: float) -> list[Valuation | None]:
    found: dict[int, Valuation] = {}
    for interval in STORED:
        # A finer candle that is near enough needs no other.
        left = [n for n, _ in enumerate(questions) if n not in found or found[n].distance > found[n].interval]
        for number, candle in _find_candles(questions, left, interval).items():
            answer = _value(candle, interval, questions[number].time)
            # A minute that is too old hides no hour that is not, though that one may have ended before it.
            is_near = answer.distance <= max(interval, within)
            if is_near and (number not in found or answer.distance < found[number].distance):
                found[number] = answer
    return [found.get(number) for number in range(len(questions))]


def _find_candles(questions: Sequence[Question], numbers: Sequence[int], interval: int) -> dict[int, Candle]:
    """Return, by the number of its question, the last candle of *interval* that had ended then."""
    oldest = time.time() - (settings.RATES_CANDLES_1M_DAYS + 1) * DAY if interval == MINUTE else 0
    wanted = [number for number in numbers if questions[number].time >= oldest]
    series = list_series(interval, {questions[number].instrument for number in wanted})
    known = [number for number in wanted if questions[number].instrument in series]
    keys = archive.find_last(
        [(series[questions[number].instrument].pk, int(questions[number].time - interval)) for number in known]
    )
    candles = archive.load_candles({key for key in keys if key is not None})
    found = {number: candles[key] for number, key in zip(known, keys, strict=True) if key is not None}
    return found | _find_unwritten(questions, wanted) if interval == MINUTE else found


def _find_unwritten(questions: Sequence[Question], numbers: Sequence[int]) -> dict[int, Candle]:
    """Return the candles of minutes that are over and that the database need not have yet."""
    recent = time.time() - (UNWRITTEN_MINUTES + 1) * MINUTE
    fresh = [number for number in numbers if questions[number].time >= recent]
    if not fresh:
        return {}
    minutes = read_unwritten({questions[number].instrument for number in fresh})
    ended = {
        number: [c for c in minutes[questions[number].instrument] if c.time + MINUTE <= questions[number].time]
        for number in fresh
    }
    return {number: candles[-1] for number, candles in ended.items() if candles}


def _value(candle: Candle, interval: int, moment: float) -> Valuation:
    end = candle.time + interval
    return Valuation(candle.close, end, interval, candle.source, candle.disputed, moment - end)


def convert_points(points: Sequence[HistoryPoint], currency: str) -> list[HistoryPoint]:
    """
    Return *points*, stored updates of a coin, in *currency* by what it was worth then, as far as that is known.

    Raises:
        DatabaseError: when the database cannot be read.
    """
    if currency == settings.QUOTE_CURRENCY:
        return list(points)
    worth = _find_worth(currency, [read_time(point.observed_at).timestamp() for point in points], within=DAY)
    return [
        point._replace(price=decimal_text(derive_price(Decimal(point.price), found.price)))
        for point, found in zip(points, worth, strict=True)
        if found is not None
    ]
