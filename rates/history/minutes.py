"""
A minute in Redis: what each process has published in it, as text, and the candles that all of them make.

    {"v": 1, "candles": [["bitcoin", "usd", opened_at, closed_at, "open", "high", "low", "close", updates, source,
    disputed], ...]}

Tested in `tests/history/test_recording.py`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields
from decimal import Decimal
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Struct

from rates.history.candles import Candle, RunningCandle, close_candle
from rates.history.series import Instrument

VERSION = 1


def factor_name(base: str, code: str) -> str:
    """Return the name by which `encode_minute` knows what one unit of *base* is worth in the currency *code*."""
    return f"{base.upper()}/{code}"


class _Versioned(Struct):
    v: Any = None


class _Minute(Struct):
    v: int
    # Base and quote, then the fields of a `RunningCandle`.
    candles: list[tuple[str, str, float, float, Decimal, Decimal, Decimal, Decimal, int, str, bool]]


_encode = msgspec.json.Encoder().encode
_version = msgspec.json.Decoder(_Versioned)
_decoder = msgspec.json.Decoder(_Minute)
_values = attrgetter(*(field.name for field in fields(RunningCandle)))


def encode_minute(candles: Mapping[str, RunningCandle], quote: str) -> str:
    """Return what one process has published, by base in the currency *quote* or by `factor_name`, in one line."""
    rows = [(*_read_name(name, quote), *_values(candle)) for name, candle in candles.items()]
    return _encode({"v": VERSION, "candles": rows}).decode()


def _read_name(name: str, quote: str) -> Instrument:
    base, _, code = name.partition("/")
    return Instrument(base, code or quote)


def _decode_minute(text: str, wanted: Collection[Instrument] | None) -> Iterator[tuple[Instrument, RunningCandle]]:
    """Yield what `encode_minute` wrote of the *wanted* prices, or of all; nothing of another version."""
    if _version.decode(text).v != VERSION:
        return
    for row in _decoder.decode(text).candles:
        instrument = Instrument(*row[:2])
        if wanted is None or instrument in wanted:
            yield instrument, RunningCandle(*row[2:])


def join_minute(
    time: int, texts: Iterable[str], wanted: Collection[Instrument] | None = None
) -> dict[Instrument, Candle]:
    """Return the *wanted* candles, or all, of the minute that began at *time*, from the *texts* of all processes."""
    parts: defaultdict[Instrument, list[RunningCandle]] = defaultdict(list)
    for text in texts:
        for instrument, candle in _decode_minute(text, wanted):
            parts[instrument].append(candle)
    return {instrument: close_candle(time, found) for instrument, found in parts.items()}
