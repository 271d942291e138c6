"""
Every vendor that has historical candles, in the order in which they are asked.

Tested in `tests/backfill/test_requests.py`.
"""

from collections.abc import Mapping

from rates.vendor_history import binance, coingecko, kraken
from rates.vendor_history.answers import HistorySource

# CoinGecko last: its calls are few, and prices need them.
_SOURCES: tuple[HistorySource, ...] = (binance, kraken, coingecko)

HISTORY_SOURCES: Mapping[str, HistorySource] = {source.NAME: source for source in _SOURCES}
