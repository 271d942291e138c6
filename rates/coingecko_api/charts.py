"""
`/coins/{id}/market_chart`, `/range` and `/ohlc`, from our candles.

    span                       points             ohlc candles
    1 day that ends now        5 minutes          30 minutes, up to 2 days
    up to 90 days              hours              4 hours, up to 30 days
    longer                     days, at 0:00 UTC  4 days

A point is the close of the candle that ends then; the last point of a chart is the present price.
"""

import time
from decimal import Decimal
from typing import NamedTuple

from rates.coingecko_api.board import Board, Quote, round_price
from rates.coingecko_api.parameters import Parameters, Refusal, read_days, read_moment, read_precision
from rates.coingecko_api.past import MOST_CANDLES, read_chart
from rates.history.candles import DAY, HOUR, MINUTE, Candle
from rates.history.reading import END_OF_TIME

INTERVALS = {"1m": MINUTE, "5m": 300, "hourly": HOUR, "daily": DAY}
FINEST, HALF_HOUR, FOUR_HOURS, FOUR_DAYS = 300, 1800, 4 * HOUR, 4 * DAY
LONGEST_HOURLY = 90 * DAY
# Seconds: a chart that ends so short a time ago ends now.
NOW = 300
Rows = list[list[int | Decimal | None]]


class Span(NamedTuple):
    """What a chart shows: candles of *interval* seconds that end within [*start*, *end*], Unix times."""

    interval: int
    start: float
    end: float


def market_chart(board: Board, quote: Quote, currency: str, params: Parameters) -> dict[str, Rows]:
    """Return the chart of the last days."""
    now, days = time.time(), read_days(params)
    start = 0.0 if days is None else max(0.0, now - days * DAY)
    interval = _read_interval(params) or _choose_interval(now - start, ends_now=True)
    if days is not None:
        _check_length(now - start, interval)
    return _draw(board, quote, currency, params, Span(interval, start, END_OF_TIME))


def market_chart_range(board: Board, quote: Quote, currency: str, params: Parameters) -> dict[str, Rows]:
    """Return the chart between two moments, which both may be in it."""
    now, start, end = time.time(), read_moment(params, "from"), read_moment(params, "to")
    interval = _read_interval(params) or _choose_interval(end - start, end > now - NOW)
    _check_length(min(end, now) - start, interval)
    return _draw(board, quote, currency, params, Span(interval, start, end))


def _read_interval(params: Parameters) -> int | None:
    name = params.get("interval", "").strip().lower()
    if name and name not in INTERVALS:
        raise Refusal(400, f"invalid interval: {name[:20]!r}; allowed: {', '.join(INTERVALS)}")
    return INTERVALS.get(name)


def _choose_interval(span: float, ends_now: bool) -> int:
    if span <= DAY + NOW and ends_now:
        return FINEST
    return HOUR if span <= LONGEST_HOURLY + NOW else DAY


def _check_length(span: float, interval: int) -> None:
    if interval < HOUR and span / interval > MOST_CANDLES:
        raise Refusal(400, f"the span is too long for this interval: at most {MOST_CANDLES * interval // DAY} days")


def _draw(board: Board, quote: Quote, currency: str, params: Parameters, span: Span) -> dict[str, Rows]:
    precision, now = read_precision(params), time.time()
    known = span.start <= span.end
    until = min(span.end, now)
    candles = read_chart(quote.coin.coin_id, currency, span.interval, span.start, until) if known else []
    prices: Rows = [[ended * 1000, round_price(candle.close, precision)] for ended, candle in candles]
    unknown: Rows = [[ended * 1000, None] for ended, _ in candles]
    chart = {"prices": prices, "market_caps": unknown, "total_volumes": list(unknown)}
    if quote.price is not None and span.start <= now <= span.end:
        _add_present(chart, board, quote, currency, precision)
    return chart


def _add_present(chart: dict[str, Rows], board: Board, quote: Quote, currency: str, precision: int | None) -> None:
    now, price = int(time.time() * 1000), board.price(quote, currency)
    assert price is not None
    chart["prices"].append([now, round_price(price, precision)])
    chart["market_caps"].append([now, board.convert(quote.market_cap, currency)])
    chart["total_volumes"].append([now, board.convert(quote.volume, currency)])


def ohlc(quote: Quote, currency: str, params: Parameters) -> list[list[int | Decimal]]:
    """Return the candles of the last days; the time of each is its end."""
    now, days, precision = time.time(), read_days(params), read_precision(params)
    start = 0.0 if days is None else max(0.0, now - days * DAY)
    interval = _read_interval(params) or _choose_candles(now - start)
    _check_length(now - max(start, 1.0) if days is not None else 0.0, interval)
    candles = read_chart(quote.coin.coin_id, currency, interval, start, now)
    return [[ended * 1000, *_write(candle, precision)] for ended, candle in candles]


def _choose_candles(span: float) -> int:
    if span <= 2 * DAY + NOW:
        return HALF_HOUR
    return FOUR_HOURS if span <= 30 * DAY + NOW else FOUR_DAYS


def _write(candle: Candle, precision: int | None) -> list[Decimal]:
    """Return open, high, low, close; a converted candle's extremes come from its close, so its open may be beyond."""
    prices = [round_price(price, precision) for price in candle[1:5]]
    return [prices[0], max(prices), min(prices), prices[3]]
