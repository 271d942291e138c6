"""
What is asked for rarely, and kept: what the admin looked up at CoinGecko, market caps, the central bank's file.

Tested in `tests/admin/test_coins.py`, `tests/sources/test_coingecko.py` and `tests/central_bank/test_daily.py`.
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rates.store.keys import BANK_FILE, CATALOG, MARKET_CAPS, search_key
from rates.store.redis_client import client, redis_errors

# Seconds after CoinGecko told a market cap that it is forgotten.
MARKET_CAPS_KEPT = 3600
# Seconds until a cap is written again: CoinGecko computes them once a minute, and is asked every few seconds.
SAVE_INTERVAL = 60.0

# When this process wrote a coin's cap, by id and currency.
_saved: dict[tuple[str, str], float] = {}


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
        client().set(search_key(query), json.dumps(matches), ex=seconds)


def load_search(query: str) -> list[list[Any]] | None:
    """Return what CoinGecko found for *query*; None when that is not kept."""
    with redis_errors():
        text = client().get(search_key(query))
    return json.loads(text) if text else None


def save_market_caps(caps: Mapping[str, Decimal], quote: str, now: float) -> None:
    """Keep *caps* in *quote*, by CoinGecko's id, told at the Unix time *now*, unless that was done a moment ago."""
    due = {coin_id: cap for coin_id, cap in caps.items() if abs(now - _saved.get((coin_id, quote), 0)) >= SAVE_INTERVAL}
    if not due:
        return
    with redis_errors(), client().pipeline() as pipe:
        gone = [coin_id for coin_id, text in client().hgetall(MARKET_CAPS).items() if _is_old(text, now)]
        if gone:
            pipe.hdel(MARKET_CAPS, *gone)
        pipe.hset(MARKET_CAPS, mapping={coin_id: f"{int(now)} {quote} {cap}" for coin_id, cap in due.items()})
        pipe.expire(MARKET_CAPS, MARKET_CAPS_KEPT)
        pipe.execute()
    _saved.update(((coin_id, quote), now) for coin_id in due)


def load_market_caps(quote: str, now: float) -> dict[str, Decimal]:
    """Return the market caps in *quote* that are not too old, by CoinGecko's id."""
    with redis_errors():
        texts = client().hgetall(MARKET_CAPS)
    told = {coin_id: text.split(" ") for coin_id, text in texts.items() if not _is_old(text, now)}
    return {coin_id: Decimal(cap) for coin_id, (_, currency, cap) in told.items() if currency == quote}


def _is_old(text: str, now: float) -> bool:
    return now - int(text.partition(" ")[0]) > MARKET_CAPS_KEPT


def save_bank_file(text: str) -> None:
    """Keep what the central bank's newest file says until there is a newer one."""
    with redis_errors():
        client().set(BANK_FILE, text)
