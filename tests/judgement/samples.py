"""Readings of a coin that was last shown at 100, to be judged at `NOW`."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from rates.judgement.rules import Rules
from rates.types import CoinState, Rate, Reading

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
RULES = Rules(
    streams=("binance", "kraken"),
    polls=("coingecko", "binance", "kraken"),
    stale_after=timedelta(seconds=15),
    agreement_pct=Decimal(2),
    max_jump_pct=Decimal(10),
    by_id=frozenset({"coingecko"}),
)


def rate(source: str, price: str, age: float = 0, observed_age: float | None = None) -> Rate:
    received = NOW - timedelta(seconds=age)
    observed = received if observed_age is None else NOW - timedelta(seconds=observed_age)
    return Rate("BTC", Decimal(price), None, None, source, observed, received)


def reading(source: str, price: str, age: float = 0, **more: object) -> Reading:
    return Reading(rate(source, price, age), **{"streak": 2, **more})  # type: ignore[arg-type]


def state(*readings: Reading, good: str | None = "100", owner: str | None = "coingecko") -> CoinState:
    shown = rate(owner, good, age=5) if owner and good else None
    return CoinState(readings={r.rate.source: r for r in readings}, shown=shown, good=Decimal(good) if good else None)
