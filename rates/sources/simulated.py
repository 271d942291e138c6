"""
Simulated prices for demonstrations, shown as "simulated" everywhere; never used unless `RATES_SOURCES=simulated`.

A price is a function of symbol and time, so that all processes agree on it.
"""

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from django.conf import settings

from rates.currencies import measured, pair_of
from rates.models import Coin
from rates.types import Rate

NAME = "simulated"
QUOTE: str | None = None
BY_ID = True
CREDITS_SETTING: str | None = None
DAY = 86400.0
# The middle price of well-known coins; others get one between 0.01 and 100.
STARTS = {
    "BTC": 63250.0, "ETH": 3412.0, "BNB": 582.0, "SOL": 148.0, "XRP": 0.528, "DOGE": 0.1216, "ADA": 0.387, "TRX": 0.131,
    "TON": 6.72, "AVAX": 27.3, "LINK": 13.8, "DOT": 6.21, "BCH": 372.0, "LTC": 71.9, "XLM": 0.1042, "UNI": 7.45,
    "ATOM": 5.86, "ETC": 22.4, "XMR": 164.0, "FIL": 4.32, "HBAR": 0.0712, "APT": 8.47, "ARB": 0.712, "OP": 1.58,
    "NEAR": 5.03, "ICP": 9.64, "AAVE": 112.0, "MKR": 2480.0, "ALGO": 0.151, "VET": 0.0268, "SHIB": 0.00001842,
    "PEPE": 0.00001134, "BONK": 0.0000231, "WIF": 2.04, "SUI": 0.934, "INJ": 23.1, "PAXG": 2334.0, "XAUT": 2331.0,
    "USDT": 1.0, "USDC": 1.0, "DAI": 1.0, "FDUSD": 1.0, "TUSD": 1.0, "USDE": 1.0, "PYUSD": 1.0, "EURC": 1.08,
}  # fmt: skip
# Coins that are worth what they are worth because somebody vouches for it, and how much less than others they move.
STABLE = frozenset({"USDT", "USDC", "DAI", "FDUSD", "TUSD", "USDE", "PYUSD", "EURC"})
CALM = 0.01
# What a US dollar was worth in late 2026, about.
CURRENCIES = {"usd": 1.0, "eur": 0.9213, "gbp": 0.7891, "jpy": 151.24, "chf": 0.8812, "cad": 1.3985, "aud": 1.5321,
              "cny": 7.2411, "inr": 84.42, "krw": 1397.5, "brl": 5.8120, "sek": 10.921, "nok": 11.034, "pln": 4.0210,
              "kwd": 0.30742, "btc": 1 / 63250.0}  # fmt: skip
SIGNIFICANT_DIGITS = 7
# Period in seconds and relative height of each wave that a price is made of; the short ones make it tick.
WAVES = (
    (0.7, 0.00015),
    (1.9, 0.0002),
    (3.1, 0.0003),
    (7.3, 0.0004),
    (31.0, 0.0008),
    (173.0, 0.002),
    (1087.0, 0.004),
    (7919.0, 0.012),
    (61001.0, 0.03),
)


def setup_fingerprint() -> str:
    """Return a constant: there is only one configuration."""
    return NAME


def count_calls(coins: Sequence[Coin]) -> int:
    """Return 1, for all coins together, though nobody is called."""
    return 1


def fetch_rates(coins: Sequence[Coin], timeout: float) -> list[Rate]:
    """Return a simulated rate for each of *coins*, and what well-known currencies are worth."""
    now = datetime.now(UTC)
    return [*(simulate(coin.symbol, now) for coin in coins), *_simulate_currencies(now)]


def _simulate_currencies(now: datetime) -> list[Rate]:
    base = CURRENCIES.get(settings.QUOTE_CURRENCY)
    return [simulate_currency(code, base, now) for code in measured() if base and code in CURRENCIES]


def simulate_currency(code: str, base: float, now: datetime) -> Rate:
    """Return what one unit of a base, itself worth *base* to a dollar, is worth in the currency *code* at *now*."""
    start, seconds = CURRENCIES[code] / base, now.timestamp()
    # It moves by a tenth of what a coin does.
    worth, before = (start * (walk(code, at) / _character(code)[0]) ** 0.1 for at in (seconds, seconds - DAY))
    change = Decimal(f"{(worth / before - 1) * 100:.2f}")
    return Rate(pair_of(code), round_price(worth), change, None, NAME, now, now)


def simulate(symbol: str, now: datetime) -> Rate:
    """Return the rate of *symbol* at *now*; always the same for the same arguments."""
    seconds = now.timestamp()
    price = walk(symbol, seconds)
    change = (price / walk(symbol, seconds - DAY) - 1) * 100
    volume = price * 10 ** random.Random(symbol + "volume").uniform(5, 7)
    return Rate(symbol, round_price(price), Decimal(f"{change:.2f}"), Decimal(f"{volume:.0f}"), NAME, now, now)


def walk(symbol: str, seconds: float) -> float:
    """Return the simulated price of *symbol* at Unix time *seconds*."""
    start, phases = _character(symbol)
    waves = zip(WAVES, phases, strict=True)
    share = CALM if symbol in STABLE else 1
    return start * math.exp(
        share * sum(height * math.sin(seconds / period + phase) for (period, height), phase in waves)
    )


@lru_cache(maxsize=1000)
def _character(symbol: str) -> tuple[float, tuple[float, ...]]:
    dice = random.Random(symbol)
    start = STARTS.get(symbol, 10 ** dice.uniform(-2, 2))
    return start, tuple(dice.uniform(0, 2 * math.pi) for _ in WAVES)


def round_price(price: float) -> Decimal:
    """Return *price* with as many digits as an exchange would show."""
    return Decimal(f"{price:.{SIGNIFICANT_DIGITS}g}").normalize() + Decimal(0)
