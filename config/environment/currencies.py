"""
The currencies that prices can be in, and their reader.

Those of CoinGecko's https://api.coingecko.com/api/v3/simple/supported_vs_currencies in June 2026; what Binance and
Kraken quote is among them. Without `vef`, which has stood still since that currency ended in 2018.
"""

from config.environment.readers import refuse, text

CURRENCIES = frozenset({
    "aed", "ars", "aud", "bch", "bdt", "bhd", "bits", "bmd", "bnb", "brl", "btc", "cad", "chf", "clp",
    "cny", "czk", "dkk", "dot", "eos", "eth", "eur", "gbp", "gel", "hkd", "huf", "idr", "ils", "inr",
    "jpy", "krw", "kwd", "link", "lkr", "ltc", "mmk", "mxn", "myr", "ngn", "nok", "nzd", "php", "pkr",
    "pln", "rub", "sar", "sats", "sek", "sgd", "sol", "thb", "try", "twd", "uah", "usd", "vnd", "xag",
    "xau", "xdr", "xlm", "xrp", "yfi", "zar",
})  # fmt: skip


def currency(name: str, default: str) -> str:
    """Return a currency's code in lower case."""
    value = text(name, default).lower()
    if value not in CURRENCIES:
        refuse(name, value, "one of " + ", ".join(sorted(CURRENCIES)))
    return value
