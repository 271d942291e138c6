"""
What the board shows when sources misbehave, as the table that `docs/trust.md` prints; through whole ticks of the feed.

Between two ticks time passes without waiting: everything that is remembered moves into the past. `test_trust.py` has
the rules that hold for all faults, alone and in pairs.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pytest_django import Settings

from rates import feed, store
from rates.codec import encode_state
from rates.models import Coin
from rates.types import CoinState, Rate
from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko
from tests.stand_ins.kraken import Kraken
from tests.stand_ins.sockets import STREAMS

DOCUMENT = Path(__file__).parent.parent / "docs" / "trust.md"
ALL = ("coingecko", "binance", "kraken")
TRUE = Decimal("63250.12")
INTERVAL = 1.0
LONGER_THAN_ANY_PAUSE = 3700
Faults = Mapping[str, str]


class Case(NamedTuple):
    """
    A bad input, and what BTC shows while it lasts.

    Attributes:
        faults: source -> fault, on BTC alone where it is one of values.
        price: the price that shows, as a multiple of the true one; None for the last good price.
        marks: "disputed", "stale", both or none.
        ticks: how long it lasts until then.
    """

    sources: tuple[str, ...]
    faults: Faults
    price: str | None
    source: str
    marks: str = ""
    ticks: int = 2


CASES = {
    "nothing wrong": Case(ALL, {}, "1", "coingecko"),
    "two sources, the better one ten times too high": Case(
        ("coingecko", "kraken"), {"coingecko": "tenfold"}, "1", "kraken", "disputed"
    ),
    "two sources, the other one ten times too high": Case(
        ("coingecko", "kraken"), {"kraken": "tenfold"}, "1", "coingecko", "disputed"
    ),
    "two sources, the better one 5 % too low": Case(
        ("coingecko", "kraken"), {"coingecko": "minus_5"}, "1", "kraken", "disputed"
    ),
    "two sources, the other one 5 % too low": Case(
        ("coingecko", "kraken"), {"kraken": "minus_5"}, "1", "coingecko", "disputed"
    ),
    "one of three ten times too high": Case(ALL, {"coingecko": "tenfold"}, "1", "binance"),
    "another of three ten times too high": Case(ALL, {"kraken": "tenfold"}, "1", "coingecko"),
    "one of three 3 % too low": Case(ALL, {"coingecko": "minus_3"}, "1", "binance"),
    "two of three 5 % too low together": Case(
        ALL, {"coingecko": "minus_5", "binance": "minus_5"}, "0.95", "coingecko", "disputed"
    ),
    "a lone source ten times too high": Case(("coingecko",), {"coingecko": "tenfold"}, None, "coingecko", "disputed"),
    "a lone source ten times too high, for long": Case(
        ("coingecko",), {"coingecko": "tenfold"}, "10", "coingecko", "disputed", ticks=4
    ),
    "all down": Case(ALL, dict.fromkeys(ALL, "500"), None, "coingecko"),
    "all down for long": Case(ALL, dict.fromkeys(ALL, "500"), None, "coingecko", "stale", ticks=8),
    "USDT told to be 0.95 by one": Case(ALL, {"kraken": "depeg"}, "1", "coingecko"),
    "USDT told to be 0.95 by one, the best source down": Case(
        ALL, {"kraken": "depeg", "coingecko": "500"}, "1", "binance", ticks=8
    ),
    "only Binance left": Case(ALL, {"coingecko": "500", "kraken": "500"}, "1", "binance", ticks=8),
    "one answer a thousand times too high": Case(ALL, {"coingecko": "spike"}, "1", "coingecko"),
    "a lone source's answer a thousand times too high": Case(
        ("coingecko",), {"coingecko": "spike"}, None, "coingecko", "disputed", ticks=1
    ),
    "the best source dies": Case(ALL, {"coingecko": "500"}, "1", "binance", ticks=8),
    "the best source leaves out a coin": Case(ALL, {"coingecko": "missing"}, "1", "binance", ticks=8),
    "the best source's clock goes back": Case(ALL, {"coingecko": "clock_back"}, "1", "binance", ticks=8),
    "the best source's prices are an hour old": Case(ALL, {"coingecko": "stale_time"}, "1", "binance", ticks=8),
}


def write_row(name: str, case: Case) -> str:
    """Return the line of *case* in the table of `docs/trust.md`."""
    price = {None: "the last good price", "1": "a true price"}.get(case.price, f"{case.price} times the true price")
    return f"| {name} | {', '.join(case.sources)} | {price} | {case.source} | {case.marks or '–'} |"


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
            feed.take_tick()
        return shown("BTC")

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
    times = ("asked_at", "answered_at", "failed_at", "paused_until")
    store.save_healths(
        {
            name: health | {key: health[key] - seconds for key in times if health[key]}
            for name, health in store.load_healths().items()
        }
    )


def _age(state: CoinState, by: timedelta) -> CoinState:
    readings = {name: replace(reading, rate=_age_rate(reading.rate, by)) for name, reading in state.readings.items()}
    held = state.held and replace(state.held, observed_at=state.held.observed_at - by)
    return replace(state, readings=readings, held=held, shown=state.shown and _age_rate(state.shown, by))


def _age_rate(rate: Rate, by: timedelta) -> Rate:
    return replace(rate, observed_at=rate.observed_at - by, received_at=rate.received_at - by)


@pytest.fixture
def world(db: None, settings: Settings, coingecko: CoinGecko, binance: Binance, kraken: Kraken) -> World:
    """All well so far: three sources, two coins."""
    settings.RATES_REFRESH_INTERVAL, settings.RATES_STALE_AFTER = INTERVAL, 3 * INTERVAL
    settings.RATES_SOURCES, settings.RATES_STREAM = list(ALL), []
    Coin.objects.all().delete()
    Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin", binance_symbol="BTCUSDT")
    Coin.objects.create(symbol="XLM", name="Stellar", coingecko_id="stellar", binance_symbol="XLMUSDT")
    return World({"coingecko": coingecko, "binance": binance, "kraken": kraken})


def test_the_table_is_printed_in_the_documentation() -> None:
    text = DOCUMENT.read_text()
    assert [row for row in map(write_row, CASES, CASES.values()) if row not in text] == []


@pytest.mark.parametrize("name", CASES)
def test_board_shows_what_the_table_says(world: World, settings: Settings, name: str) -> None:
    case = CASES[name]
    settings.RATES_SOURCES = list(case.sources)
    good = Decimal(world.tick(4)["price"])
    world.misbehave(case.faults, "BTC")
    if case.price is None:
        world.move("1.001")
    coin = world.tick(case.ticks)
    expected = good if case.price is None else TRUE * Decimal(case.price)
    assert abs(Decimal(coin["price"]) - expected) < TRUE / 500
    assert (coin["source"], marks(coin)) == (case.source, case.marks)


# All faults that a poll can meet.
FAULTS = {"coingecko": CoinGecko.FAULTS, "binance": Binance.FAULTS - STREAMS, "kraken": Kraken.FAULTS - STREAMS}
ALONE = [{name: fault} for name, faults in FAULTS.items() for fault in sorted(faults)]


def read_faults(faults: Faults) -> str:
    return ", ".join(f"{name} {fault}" for name, fault in faults.items())


@pytest.mark.parametrize("faults", ALONE, ids=read_faults)
def test_fault_of_one_source_cannot_be_seen(world: World, faults: Faults) -> None:
    world.tick(3)
    world.misbehave(faults, "BTC")
    for _ in range(4):
        world.move("1.001")
        coin = world.tick()
        assert is_near(coin, world.price())
        assert marks(coin) == ""
    assert_recovers(world)


def assert_recovers(world: World) -> None:
    """Two intervals after all faults and pauses have ended, a true price shows; two later the best source's."""
    world.misbehave({})
    let_pass(LONGER_THAN_ANY_PAUSE)
    coin = world.tick(2)
    assert is_near(coin, world.price())
    assert marks(coin) == ""
    assert world.tick(2)["source"] == "coingecko"


def test_frozen_source_is_out_while_the_others_move(world: World) -> None:
    world.tick(3)
    world.misbehave({"coingecko": "frozen"})
    for _ in range(4):
        world.move("0.99")
        coin = world.tick(2)
        assert abs(Decimal(coin["price"]) / world.price() - 1) < Decimal("0.021")
    assert (coin["source"], marks(coin)) == ("binance", "")
    world.misbehave({})
    assert world.tick(2)["source"] == "coingecko"


def test_lone_source_a_spike_never_shows(world: World, settings: Settings) -> None:
    settings.RATES_SOURCES = ["kraken"]
    good = world.tick(2)["price"]
    world.misbehave({"kraken": "spike"})
    assert world.tick()["price"] == good
    coin = world.tick()
    assert (coin["price"], marks(coin)) == (good, "")


def test_crash_that_two_sources_see_shows_at_once(world: World) -> None:
    world.tick(2)
    world.move("0.6")
    coin = world.tick()
    assert (coin["price"], marks(coin)) == (f"{world.price():f}", "")


def test_usdt_that_is_worth_less_makes_binance_no_worse(world: World, settings: Settings) -> None:
    """Binance's prices rise when the USDT falls; measured by two others, they still agree."""
    settings.RATES_SOURCES = ["binance", "coingecko", "kraken"]
    world.tick(3)
    for name, stand_in in world.stand_ins.items():
        stand_in.prices["USDT"] = Decimal("0.95")
        if name == "binance":
            stand_in.prices["BTC"] = (world.price() / Decimal("0.95")).quantize(Decimal("0.01"))
    coin = world.tick(8)
    assert (coin["source"], marks(coin)) == ("binance", "")
    assert abs(Decimal(coin["price"]) / world.price() - 1) < Decimal("0.0001")


def test_dead_source_is_replaced_and_takes_its_coins_back(world: World) -> None:
    """Two intervals after its prices have gone stale; two of its readings after it came back."""
    world.tick(3)
    world.misbehave({"coingecko": "500"})
    assert world.tick(3 + 2)["source"] == "binance"
    world.misbehave({})
    let_pass(30)
    assert world.tick(2)["source"] == "coingecko"
