"""
Fill an empty coin list from `SUPPORTED_COINS`; from then on staff edit it in the admin.

Tested in `tests/test_upgrades.py`.
"""

import re
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from rates.models import Coin
from rates.symbols import LONGEST_SYMBOL

# CoinGecko id -> symbol, name. The pairs are SYMBOLUSDT on Binance and SYMBOL/USD on Kraken, where they exist:
# CoinGecko's own mapping of 2025-02-14 names them.
KNOWN = {
    "aave": ("AAVE", "Aave"),
    "algorand": ("ALGO", "Algorand"),
    "aptos": ("APT", "Aptos"),
    "arbitrum": ("ARB", "Arbitrum"),
    "avalanche-2": ("AVAX", "Avalanche"),
    "binancecoin": ("BNB", "BNB"),
    "bitcoin": ("BTC", "Bitcoin"),
    "bitcoin-cash": ("BCH", "Bitcoin Cash"),
    "cardano": ("ADA", "Cardano"),
    "chainlink": ("LINK", "Chainlink"),
    "cosmos": ("ATOM", "Cosmos"),
    "dogecoin": ("DOGE", "Dogecoin"),
    "ethereum": ("ETH", "Ethereum"),
    "ethereum-classic": ("ETC", "Ethereum Classic"),
    "filecoin": ("FIL", "Filecoin"),
    "hedera-hashgraph": ("HBAR", "Hedera"),
    "internet-computer": ("ICP", "Internet Computer"),
    "kaspa": ("KAS", "Kaspa"),
    "litecoin": ("LTC", "Litecoin"),
    "monero": ("XMR", "Monero"),
    "near": ("NEAR", "NEAR Protocol"),
    "optimism": ("OP", "Optimism"),
    "pepe": ("PEPE", "Pepe"),
    "polkadot": ("DOT", "Polkadot"),
    "ripple": ("XRP", "XRP"),
    "shiba-inu": ("SHIB", "Shiba Inu"),
    "solana": ("SOL", "Solana"),
    "stellar": ("XLM", "Stellar"),
    "sui": ("SUI", "Sui"),
    "tether": ("USDT", "Tether"),
    "tezos": ("XTZ", "Tezos"),
    "the-open-network": ("TON", "Toncoin"),
    "tron": ("TRX", "TRON"),
    "uniswap": ("UNI", "Uniswap"),
    "usd-coin": ("USDC", "USDC"),
    "vechain": ("VET", "VeChain"),
}
WITHOUT_BINANCE = {"KAS", "USDT", "XMR"}
WITHOUT_KRAKEN = {"BNB", "HBAR", "VET"}


def make_coins(coingecko_ids: Iterable[str]) -> list[Coin]:
    """Return unsaved coins in the given order; a coin that is not in `KNOWN` gets a symbol made from its id."""
    coins: dict[str, Coin] = {}
    for position, coingecko_id in enumerate(coingecko_ids, start=1):
        symbol, name = KNOWN.get(coingecko_id) or _guess(coingecko_id)
        coin = Coin(symbol=symbol, name=name, coingecko_id=coingecko_id, position=position)
        if coingecko_id in KNOWN:
            coin.binance_symbol = "" if symbol in WITHOUT_BINANCE else f"{symbol}USDT"
            coin.kraken_symbol = "" if symbol in WITHOUT_KRAKEN else f"{symbol}/USD"
            coin.binance_verified = coin.kraken_verified = True
        coins.setdefault(symbol, coin)
    return list(coins.values())


def _guess(coingecko_id: str) -> tuple[str, str]:
    symbol = re.sub(r"[^A-Z0-9]", "", coingecko_id.upper())[:LONGEST_SYMBOL]
    return symbol or "COIN", coingecko_id.replace("-", " ").title()


class Command(BaseCommand):
    """`manage.py seed_coins`."""

    help = "Fill an empty coin list from SUPPORTED_COINS."

    def handle(self, *args: Any, **options: Any) -> None:
        """Save the coins in one query; the next tick publishes them."""
        if Coin.objects.exists():
            return
        coins = make_coins(settings.SUPPORTED_COINS)
        Coin.objects.bulk_create(coins)
        self.stdout.write("Coins: " + ", ".join(coin.symbol for coin in coins))
        for coin in coins:
            if coin.coingecko_id not in KNOWN:
                self.stderr.write(
                    f"{coin.coingecko_id}: shown as {coin.symbol}; correct symbol, name and pair in the admin"
                )
