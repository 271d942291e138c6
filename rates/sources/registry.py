"""
Every source, by name. What the engine needs to know about a vendor, its module declares (`protocols`).

Tested in `tests/test_polling.py`.
"""

from collections.abc import Mapping

from rates.sources import binance, binance_stream, coingecko, kraken, kraken_stream, simulated
from rates.sources.protocols import Source, StreamSource

_POLL_SOURCES: tuple[Source, ...] = (coingecko, binance, kraken, simulated)
_STREAM_SOURCES: tuple[StreamSource, ...] = (binance_stream, kraken_stream)

POLL_SOURCES: Mapping[str, Source] = {source.NAME: source for source in _POLL_SOURCES}
STREAM_SOURCES: Mapping[str, StreamSource] = {source.NAME: source for source in _STREAM_SOURCES}
