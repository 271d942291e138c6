"""
Prices of the past in any currency: candles of a chart, prices at a moment, a line of seven days.

What one unit of the base currency was worth then comes from the candles of that currency, or of the coin that it is.

Tested in `tests/coingecko_api/test_charts.py` and `tests/coingecko_api/test_markets.py`.
"""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache

from django.conf import settings

from rates.coingecko_api.board import COIN_UNITS, CONVERTED
from rates.history import archive, reading
from rates.history.candles import DAY, HOUR, MINUTE, Candle, convert, floor_time
from rates.history.reading import factor_instrument
from rates.history.series import Instrument, list_series
from rates.history.valuation import Question, find_prices

# Candles in one answer.
MOST_CANDLES = 20_000
WEEK = 7 * DAY


def price_of(coin_id: str) -> Instrument:
    """Return the series of a coin's prices."""
    return Instrument(coin_id, settings.QUOTE_CURRENCY)


def worth_of(currency: str) -> tuple[Instrument, Decimal | None]:
    """Return the series that tells what *currency* is worth; and, if that is a coin's price, its units in one coin."""
    if currency in COIN_UNITS:
        coin_id, units = COIN_UNITS[currency]
        return price_of(coin_id), units
    return factor_instrument(settings.QUOTE_CURRENCY, currency), None


def read_chart(coin_id: str, currency: str, interval: int, start: float, end: float) -> list[tuple[int, Candle]]:
    """
    Return the candles of *interval* that ended within [*start*, *end*], each with its end, oldest first.

    Before the first of them, longer ones stand in, where there are some.
    """
    found: list[tuple[int, Candle]] = []
    until = int(end)
    for step in (interval, *(longer for longer in (HOUR, DAY) if longer > interval)):
        if found and found[0][0] - start <= step:
            break
        candles = _read(coin_id, currency, step, int(start) - step, until)
        earlier = [(candle.time + step, candle) for candle in candles if start <= candle.time + step <= until]
        found = [*earlier, *found][-MOST_CANDLES:]
        until = min(until, found[0][1].time) if found else until
    return found


def _read(coin_id: str, currency: str, interval: int, start: int, end: int) -> list[Candle]:
    candles = reading.read_history(price_of(coin_id), interval, MOST_CANDLES, start=max(0, start), end=end).candles
    if currency == settings.QUOTE_CURRENCY or not candles:
        return candles
    series, units = worth_of(currency)
    read = reading.read_history(series, interval, MOST_CANDLES, start=max(0, start), end=end).candles
    factors = {candle.time: candle if units is None else _invert(candle, units) for candle in read}
    return [convert(candle, factors[candle.time]) for candle in candles if candle.time in factors]


def _invert(candle: Candle, units: Decimal) -> Candle:
    opened, high, low, close = (CONVERTED.divide(units, price) for price in candle[1:5])
    return candle._replace(open=opened, high=low, low=high, close=close)


class PastPrices:
    """What was read for the running minute: prices in the base currency, by series and seconds ago."""

    def __init__(self) -> None:
        self._minute = 0
        self._prices: dict[tuple[Instrument, int], Decimal | None] = {}

    def read(self, wanted: Collection[tuple[Instrument, int]]) -> Mapping[tuple[Instrument, int], Decimal | None]:
        """Return the price of each series so many seconds before now; None where it is not known."""
        now = floor_time(time.time(), MINUTE)
        if now != self._minute:
            self._minute, self._prices = now, {}
        if missing := [each for each in wanted if each not in self._prices]:
            found = find_prices([Question(series, now - seconds) for series, seconds in missing])
            self._prices |= {each: answer and answer.price for each, answer in zip(missing, found, strict=True)}
        return self._prices


@cache
def past_prices() -> PastPrices:
    """Return what this process has read."""
    return PastPrices()


def read_past(coin_ids: Iterable[str], currencies: Collection[str], spans: Collection[int]) -> "Past":
    """Return the prices of coins in *currencies*, each of *spans* seconds ago."""
    series = {price_of(coin_id) for coin_id in coin_ids}
    series |= {worth_of(code)[0] for code in currencies if code != settings.QUOTE_CURRENCY}
    return Past(past_prices().read([(each, span) for each in series for span in spans]))


def read_day(coin_id: str, currencies: Collection[str], moment: float) -> dict[str, Decimal]:
    """Return the price of a coin at a moment of the past in each of *currencies* in which it is known."""
    series = list({price_of(coin_id), *(worth_of(code)[0] for code in currencies if code != settings.QUOTE_CURRENCY)})
    found = find_prices([Question(each, moment) for each in series])
    past = Past({(each, 0): answer and answer.price for each, answer in zip(series, found, strict=True)})
    prices = {code: past.price(coin_id, code, 0) for code in currencies}
    return {code: price for code, price in prices.items() if price is not None}


class Past:
    """Prices in the base currency, by series and seconds ago, from which those in others are made."""

    def __init__(self, prices: Mapping[tuple[Instrument, int], Decimal | None]) -> None:
        self._prices = prices

    def price(self, coin_id: str, currency: str, span: int) -> Decimal | None:
        """Return what a coin was worth *span* seconds ago; None where the price or the currency's worth is unknown."""
        price = self._prices.get((price_of(coin_id), span))
        if price is None or currency == settings.QUOTE_CURRENCY:
            return price
        series, units = worth_of(currency)
        worth = self._prices.get((series, span))
        if worth is None:
            return None
        return CONVERTED.multiply(price, worth if units is None else units / worth)


class Lines:
    """The closes of the last seven days' hours, read once an hour for each series."""

    def __init__(self) -> None:
        self._hour = 0
        self._closes: dict[Instrument, dict[int, Decimal]] = {}

    def read(self, series: Collection[Instrument]) -> Mapping[Instrument, Mapping[int, Decimal]]:
        """Return for each of *series* the closes of its hours, by the Unix time at which they began."""
        hour = floor_time(time.time(), HOUR)
        if hour != self._hour:
            self._hour, self._closes = hour, {}
        if missing := [each for each in series if each not in self._closes]:
            known = list_series(HOUR, missing)
            self._closes |= {
                each: {c.time: c.close for c in archive.read_candles(known[each].pk, hour - WEEK, hour)}
                if each in known
                else {}
                for each in missing
            }
        return self._closes


@cache
def lines() -> Lines:
    """Return what this process has read."""
    return Lines()


def read_lines(coin_ids: Sequence[str], currency: str) -> dict[str, list[Decimal]]:
    """Return the hourly prices of the last seven days of each coin, in *currency*, oldest first."""
    series, units = worth_of(currency)
    base = currency == settings.QUOTE_CURRENCY
    closes = lines().read({*map(price_of, coin_ids), *(() if base else (series,))})
    worths = {} if base else {t: close if units is None else units / close for t, close in closes[series].items()}
    found = {coin_id: closes[price_of(coin_id)] for coin_id in coin_ids}
    if base:
        return {coin_id: list(hours.values()) for coin_id, hours in found.items()}
    return {
        coin_id: [CONVERTED.multiply(close, worths[t]) for t, close in hours.items() if t in worths]
        for coin_id, hours in found.items()
    }
