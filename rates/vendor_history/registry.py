"""
Every vendor that has historical candles, in the order in which they are asked.

Tested in `tests/backfill/test_requests.py`.
"""

from collections.abc import Mapping

from rates.vendor_history import binance, coingecko, ecb, kraken
from rates.vendor_history.answers import HistorySource

# CoinGecko after the exchanges: its calls are few, and prices need them. The bank has one price a day, of currencies.
_SOURCES: tuple[HistorySource, ...] = (binance, kraken, coingecko, ecb)

HISTORY_SOURCES: Mapping[str, HistorySource] = {source.NAME: source for source in _SOURCES}
