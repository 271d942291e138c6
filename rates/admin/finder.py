"""
What the coin form looks up while staff fill it in: coins by name, their pairs, and what each source returns for them.

Tested in `tests/admin/test_pairs.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext

from rates.admin.inspection import Finding, compare, divide, find_factors, inspect_coin, is_another_coin
from rates.admin.pair_checks import EXCHANGES
from rates.admin.reasons import translate_reason
from rates.models import FACTORS, Coin, propose_symbol
from rates.sources.coingecko_catalog import Match, propose_pairs, search_coins
from rates.symbols import clean_symbol, find_symbol, spell_pair
from rates.types import decimal_text

TIMEOUT = 3.0
TEXTS = ("symbol", "coingecko_id", "binance_symbol", "kraken_symbol")
NUMBERS = ("binance_factor", "kraken_factor")


def form_texts() -> dict[str, str]:
    """Return what the form's script says, in the language in force; ``{}`` stands for what it is about."""
    return {
        "byHand": gettext("{}. Type the fields by hand."),
        "noHit": gettext("CoinGecko has no coin for “{}”."),
        "away": gettext("The service cannot be reached"),
        "rank": gettext("rank {}"),
        "as": gettext("as {}"),
        "asksPairs": gettext("Asking CoinGecko for the pairs …"),
        "asksSources": gettext("Asking the sources …"),
        "anotherCoin": gettext("These are not the same coin: check id and pairs."),
    }


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
    texts = {name: values.get(name, "").strip() for name in TEXTS}
    pairs = {f"{name}_symbol": spell_pair(name, texts[f"{name}_symbol"]) for name in EXCHANGES}
    return Coin(**texts | pairs, **factors)


def look_at(coin: Coin) -> dict[str, Any]:
    """Return what each source returns for *coin*, side by side."""
    return _write(inspect_coin(coin))


def propose(coin: Coin) -> dict[str, Any]:
    """
    Return CoinGecko's pairs for *coin*, with the factors that prices tell, and what the sources return for them.

    What CoinGecko or the prices do not tell stays as it was entered: a source that cannot be reached empties nothing.

    Raises:
        SourceError, StoreUnavailable: when CoinGecko may not be asked, or does not answer.
    """
    entered = dict(coin.pairs)
    proposed = propose_pairs(coin.coingecko_id, TIMEOUT)
    for exchange in EXCHANGES:
        setattr(coin, f"{exchange}_symbol", proposed.get(exchange) or getattr(coin, f"{exchange}_symbol"))
        setattr(coin, f"{exchange}_factor", 1)
    findings = inspect_coin(coin)
    factors = {name: pair.factor for name, pair in entered.items() if proposed.get(name) in (None, pair.name)}
    factors |= find_factors(findings)
    known = [divide(finding, factors.get(finding.source, 1)) for finding in findings]
    fields = {
        f"{name}_{what}": value
        for name, pair in proposed.items()
        for what, value in (("symbol", pair), ("factor", factors.get(name, 1)))
    }
    kept = [pair.name for name, pair in entered.items() if name not in proposed]
    said = gettext("CoinGecko has no pair there, what was entered stays: %s") % ", ".join(kept) if kept else ""
    return {"fields": fields, "said": said} | _write(compare([replace(f, distance_pct=None) for f in known]))


def _write(findings: Sequence[Finding]) -> dict[str, Any]:
    rows = [
        {
            "source": f.source,
            "asked": f.asked,
            "price": None if f.price is None else decimal_text(f.price),
            "problem": translate_reason(f.problem),
            "distance_pct": None if f.distance_pct is None else decimal_text(f.distance_pct),
        }
        for f in findings
    ]
    return {"findings": rows, "another_coin": is_another_coin(findings)}
