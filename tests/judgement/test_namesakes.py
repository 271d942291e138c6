"""
Real coins whose symbol is another coin's at an exchange: no wrong price shows unmarked, whoever is silent.

`namesakes_2025-02-14.csv`: the first 25 of CoinGecko's top 3,000 by market value of that day whose symbol, at Binance
or Kraken, is a coin with another price, as CoinGecko's own tickers named it; from the package `trading-strategy` 0.28.
"""

import csv
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from rates import feed
from rates.models import Coin
from rates.sources import binance as binance_source
from rates.sources import kraken as kraken_source
from rates.types import Rate
from tests.stand_ins.coingecko import CoinGecko
from tests.world import World, shown

ROWS = list(csv.DictReader((Path(__file__).parents[1] / "data" / "namesakes_2025-02-14.csv").read_text().splitlines()))
PRICES = {row["id"]: Decimal(row["usd"]) for row in ROWS}
BAND = Decimal("0.02")


@pytest.fixture
def namesakes(world: World) -> World:
    """The coins as the releases before had them: each with the pair of its symbol on both exchanges."""
    coingecko = world.stand_ins["coingecko"]
    assert isinstance(coingecko, CoinGecko)
    Coin.objects.filter(symbol="XLM").delete()
    for row in ROWS:
        symbol = row["symbol"]
        coingecko.ids[row["id"]] = row["id"]
        coingecko.prices[row["id"]] = PRICES[row["id"]]
        for name in ("binance", "kraken"):
            if row[f"{name}_usd"]:
                world.stand_ins[name].prices[symbol] = Decimal(row[f"{name}_usd"])
        is_first = not Coin.objects.filter(symbol=symbol).exists()
        Coin.objects.create(
            symbol=symbol if is_first else f"{symbol}.2", name=row["id"], coingecko_id=row["id"],
            binance_symbol=f"{symbol}USDT", kraken_symbol="" if is_first else f"{symbol}/USD",
            kraken_verified=None if is_first else False,
        )  # fmt: skip
    for stand_in in world.stand_ins.values():
        stand_in.prices["USDT"] = Decimal(1)
    return world


def find_wrong() -> list[dict[str, Any]]:
    """Return the coins that show another coin's price without a mark."""
    coins = [shown(coin.symbol) | {"id": coin.coingecko_id} for coin in Coin.objects.filter(coingecko_id__in=PRICES)]
    priced = [coin for coin in coins if coin["price"] is not None and not coin["stale"] and not coin["disputed"]]
    return [coin for coin in priced if abs(Decimal(coin["price"]) / PRICES[coin["id"]] - 1) > BAND]


def stream() -> None:
    """Put what the exchanges' streams would bring on the board."""
    coins = list(Coin.objects.all())
    rates: list[Rate] = [*binance_source.fetch_rates(coins, 5), *kraken_source.fetch_rates(coins, 5)]
    feed.publish_streamed(rates, coins)


def walk(world: World, ticks: int, live: bool) -> None:
    for _ in range(ticks):
        if live:
            stream()
            assert find_wrong() == []
        world.tick()
        assert find_wrong() == []


def be_alone(world: World, settings: Settings) -> None:
    settings.RATES_SOURCES = ["binance", "kraken"]


def be_limited_from_the_start(world: World, settings: Settings) -> None:
    world.misbehave({"coingecko": "429"})


def be_limited_later(world: World, settings: Settings) -> None:
    world.tick(3)
    world.misbehave({"coingecko": "429"})


def be_right(world: World, settings: Settings) -> None:
    pass


@pytest.mark.parametrize("live", [False, True], ids=["polls", "streams"])
@pytest.mark.parametrize("situation", [be_alone, be_limited_from_the_start, be_limited_later, be_right])
@pytest.mark.django_db
def test_no_wrong_price_shows_unmarked(
    namesakes: World, settings: Settings, situation: Callable[[World, Settings], None], live: bool
) -> None:
    settings.RATES_STREAM = ["binance", "kraken"] if live else []
    situation(namesakes, settings)
    walk(namesakes, 10, live)


@pytest.mark.django_db
def test_coingeckos_price_shows_undisputed_beside_a_namesakes_pair_and_true_pairs_are_found(namesakes: World) -> None:
    namesakes.tick(4)
    for coin in Coin.objects.filter(coingecko_id__in=PRICES):
        row = shown(coin.symbol)
        assert abs(Decimal(row["price"]) / PRICES[coin.coingecko_id] - 1) < BAND
        assert (row["disputed"], row["stale"]) == (False, False)
    luna = Coin.objects.get(coingecko_id="terra-luna-2")
    assert (luna.binance_verified, luna.kraken_verified) == (True, None)
    assert set(Coin.objects.filter(binance_verified=True).values_list("symbol", flat=True)) == {"BTC", "LUNA"}
    assert set(Coin.objects.filter(kraken_verified=True).values_list("symbol", flat=True)) == {"BTC"}
