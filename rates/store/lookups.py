"""
What the admin has looked up at CoinGecko, cached so that each question costs one call a day.

Tested in `tests/admin/test_coins.py`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rates.store.keys import CATALOG
from rates.store.redis_client import client, redis_errors


def save_catalog(coins: Mapping[str, Sequence[str]], seconds: int) -> None:
    """Keep CoinGecko's list of coins (id -> symbol and name) for *seconds*."""
    with redis_errors():
        client().set(CATALOG, json.dumps(coins), ex=seconds)


def load_catalog() -> dict[str, list[str]] | None:
    """Return CoinGecko's list of coins (id -> symbol and name); None when it is not kept."""
    with redis_errors():
        text = client().get(CATALOG)
    return json.loads(text) if text else None


def save_search(query: str, matches: Sequence[Sequence[Any]], seconds: int) -> None:
    """Keep what CoinGecko found for *query* for *seconds*."""
    with redis_errors():
        client().set(f"rates:search:{query}", json.dumps(matches), ex=seconds)


def load_search(query: str) -> list[list[Any]] | None:
    """Return what CoinGecko found for *query*; None when that is not kept."""
    with redis_errors():
        text = client().get(f"rates:search:{query}")
    return json.loads(text) if text else None
