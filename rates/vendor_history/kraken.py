"""
Kraken's candles ("OHLC") in the quote currency itself: the newest 720 of an interval and no older ones.

Reference: https://docs.kraken.com/api-reference/market-data/get-ohlc-data
Limits: about one call a second for each address. Errors come with status 200. The last candle is always the running
one.

Tested in `tests/vendor_history/test_vendors.py`.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from rates.exceptions import NotOffered, SourceLimited, SourceUnreachable
from rates.models import Coin
from rates.sources import kraken
from rates.sources.pacing import fingerprint
from rates.sources.vendor_values import read_number, read_price, read_text
from rates.vendor_history.answers import HistoryAnswer, VendorCandle, garbled, get_json, is_sound, select_closed

NAME = kraken.NAME
QUOTE = kraken.QUOTE
SPACING = 1.5
KEPT = 720
MOST_CANDLES: Mapping[int, int] = {60: KEPT, 3600: KEPT, 86400: KEPT}


def setup_fingerprint() -> str:
    """Return what tells one configuration of this source from another."""
    return fingerprint(settings.KRAKEN_API_URL, settings.QUOTE_CURRENCY)


def find_name(coin: Coin) -> str | None:
    """Return the pair of *coin*; a currency's may have it the other way round, ``EUR/USD`` for ``USD/EUR``."""
    pairs = kraken.map_pairs([coin]).items()
    return next((pair for pair, targets in pairs if coin.symbol in [target.symbol for target in targets]), None)


def max_age(interval: int) -> float:
    """Return the age of the oldest candle, in seconds; the running candle is one of the newest."""
    return (KEPT - 1) * float(interval)


def fetch_candles(name: str, interval: int, start: int, end: int, timeout: float) -> HistoryAnswer:
    """
    Return the candles of the pair *name* from *start* on; it has none from before its newest 720.

    Raises:
        SourceError: when there is no usable answer; `NotOffered` for a pair that does not exist.
    """
    params = {"pair": name, "interval": interval // 60, "since": start - 1}
    status, body = get_json(NAME, f"{settings.KRAKEN_API_URL}/0/public/OHLC", params, timeout)
    errors = body.get("error") if isinstance(body, dict) else None
    if not isinstance(errors, list) or errors:
        _raise_error(name, " ".join(map(str, errors or [])) or f"no answer (status {status})")
    result = body.get("result")
    # The pair's name there depends on how it was asked for.
    rows = next((v for k, v in result.items() if k != "last"), None) if isinstance(result, dict) else None
    if not isinstance(rows, list):
        raise garbled(NAME, "an answer without candles")
    # The last one is running; our clock may say otherwise.
    return HistoryAnswer(select_closed(parse_rows(rows[:-1], interval), interval, start, end, time.time()), end)


def _raise_error(name: str, words: str) -> None:
    if "Unknown asset pair" in words or "Invalid arguments:pair" in words:
        raise NotOffered(NAME, f"has no pair {name}")
    if "Too many requests" in words or "Rate limit" in words:
        raise SourceLimited(NAME, "asked too often")
    if "EService" in words:
        raise SourceUnreachable(NAME, "out of order")
    raise garbled(NAME, words[:100])


def parse_rows(rows: Sequence[Any], interval: int) -> list[VendorCandle]:
    """
    Return the candles in *rows*, oldest first; one that is not usable is left out.

        [[1790355600, "83732.7", "83969.8", "83612.9", "83765.4", "83766.9", "81.13696690", 5879], ...]

    Unix time at which it began, open, high, low, close, average, volume, count; the last three are not read.
    """
    candles = []
    for row in rows:
        if not isinstance(row, list) or len(row) < 5:
            continue
        began, prices = read_number(row[0]), [read_price(read_text(text)) for text in row[1:5]]
        if began is None or None in prices:
            continue
        candle = VendorCandle(int(began) // interval * interval, *prices)  # type: ignore[arg-type] # no None among them
        candles += [candle] if is_sound(candle) else []
    return sorted(candles)
