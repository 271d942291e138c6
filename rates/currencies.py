"""
Currencies: which there are, and prices derived from those of the base (`QUOTE_CURRENCY`); pure functions.

Sources are judged in the base. What one unit of it is worth in another currency is judged too, by
`judgement.currencies`, and travels with each board as `Snapshot.currencies`. Everything in another currency is derived
from these two by `in_currency`, in the process that needs it.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any, NamedTuple

from django.conf import settings

from rates.types import WIDE, Currency, Fragment, Snapshot, decimal_text, encode_json, round_places

# Those of CoinGecko's https://api.coingecko.com/api/v3/simple/supported_vs_currencies in June 2026; what exchanges
# quote is among them. Without `vef`, a constant since that currency ended in 2018.
CODES = frozenset({
    "aed", "ars", "aud", "bch", "bdt", "bhd", "bits", "bmd", "bnb", "brl", "btc", "cad", "chf", "clp",
    "cny", "czk", "dkk", "dot", "eos", "eth", "eur", "gbp", "gel", "hkd", "huf", "idr", "ils", "inr",
    "jpy", "krw", "kwd", "link", "lkr", "ltc", "mmk", "mxn", "myr", "ngn", "nok", "nzd", "php", "pkr",
    "pln", "rub", "sar", "sats", "sek", "sgd", "sol", "thb", "try", "twd", "uah", "usd", "vnd", "xag",
    "xau", "xdr", "xlm", "xrp", "yfi", "zar",
})  # fmt: skip
# Coins that are currencies too, by CoinGecko's id.
COIN_IDS = {
    "bch": "bitcoin-cash", "bnb": "binancecoin", "btc": "bitcoin", "dot": "polkadot", "eos": "eos", "eth": "ethereum",
    "link": "chainlink", "ltc": "litecoin", "sol": "solana", "xlm": "stellar", "xrp": "ripple",
    "yfi": "yearn-finance",
}  # fmt: skip
# Parts of a bitcoin: how many decimal places the unit is smaller.
PARTS_OF_BTC = {"bits": 6, "sats": 8}
# The name of the European Central Bank as a source; it knows no coins.
CENTRAL_BANK = "ecb"
# Its rate of a day stands until the next working day, over Easter for five days; after this it says nothing any more.
CENTRAL_BANK_STANDS = timedelta(days=6)
# Decimals that amounts are shown with: by ISO 4217 where that is not 2. Prices keep all digits.
_DECIMALS = {"clp": 0, "jpy": 0, "krw": 0, "vnd": 0, "bhd": 3, "kwd": 3, "xag": 4, "xau": 6, "xdr": 4, "sats": 0}
COIN_DECIMALS = 8
# What a derived number has in significant digits beyond those that both of its factors have.
SPARE_DIGITS = 2


def offered() -> list[str]:
    """Return the codes that prices are offered in, the base first."""
    base = settings.QUOTE_CURRENCY
    return [base, *(code for code in settings.RATES_CURRENCIES if code != base)]


def measured() -> list[str]:
    """Return the codes whose worth sources are asked for: parts of a bitcoin are worth what it is."""
    codes = dict.fromkeys("btc" if code in PARTS_OF_BTC else code for code in offered())
    return [code for code in codes if code != settings.QUOTE_CURRENCY]


def pair_of(code: str) -> str:
    """Return the name of what one unit of the base is worth in the currency *code*: ``USD/EUR``."""
    return f"{settings.QUOTE_CURRENCY}/{code}".upper()


def code_of(pair: str) -> str:
    """Return the code of the currency whose pair is *pair*."""
    return pair.partition("/")[2].lower()


def is_pair(symbol: str) -> bool:
    """Return whether *symbol* is that of a pair, such as ``USD/EUR`` or ``USDT/USD``, and not of a coin."""
    return "/" in symbol


def decimals(code: str) -> int:
    """Return how many decimals an amount in the currency *code* is shown with."""
    return _DECIMALS.get(code, COIN_DECIMALS if code in COIN_IDS else 2)


def is_coin(code: str) -> bool:
    """Return whether the currency *code* moves as coins do."""
    return code in COIN_IDS or code in PARTS_OF_BTC


def derive_price(price: Decimal, factor: Decimal) -> Decimal:
    """Return *price* times *factor*: the exact product, cut to the significant digits that both have, and two more."""
    return _cut(WIDE.multiply(price, factor), min(_count_digits(price), _count_digits(factor)) + SPARE_DIGITS)


def divide(amount: Decimal, price: Decimal) -> Decimal:
    """Return *amount* divided by *price*, with the significant digits that *price* has, and two more."""
    return Context(prec=_count_digits(price) + SPARE_DIGITS).divide(amount, price)


def find_ratio(amount: Decimal, base: Decimal) -> Decimal:
    """Return *amount* in units of *base*, both of the same thing: the digits of the more precise one, and two more."""
    digits = max(_count_digits(amount), _count_digits(base)) + SPARE_DIGITS
    return Context(prec=digits).divide(amount, base)


def relative_change(change: Decimal, other: Decimal) -> Decimal | None:
    """
    Return the percent by which a ratio has changed whose parts have by *change* and *other* percent.

    None where the other one has lost everything, as no market does.
    """
    if other <= -100:
        return None
    return round_places(WIDE.divide(change - other, 100 + other) * 100, 4)


def _count_digits(value: Decimal) -> int:
    return len(value.as_tuple().digits)


def _cut(value: Decimal, digits: int) -> Decimal:
    if _count_digits(value) > digits:
        value = value.quantize(Decimal(1).scaleb(value.adjusted() + 1 - digits), ROUND_DOWN, WIDE)
    # Zeros before the point, not an exponent, which a number in JSON would show.
    return value if int(value.as_tuple().exponent) <= 0 else value.quantize(Decimal(1), context=WIDE)


def list_currencies(snapshot: Snapshot) -> list[Currency]:
    """Return every offered currency that has a worth on *snapshot*, the base first."""
    base = Currency(settings.QUOTE_CURRENCY, "1", "0", "", snapshot.as_of)
    return [base, *(snapshot.currencies[code] for code in offered() if code in snapshot.currencies)]


def in_currency(snapshot: Snapshot, code: str, before: tuple[Snapshot, Snapshot] | None = None) -> Snapshot:
    """
    Return *snapshot* with every row in the currency *code*, each with the worse of both marks.

    While nobody has measured the currency, no row has a price. The base's rows are those of *snapshot*. Of a board
    *before* and the same in this currency, the rows that are as they were are taken over.
    """
    if code == settings.QUOTE_CURRENCY:
        return snapshot
    worth = snapshot.currencies.get(code)
    old, derived = before or (None, None)
    if old is None or derived is None or old.currencies.get(code) != worth:
        return replace(snapshot, fragments={s: convert_row(row, worth) for s, row in snapshot.fragments.items()})
    return replace(
        snapshot,
        fragments={
            symbol: derived.fragments[symbol] if old.fragments.get(symbol) == row else convert_row(row, worth)
            for symbol, row in snapshot.fragments.items()
        },
    )


def convert_row(fragment: Fragment, worth: Currency | None) -> Fragment:
    """Return the row of a coin in the currency whose *worth* is given; without a price if that is not known."""
    if fragment.price is None:
        return fragment
    coin = json.loads(fragment.json)
    coin = _without_price(coin) if worth is None else coin | _convert(coin, worth)
    return Fragment(fragment.symbol, encode_json(coin), coin["price"])


def _without_price(coin: Mapping[str, Any]) -> dict[str, Any]:
    unknown = {"stale": False, "disputed": False, "confirmed_by": []}
    return {
        name: coin[name] if name in ("symbol", "name", "logo") else unknown.get(name)
        for name in coin
        if _is_plain(name)
    }


def _is_plain(name: str) -> bool:
    """Return whether *name* is a field that a coin without a price has too."""
    return name not in ("high_24h", "low_24h", "from_history")


def _convert(coin: Mapping[str, Any], worth: Currency) -> dict[str, Any]:
    factor = Decimal(worth.per_base)
    money = {name: coin[name] for name in ("price", "volume_24h", "high_24h", "low_24h") if coin.get(name) is not None}
    prices = {name: decimal_text(derive_price(Decimal(text), factor)) for name, text in money.items()}
    if coin["symbol"] == worth.coin:
        # A coin in itself.
        itself = decimal_text(Decimal(1).scaleb(PARTS_OF_BTC.get(worth.code, 0)))
        prices |= {name: itself for name in prices if name != "volume_24h"}
    return {
        **prices,
        "change_24h_pct": _convert_change(coin["change_24h_pct"], worth.change_24h_pct),
        "stale": coin["stale"] or worth.stale,
        "disputed": coin["disputed"] or worth.disputed,
    }


def _convert_change(coin: str | None, worth: str | None) -> str | None:
    """Return the change of a price in another currency; None where that of the *worth* is not known."""
    if coin is None or worth is None:
        return None
    ratio = (1 + Decimal(coin) / 100) * (1 + Decimal(worth) / 100)
    return decimal_text(round_places((ratio - 1) * 100, 2))


class Unit(NamedTuple):
    """
    One coin or one unit of a currency, for conversions.

    Attributes:
        name: its symbol or code.
        price: of a coin, in the base; None for a currency.
        per_base: of a currency; None for a coin.
        coin: the symbol of a coin, and of the coin that a currency is.
    """

    name: str
    price: Decimal | None = None
    per_base: Decimal | None = None
    stale: bool = False
    disputed: bool = False
    coin: str | None = None


def measure_coin(fragment: Fragment) -> Unit | None:
    """Return the coin of a row; None while it has no price."""
    if fragment.price is None:
        return None
    coin = json.loads(fragment.json)
    price, symbol = Decimal(fragment.price), fragment.symbol
    return Unit(symbol, price, None, coin["stale"], coin["disputed"], symbol)


def measure_currency(snapshot: Snapshot, code: str) -> Unit | None:
    """Return the currency *code* by *snapshot*; None while nobody has measured it."""
    worth = next((worth for worth in list_currencies(snapshot) if worth.code == code), None)
    return worth and Unit(code, None, Decimal(worth.per_base), worth.stale, worth.disputed, worth.coin)


def price_in(given: Unit, wanted: Unit) -> Decimal:
    """Return what one unit of *given* is in *wanted*."""
    if given.coin is not None and given.coin == wanted.coin:
        return Decimal(1).scaleb(PARTS_OF_BTC.get(wanted.name, 0) - PARTS_OF_BTC.get(given.name, 0))
    if given.price is not None and wanted.per_base is not None:
        return derive_price(given.price, wanted.per_base)
    if given.per_base is not None and wanted.price is not None:
        return divide(Decimal(1), derive_price(wanted.price, given.per_base))
    return _find_quotient(*_same_kind(given, wanted))


def _same_kind(given: Unit, wanted: Unit) -> tuple[Decimal, Decimal]:
    """Return the two numbers whose quotient tells what one coin is in another, or one currency."""
    if given.price is not None and wanted.price is not None:
        return given.price, wanted.price
    assert given.per_base is not None
    assert wanted.per_base is not None
    return wanted.per_base, given.per_base


def _find_quotient(one: Decimal, other: Decimal) -> Decimal:
    exact = [_count_digits(value) for value in (one, other) if value != 1]
    return Context(prec=min(exact, default=1) + SPARE_DIGITS).divide(one, other)


def find_code(text: str) -> str | None:
    """Return the offered currency that *text* means, in any case; None if it is none of them."""
    code = text.strip().lower()
    return code if code in offered() else None
