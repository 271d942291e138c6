"""
CoinGecko's list of coins, for look-ups by the admin: which coin has which id, and which pairs of exchanges it is.

Reference: https://docs.coingecko.com/reference/coins-list, /reference/search-data and /reference/coins-id-tickers
Limits: `/coins/list` has over 10,000 rows and 1 to 2 MB, so it is cached for a day; each call costs as many credits as
a call for prices. Symbols are not unique there, ids are. Pairs come 100 a page, by volume: the first page is enough.
"""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote

from django.conf import settings

from rates import store
from rates.exceptions import SourceGarbled
from rates.sources import binance, coingecko, kraken
from rates.sources.coingecko import LONGEST_BODY, get_json, price_url
from rates.sources.staff_lookup import call_source
from rates.sources.vendor_values import read_number
from rates.types import USDT

LONGEST_LIST = 8_000_000
DAY = 86400
# Seconds for which a search without a hit is remembered: the coin may be listed meanwhile.
NO_HIT = 300
# Characters: a longer id, symbol or name is not a real one.
LONGEST_TEXT = 200
MOST_MATCHES = 20
# Kraken's older names, which CoinGecko may have; in WebSockets v2, coins are called as everywhere.
KRAKEN_BASES = {"XBT": "BTC", "XDG": "DOGE"}
Catalog = Mapping[str, list[str]]


class Match(NamedTuple):
    """A coin that a search found; *rank* is its place by market value, None when it has none."""

    id: str
    symbol: str
    name: str
    rank: int | None


def search_coins(query: str, timeout: float) -> list[Match]:
    """
    Return the coins that CoinGecko finds for *query*, the biggest first; the same query is sent at most once a day.

    One that found nothing may be sent again after `NO_HIT` seconds.

    Raises:
        SourceError, StoreUnavailable: when the answer is not cached and cannot be fetched.
    """
    kept = store.load_search(query.lower())
    if kept is not None:
        return [Match(*match) for match in kept]
    body = _ask("/search", {"query": query}, timeout)
    matches = parse_search(body)
    store.save_search(query.lower(), matches, DAY if matches else NO_HIT)
    return matches


def parse_search(body: Any) -> list[Match]:
    """
    Return the coins in the body of `/search`: ``{"coins": [{"id", "symbol", "name", "market_cap_rank"}]}``.

    An item that is not a coin, or has an absurdly long text, is left out.

    Raises:
        SourceGarbled: when there is no list of coins.
    """
    items = body.get("coins") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise SourceGarbled(coingecko.NAME, "an answer without a list of coins")
    matches = [match for match in map(_read_match, items) if match is not None]
    return sorted(matches, key=lambda match: (match.rank is None, match.rank))[:MOST_MATCHES]


def _read_match(item: Any) -> Match | None:
    texts: list[Any] = [item.get(key) for key in ("id", "symbol", "name")] if isinstance(item, dict) else [None]
    if not all(isinstance(text, str) and len(text) <= LONGEST_TEXT for text in texts):
        return None
    rank = read_number(item.get("market_cap_rank"))
    return Match(texts[0], texts[1].upper(), texts[2], None if rank is None else int(rank))


def load_catalog(timeout: float) -> Catalog:
    """
    Return CoinGecko's list, id -> [symbol, name]; it is fetched at most once a day.

    Raises:
        SourceError, StoreUnavailable: when it is not cached and cannot be fetched.
    """
    kept = store.load_catalog()
    if kept is not None:
        return kept
    body = _ask("/coins/list", {}, timeout, LONGEST_LIST)
    catalog = parse_list(body)
    store.save_catalog(catalog, DAY)
    return catalog


def parse_list(body: Any) -> dict[str, list[str]]:
    """
    Return the coins in the body of `/coins/list`: ``[{"id", "symbol", "name"}]``.

    Raises:
        SourceGarbled: when there are none: an empty list would refuse every id for a day.
    """
    items = body if isinstance(body, list) else []
    coins = {
        item["id"]: [str(item.get("symbol", "")).upper(), str(item.get("name", ""))]
        for item in items
        if isinstance(item, dict) and isinstance(item.get("id"), str)
    }
    if not coins:
        raise SourceGarbled(coingecko.NAME, "a list without coins")
    return coins


def propose_pairs(coingecko_id: str, timeout: float) -> dict[str, str]:
    """
    Return the pair of the coin on each exchange that has one, by the name of the source, in the exchange's spelling.

    Raises:
        SourceError, StoreUnavailable: when CoinGecko may not be asked, or does not answer.
    """
    path = f"/coins/{quote(coingecko_id, safe='')}/tickers"
    body = _ask(path, {"exchange_ids": f"{binance.NAME},{kraken.NAME}", "order": "volume_desc"}, timeout)
    return parse_tickers(body, coingecko_id)


def parse_tickers(body: Any, coingecko_id: str) -> dict[str, str]:
    """
    Return the pairs in the body of `/coins/{id}/tickers`, without those of other coins, which are traded in this one.

        {"tickers": [{"base": "BTC", "target": "USDT", "market": {"identifier": "binance"}, "coin_id": "bitcoin",
         "target_coin_id": "tether", "is_stale": false}]}

    Raises:
        SourceGarbled: when there is no list of pairs.
    """
    rows = body.get("tickers") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise SourceGarbled(coingecko.NAME, "an answer without a list of pairs")
    own = [
        row for row in rows if isinstance(row, dict) and row.get("coin_id") == coingecko_id and not row.get("is_stale")
    ]
    found = [(source, pair) for source, pair in map(_read_pair, own) if pair]
    # The first of each exchange has the most volume.
    return dict(reversed(found))


def _read_pair(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return the source and its pair in one row; without a pair where it is none that we could ask for."""
    market, base, target = row.get("market"), row.get("base"), row.get("target")
    source = market.get("identifier") if isinstance(market, dict) else None
    if not isinstance(base, str) or not base or not isinstance(target, str):
        return "", ""
    if source == binance.NAME and target == USDT:
        return binance.NAME, base + target
    if source == kraken.NAME and target in ("USD", settings.QUOTE_CURRENCY.upper()):
        return kraken.NAME, f"{KRAKEN_BASES.get(base, base)}/{target}"
    return "", ""


def _ask(path: str, params: Mapping[str, str], timeout: float, longest: int = LONGEST_BODY) -> Any:
    url = price_url().removesuffix("/simple/price") + path
    return call_source(coingecko, 1, partial(get_json, url, params, time.monotonic() + timeout, longest))
