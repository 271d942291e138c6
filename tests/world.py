"""
Three vendors whose prices move and who misbehave when told to, and the service that asks them; no test waits for time.

Between two ticks everything that is remembered moves into the past by an interval.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from msgspec.structs import replace
from pytest_django import Settings

from rates import feed, store
from rates.models import Coin
from rates.store.codec import encode_state
from rates.store.keys import VERSION
from rates.types import CoinState, Rate
from tests.coins import pairs
from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko
from tests.stand_ins.kraken import Kraken

ALL = ("coingecko", "binance", "kraken")
# What passes between two ticks, in seconds. The real time of a tick on a busy machine is little beside it.
INTERVAL = 5.0
# Faults with which an answer does not come, or not all of it: whoever asks waits until the deadline, a share of the
# interval.
UNANSWERED = frozenset(
    {"hang", "hang_handshake", "slow", "slow_head", "cut", "truncated", "empty", "missing"}
    | {"silent", "half_open", "only_garbage", "drop", "deaf"}
)
# The interval of the settings while a source has one of these, in seconds.
SHORT_INTERVAL = 2.0
LONGER_THAN_ANY_PAUSE = 3700
Faults = Mapping[str, str]


class World:
    """Three vendors, and the service that asks them."""

    def __init__(self, stand_ins: Mapping[str, CoinGecko | Binance | Kraken]) -> None:
        self.stand_ins = stand_ins

    def misbehave(self, faults: Faults, *symbols: str) -> None:
        """Give each source its fault of *faults*, and health to the others."""
        for name, stand_in in self.stand_ins.items():
            stand_in.fault = faults.get(name, "")
            stand_in.faulty = frozenset() if stand_in.fault == "depeg" else frozenset(symbols)

    def move(self, factor: str) -> None:
        """Let the true prices of all coins but USDT move by *factor*."""
        for stand_in in self.stand_ins.values():
            for symbol, price in stand_in.prices.items():
                if symbol != "USDT":
                    stand_in.prices[symbol] = price * Decimal(factor)

    def tick(self, times: int = 1) -> dict[str, Any]:
        """Return what BTC shows after some ticks, each an interval later."""
        for _ in range(times):
            let_pass(INTERVAL)
            self.run_tick()
        return shown("BTC")

    def run_tick(self) -> None:
        """Tick now; a source that answers has time for it on a busy machine too."""
        is_waited_for = any(stand_in.fault in UNANSWERED for stand_in in self.stand_ins.values())
        settings.RATES_REFRESH_INTERVAL = SHORT_INTERVAL if is_waited_for else INTERVAL
        feed.run_tick()

    def price(self) -> Decimal:
        """Return the true price of BTC."""
        return self.stand_ins["kraken"].prices["BTC"]


def shown(symbol: str) -> dict[str, Any]:
    snapshot = store.load_snapshot()
    assert snapshot is not None
    coin: dict[str, Any] = json.loads(snapshot.fragments[symbol].json)
    return coin


def marks(coin: Mapping[str, Any]) -> str:
    return " ".join(mark for mark in ("disputed", "stale") if coin[mark])


def is_near(coin: Mapping[str, Any], price: Decimal) -> bool:
    """Return whether *coin* shows *price*, give or take what it moves within a few ticks."""
    return abs(Decimal(coin["price"]) / price - 1) < Decimal("0.01")


def let_pass(seconds: float) -> None:
    """Move all that the publishers remember into the past."""
    states = {
        symbol: encode_state(_age(state, timedelta(seconds=seconds))) for symbol, state in store.load_states().items()
    }
    if states:
        store.client().hset(store.STATES, mapping=states)
        store.client().delete(VERSION)
    times = ("asked_at", "answered_at", "failed_at", "paused_until")
    store.update_healths(
        lambda stored: {
            name: {**health, **{key: health[key] - seconds for key in times if health[key]}}
            for name, health in stored.items()
        }
    )


def _age(state: CoinState, by: timedelta) -> CoinState:
    readings = {name: replace(reading, rate=age_rate(reading.rate, by)) for name, reading in state.readings.items()}
    held = state.held and replace(state.held, observed_at=state.held.observed_at - by)
    return replace(state, readings=readings, held=held, shown=state.shown and age_rate(state.shown, by))


def age_rate(rate: Rate, by: timedelta) -> Rate:
    """Return *rate* as if it had come *by* earlier."""
    return replace(rate, observed_at=rate.observed_at - by, received_at=rate.received_at - by)


@pytest.fixture
def world(db: None, settings: Settings, coingecko: CoinGecko, binance: Binance, kraken: Kraken) -> World:
    """All well so far: three sources, two coins."""
    settings.RATES_REFRESH_INTERVAL, settings.RATES_STALE_AFTER = INTERVAL, 3 * INTERVAL
    settings.RATES_SOURCES, settings.RATES_STREAM = list(ALL), []
    Coin.objects.all().delete()
    Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin", **pairs("BTC"))
    Coin.objects.create(symbol="XLM", name="Stellar", coingecko_id="stellar", **pairs("XLM"))
    return World({"coingecko": coingecko, "binance": binance, "kraken": kraken})
