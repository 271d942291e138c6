"""
A minute in Redis: what each process has published in it, as text, and the candles that all of them make.

    {"v": 1, "candles": [["bitcoin", "usd", opened_at, closed_at, "open", "high", "low", "close", updates, source,
    disputed], ...]}

Tested in `tests/history/test_recording.py`.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal

from rates.history.candles import Candle, RunningCandle, close_candle
from rates.history.series import Instrument
from rates.store.codec import encode

VERSION = 1


def factor_name(base: str, code: str) -> str:
    """Return the name by which `encode_minute` knows what one unit of *base* is worth in the currency *code*."""
    return f"{base.upper()}/{code}"


def encode_minute(candles: Mapping[str, RunningCandle], quote: str) -> str:
    """Return what one process has published, by base in the currency *quote* or by `factor_name`, in one line."""
    rows = [_encode(*_read_name(name, quote), candle) for name, candle in candles.items()]
    return encode({"v": VERSION, "candles": rows})


def _read_name(name: str, quote: str) -> Instrument:
    base, _, code = name.partition("/")
    return Instrument(base, code or quote)


def _encode(base: str, quote: str, candle: RunningCandle) -> list[object]:
    opened_at, closed_at, opened, high, low, close, updates, source, disputed = candle
    return [base, quote, opened_at, closed_at, str(opened), str(high), str(low), str(close), updates, source, disputed]


def _decode_minute(text: str, wanted: Collection[Instrument] | None) -> Iterator[tuple[Instrument, RunningCandle]]:
    """Yield what `encode_minute` wrote of the *wanted* prices, or of all; nothing of another version."""
    data = json.loads(text)
    if data.get("v") != VERSION:
        return
    for base, quote, opened_at, closed_at, opened, high, low, close, *rest in data["candles"]:
        instrument = Instrument(base, quote)
        if wanted is None or instrument in wanted:
            prices = (Decimal(opened), Decimal(high), Decimal(low), Decimal(close))
            yield instrument, RunningCandle(opened_at, closed_at, *prices, *rest)


def join_minute(
    time: int, texts: Iterable[str], wanted: Collection[Instrument] | None = None
) -> dict[Instrument, Candle]:
    """Return the *wanted* candles, or all, of the minute that began at *time*, from the *texts* of all processes."""
    parts: defaultdict[Instrument, list[RunningCandle]] = defaultdict(list)
    for text in texts:
        for instrument, candle in _decode_minute(text, wanted):
            parts[instrument].append(candle)
    return {instrument: close_candle(time, found) for instrument, found in parts.items()}
