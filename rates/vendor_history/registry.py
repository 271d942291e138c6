"""
Every vendor that tells the past, in the order in which they are asked.

Tested in `tests/history/test_backfill.py`.
"""

from collections.abc import Mapping

from rates.vendor_history import binance, coingecko, kraken
from rates.vendor_history.answers import PastSource

# CoinGecko last: its calls are few, and prices need them.
_SOURCES: tuple[PastSource, ...] = (binance, kraken, coingecko)

PAST_SOURCES: Mapping[str, PastSource] = {source.NAME: source for source in _SOURCES}
