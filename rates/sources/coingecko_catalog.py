"""
CoinGecko's list of coins, for the admin's look-up: which coin has which id.

Reference: https://docs.coingecko.com/reference/coins-list and /reference/search-data
Limits: `/coins/list` has well over 10,000 rows and 1 to 2 MB, so it is kept for a day; each call costs as much as a
price. Symbols are not unique there: ids are.
"""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from rates import store
from rates.inquiry import put_question
from rates.sources import coingecko
from rates.sources.coingecko import LONGEST_BODY, get_json, price_url
from rates.sources.numbers import read_number

LONGEST_LIST = 8_000_000
DAY = 86400
MOST_MATCHES = 20
Catalog = Mapping[str, list[str]]


class Match(NamedTuple):
    """A coin that a search found; *rank* is its place by market value, None when it has none."""

    id: str
    symbol: str
    name: str
    rank: int | None


def search_coins(query: str, timeout: float) -> list[Match]:
    """
    Return the coins that CoinGecko finds for *query*, the biggest first; asked at most once a day for the same.

    Raises:
        SourceError, StoreUnavailable: when the answer is neither kept nor to be had.
    """
    kept = store.load_search(query.lower())
    if kept is not None:
        return [Match(*match) for match in kept]
    body = _ask("/search", {"query": query}, timeout)
    matches = parse_search(body)
    store.save_search(query.lower(), matches, DAY)
    return matches


def parse_search(body: Any) -> list[Match]:
    """Return the coins in the body of `/search`: ``{"coins": [{"id", "symbol", "name", "market_cap_rank"}]}``."""
    items = body.get("coins") if isinstance(body, dict) else None
    matches = [
        Match(item["id"], str(item.get("symbol", "")).upper(), str(item.get("name", "")), _rank(item))
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, dict) and isinstance(item.get("id"), str)
    ]
    return sorted(matches, key=lambda match: (match.rank is None, match.rank))[:MOST_MATCHES]


def _rank(item: Mapping[str, Any]) -> int | None:
    rank = read_number(item.get("market_cap_rank"))
    return None if rank is None else int(rank)


def load_catalog(timeout: float) -> Catalog:
    """
    Return CoinGecko's list, id -> [symbol, name]; asked for at most once a day.

    Raises:
        SourceError, StoreUnavailable: when it is neither kept nor to be had.
    """
    kept = store.load_catalog()
    if kept is not None:
        return kept
    body = _ask("/coins/list", {}, timeout, LONGEST_LIST)
    catalog = parse_list(body)
    store.save_catalog(catalog, DAY)
    return catalog


def parse_list(body: Any) -> dict[str, list[str]]:
    """Return the coins in the body of `/coins/list`: ``[{"id", "symbol", "name"}]``."""
    items = body if isinstance(body, list) else []
    return {
        item["id"]: [str(item.get("symbol", "")).upper(), str(item.get("name", ""))]
        for item in items
        if isinstance(item, dict) and isinstance(item.get("id"), str)
    }


def _ask(path: str, params: Mapping[str, str], timeout: float, longest: int = LONGEST_BODY) -> Any:
    url = price_url().removesuffix("/simple/price") + path
    return put_question(coingecko, 1, partial(get_json, url, params, time.monotonic() + timeout, longest))
