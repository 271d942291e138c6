"""
What a coin's symbol may be, and how two are compared.

Symbols are kept as people type them (`BTC`, `USDC.e`, `$MYRO`, `币安人生`) and compared in any case. What they travel
in decides what they may not contain:

    a selection     ?symbols=BTC,XLM                  no comma
    an address      /coins/btc/, rates:{symbol}       no slash, no colon, not dots alone
    JSON, HTML      "BTC", data-symbol="BTC"          no quotes, no backslash, no angle brackets
    a line          a log, a table, a CSV row         no white space, no control or invisible characters
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from unicodedata import category, normalize

LONGEST_SYMBOL = 40
FORBIDDEN = re.compile(r"[\s,;:/\\<>\"'`´‘’‚‛“”„‟«»‹›⁄∕]")
# The second words of keys in Redis, `rates:board`; a coin of that name has to be written with a capital.
RESERVED = {
    *("backfill", "board", "calls", "catalog", "counters", "day", "history", "minutes", "owners", "processes"),
    *("market_caps", "sources", "states", "stream"),
}


def find_fault(symbol: str) -> str | None:
    """Return what of *symbol* keeps it from being one: ``length``, ``character``, ``dots`` or ``reserved``; or None."""
    if not 0 < len(symbol) <= LONGEST_SYMBOL:
        return "length"
    if FORBIDDEN.search(symbol) or any(category(letter)[0] in "CZ" for letter in symbol):
        return "character"
    if not symbol.strip("."):
        return "dots"
    return "reserved" if symbol in RESERVED else None


def clean_symbol(text: str) -> str:
    """Return the symbol nearest to a vendor's *text*, with dashes for what is forbidden; empty when nothing is left."""
    visible = "".join(" " if category(letter)[0] in "CZ" else letter for letter in text)
    return FORBIDDEN.sub(" ", visible).strip().replace(" ", "-")[:LONGEST_SYMBOL]


# A board has hundreds of symbols, and each publication compares them with every selection.
@lru_cache(maxsize=8192)
def fold(symbol: str) -> str:
    """Return *symbol* as it is compared: in any case, in any of Unicode's spellings."""
    return normalize("NFKC", symbol).casefold()


def find_symbol(symbols: Iterable[str], wanted: str) -> str | None:
    """Return the one of *symbols* that *wanted* means, in any case; None when there is none."""
    key = fold(wanted)
    return next((symbol for symbol in symbols if fold(symbol) == key), None)


def spell_pair(exchange: str, text: str) -> str:
    """
    Return the pair *text* of an exchange in its spelling, where small letters cannot be meant.

    Binance has capitals only, of ASCII; Kraken has small ones too, beside capitals: ``AAPLx/USD``.
    """
    if exchange == "binance" or text == text.lower():
        return "".join(letter.upper() if letter.isascii() else letter for letter in text)
    return text
