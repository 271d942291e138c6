"""
`/exchange_rates`: what one bitcoin is worth in every currency.

    {"rates": {"usd": {"name": "US Dollar", "unit": "$", "value": 63250.12, "type": "fiat"}}}

Tested in `tests/coingecko_api/test_lists.py`.
"""

from typing import Any

from rates.coingecko_api.board import BITCOIN, Board
from rates.coingecko_api.parameters import Refusal
from rates.currencies import COIN_IDS, PARTS_OF_BTC, is_coin

COMMODITIES = ("xau", "xag")
# Name and unit by code, as CoinGecko writes them.
NAMES: dict[str, tuple[str, str]] = {
    "btc": ("Bitcoin", "BTC"), "eth": ("Ether", "ETH"), "ltc": ("Litecoin", "LTC"), "bch": ("Bitcoin Cash", "BCH"),
    "bnb": ("Binance Coin", "BNB"), "eos": ("EOS", "EOS"), "xrp": ("XRP", "XRP"), "xlm": ("Lumens", "XLM"),
    "link": ("Chainlink", "LINK"), "dot": ("Polkadot", "DOT"), "yfi": ("Yearn.finance", "YFI"),
    "sol": ("Solana", "SOL"), "bits": ("Bits", "μBTC"), "sats": ("Satoshi", "sats"),
    "usd": ("US Dollar", "$"), "aed": ("United Arab Emirates Dirham", "DH"), "ars": ("Argentine Peso", "$"),
    "aud": ("Australian Dollar", "A$"), "bdt": ("Bangladeshi Taka", "৳"), "bhd": ("Bahraini Dinar", "BD"),
    "bmd": ("Bermudian Dollar", "$"), "brl": ("Brazil Real", "R$"), "cad": ("Canadian Dollar", "CA$"),
    "chf": ("Swiss Franc", "Fr."), "clp": ("Chilean Peso", "CLP$"), "cny": ("Chinese Yuan", "¥"),
    "czk": ("Czech Koruna", "Kč"), "dkk": ("Danish Krone", "kr."), "eur": ("Euro", "€"),
    "gbp": ("British Pound Sterling", "£"), "gel": ("Georgian Lari", "₾"), "hkd": ("Hong Kong Dollar", "HK$"),
    "huf": ("Hungarian Forint", "Ft"), "idr": ("Indonesian Rupiah", "Rp"), "ils": ("Israeli New Shekel", "₪"),
    "inr": ("Indian Rupee", "₹"), "jpy": ("Japanese Yen", "¥"), "krw": ("South Korean Won", "₩"),
    "kwd": ("Kuwaiti Dinar", "KD"), "lkr": ("Sri Lankan Rupee", "Rs"), "mmk": ("Burmese Kyat", "K"),
    "mxn": ("Mexican Peso", "MX$"), "myr": ("Malaysian Ringgit", "RM"), "ngn": ("Nigerian Naira", "₦"),
    "nok": ("Norwegian Krone", "kr"), "nzd": ("New Zealand Dollar", "NZ$"), "php": ("Philippine Peso", "₱"),
    "pkr": ("Pakistani Rupee", "₨"), "pln": ("Polish Zloty", "zł"), "ron": ("Romanian Leu", "lei"),
    "rub": ("Russian Ruble", "₽"), "sar": ("Saudi Riyal", "SR"), "sek": ("Swedish Krona", "kr"),
    "sgd": ("Singapore Dollar", "S$"), "thb": ("Thai Baht", "฿"), "try": ("Turkish Lira", "₺"),
    "twd": ("New Taiwan Dollar", "NT$"), "uah": ("Ukrainian Hryvnia", "₴"), "vnd": ("Vietnamese đồng", "₫"),
    "zar": ("South African Rand", "R"), "xdr": ("IMF Special Drawing Rights", "XDR"),
    "xag": ("Silver - Troy Ounce", "XAG"),
    "xau": ("Gold - Troy Ounce", "XAU"), "isk": ("Icelandic Króna", "kr"),
}  # fmt: skip


def answer(board: Board) -> dict[str, dict[str, Any]]:
    """Return the body."""
    quote = board.quotes.get(BITCOIN)
    if quote is None:
        raise Refusal(404, "bitcoin is not among the coins of this service, so there are no rates of it")
    if quote.price is None:
        raise Refusal(503, "bitcoin has no price yet; try again", retry_after=5)
    return {"rates": {code: _describe(code, board.price(quote, code)) for code in sort_codes(board)}}


def sort_codes(board: Board) -> list[str]:
    """Return the currencies that prices can be told in, the coins among them first."""
    return sorted(board.worths, key=lambda code: (code not in COIN_IDS, code in PARTS_OF_BTC))


def _describe(code: str, value: Any) -> dict[str, Any]:
    name, unit = NAMES.get(code, (code.upper(), code.upper()))
    return {"name": name, "unit": unit, "value": value, "type": _kind(code)}


def _kind(code: str) -> str:
    if is_coin(code):
        return "crypto"
    return "commodity" if code in COMMODITIES else "fiat"
