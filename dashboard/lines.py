"""The line of each coin that a page draws: 24 hours by our own candles; before there are any, the last updates."""

import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.db import DatabaseError

from dashboard.period import Line
from rates import store
from rates.exceptions import StoreUnavailable
from rates.history.day_stats import read_lines
from rates.history.valuation import convert_points
from rates.store.coin_list import coin_list
from rates.types import HistoryPoint, read_time

logger = logging.getLogger(__name__)

# Updates that are drawn, at most; `RATES_HISTORY_LENGTH` may be thousands.
MOST_UPDATES = 50


def coin_ids() -> Mapping[str, str]:
    """Return the CoinGecko id of each coin on the board, by symbol; none if the database was never there."""
    try:
        return {coin.symbol: coin.coingecko_id for coin in coin_list.read()}
    except DatabaseError as error:
        logger.warning("no coin list for the page: %s", str(error).partition("\n")[0])
        return {}


def load_lines(symbols: Sequence[str], currency: str) -> Mapping[str, Line]:
    """Return the line of each of *symbols* in *currency*, as far as there is one."""
    days, ids = read_lines(currency), coin_ids()
    lines: dict[str, Line] = {symbol: days[ids[symbol]] for symbol in symbols if ids.get(symbol) in days}
    updates = _load_updates([symbol for symbol in symbols if symbol not in lines], currency)
    return lines | {symbol: [_read_point(point) for point in points] for symbol, points in updates.items() if points}


def _load_updates(symbols: Sequence[str], currency: str) -> Mapping[str, Sequence[HistoryPoint]]:
    """Return the last stored updates; none while a store is down: a page without lines is still useful."""
    if not symbols:
        return {}
    try:
        updates = store.load_histories(symbols, MOST_UPDATES)
        return {symbol: convert_points(points, currency) for symbol, points in updates.items()}
    except (StoreUnavailable, DatabaseError) as error:
        logger.warning("no lines for the page: %s", str(error).partition("\n")[0])
        return {}


def _read_point(point: HistoryPoint) -> tuple[float, Decimal]:
    return read_time(point.observed_at).timestamp(), Decimal(point.price)
