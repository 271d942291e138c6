"""
What the coin form looks up while staff fill it in: coins by name, their pairs, and what each source returns for them.

Tested in `tests/admin/test_pairs.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rates.admin.inspection import Finding, compare, divide, find_factors, inspect_coin, is_another_coin
from rates.models import FACTORS, Coin, propose_symbol
from rates.sources.coingecko_catalog import Match, propose_pairs, search_coins
from rates.symbols import clean_symbol, find_symbol
from rates.types import decimal_text

TIMEOUT = 3.0
TEXTS = ("symbol", "coingecko_id", "binance_symbol", "kraken_symbol")
NUMBERS = ("binance_factor", "kraken_factor")


def find_coins(query: str) -> list[dict[str, Any]]:
    """
    Return the coins that CoinGecko finds for *query*, each with a symbol that is free.

    Raises:
        SourceError, StoreUnavailable: when CoinGecko may not be asked, or does not answer.
    """
    taken = dict(Coin.objects.values_list("symbol", "coingecko_id"))
    return [match._asdict() | {"free_symbol": _free_symbol(match, taken)} for match in search_coins(query, TIMEOUT)]


def _free_symbol(match: Match, taken: Mapping[str, str]) -> str:
    """Return the coin's symbol, or one of its own where a namesake has it."""
    symbol = clean_symbol(match.symbol) or clean_symbol(match.id.upper())
    owner = find_symbol(taken, symbol)
    if owner is None or taken[owner] == match.id:
        return symbol
    return propose_symbol(Coin(symbol=symbol, coingecko_id=match.id), taken)


def read_coin(values: Mapping[str, str]) -> Coin:
    """Return the coin that is being entered; a factor that is none counts as 1."""
    factors = {name: int(text) for name in NUMBERS if (text := values.get(name, "").strip()) in map(str, FACTORS)}
    return Coin(**{name: values.get(name, "").strip() for name in TEXTS}, **factors)


def look_at(coin: Coin) -> dict[str, Any]:
    """Return what each source returns for *coin*, side by side."""
    return _write(inspect_coin(coin))


def propose(coin: Coin) -> dict[str, Any]:
    """
    Return CoinGecko's pairs for *coin*, with the factors that prices tell, and what the sources return for them.

    Raises:
        SourceError, StoreUnavailable: when CoinGecko may not be asked, or does not answer.
    """
    pairs = propose_pairs(coin.coingecko_id, TIMEOUT)
    coin.binance_symbol, coin.kraken_symbol = pairs.get("binance", ""), pairs.get("kraken", "")
    coin.binance_factor = coin.kraken_factor = 1
    findings = inspect_coin(coin)
    factors = find_factors(findings)
    known = [divide(finding, factors.get(finding.source, 1)) for finding in findings]
    fields = {
        "binance_symbol": coin.binance_symbol,
        "binance_factor": factors.get("binance", 1),
        "kraken_symbol": coin.kraken_symbol,
        "kraken_factor": factors.get("kraken", 1),
    }
    return {"fields": fields} | _write(compare([replace(finding, distance_pct=None) for finding in known]))


def _write(findings: Sequence[Finding]) -> dict[str, Any]:
    rows = [
        {
            "source": f.source,
            "asked": f.asked,
            "price": None if f.price is None else decimal_text(f.price),
            "problem": f.problem,
            "distance_pct": None if f.distance_pct is None else decimal_text(f.distance_pct),
        }
        for f in findings
    ]
    return {"findings": rows, "another_coin": is_another_coin(findings)}
