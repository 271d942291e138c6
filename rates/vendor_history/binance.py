"""
Binance's candles ("klines") in USDT, back to the listing of a pair.

Reference: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints
Limits: 1000 candles an answer; weight 2 whatever their number, of 6000 a minute for each address.
The last candle is the running one. Where a pair was not traded, as in maintenance, candles are missing.

Tested in `tests/vendor_history/test_vendors.py`.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from rates.exceptions import NotOffered
from rates.models import Coin
from rates.sources import binance
from rates.sources.pacing import fingerprint
from rates.sources.vendor_values import read_number, read_price, read_text
from rates.vendor_history.answers import HistoryAnswer, VendorCandle, garbled, get_json, is_sound, select_closed

NAME = binance.NAME
QUOTE = binance.QUOTE
# Seconds: a few in a row, far from the limit that the polls share.
SPACING = 0.2
MOST_CANDLES: Mapping[int, int] = {60: 1000, 3600: 1000, 86400: 1000}
INTERVALS = {60: "1m", 3600: "1h", 86400: "1d"}
# No such pair; a name that can be none.
BAD_PAIR_CODES = (-1121, -1100)
# Before there was an exchange.
BEGINNING = 1_483_228_800
# Times are in milliseconds, or in microseconds where somebody on the way asks for them.
MICROSECOND_DIGITS = 16


def setup_fingerprint() -> str:
    """Return what tells one configuration of this source from another."""
    return fingerprint(settings.BINANCE_API_URL)


def find_name(coin: Coin) -> str | None:
    """Return the pair of *coin*."""
    return next(iter(binance.map_pairs([coin])), None)


def max_age(interval: int) -> float:
    """Return the age of the oldest candle, in seconds."""
    return time.time() - BEGINNING


def fetch_candles(name: str, interval: int, start: int, end: int, timeout: float) -> HistoryAnswer:
    """
    Return the candles of the pair *name* from *start* on.

    Raises:
        SourceError: when there is no usable answer; `NotOffered` for a pair that does not exist.
    """
    params = {
        "symbol": name,
        "interval": INTERVALS[interval],
        "startTime": start * 1000,
        "endTime": end * 1000 - 1,
        "limit": MOST_CANDLES[interval],
    }
    status, body = get_json(NAME, f"{settings.BINANCE_API_URL}/api/v3/klines", params, timeout)
    if isinstance(body, dict):
        code = read_number(body.get("code"))
        if code in BAD_PAIR_CODES:
            raise NotOffered(NAME, f"has no pair {name}")
        raise garbled(NAME, f"refused the request (code {code}, status {status})")
    if not isinstance(body, list):
        raise garbled(NAME, f"an answer that is no list (status {status})")
    candles = [candle for candle in parse_klines(body, interval) if candle.time >= start]
    # An answer that stops early may have been cut short: the rest is requested again.
    until = candles[-1].time + interval if candles else end
    return HistoryAnswer(select_closed(candles, interval, start, end, time.time()), min(until, end))


def parse_klines(rows: Sequence[Any], interval: int) -> list[VendorCandle]:
    """
    Return the candles in *rows*, the running one too, oldest first; one that is not usable is left out.

        [[1499040000000, "0.01634790", "0.80000000", "0.01575800", "0.01577100", "148976.11427815", 1499644799999,
          "2434.19055334", 308, "1756.87402397", "28.46694368", "0"], ...]

    Time at which it began, open, high, low, close, volume; the rest is not read.
    """
    candles = []
    for row in rows:
        if not isinstance(row, list) or len(row) < 5:
            continue
        began, prices = read_number(row[0]), [read_price(read_text(text)) for text in row[1:5]]
        if began is None or None in prices:
            continue
        per_second = 1_000_000 if began.adjusted() + 1 >= MICROSECOND_DIGITS else 1000
        candle = VendorCandle(int(began) // per_second // interval * interval, *prices)  # type: ignore[arg-type] # no None
        candles += [candle] if is_sound(candle) else []
    return sorted(candles)
