"""
How the service behaves when others misbehave: every fault of every source, alone and in pairs.

Real stand-ins are asked, the board is revised, and the clock is moved on by an interval, so that no test waits. The
market rises all the while. What must hold at every tick, whatever happens:

- a price is right (within the agreement band of a true price of now), or it is marked as stale or disputed;
- while one source is well, the price is there, and not stale;
- two ticks after the end of the faults it is right, and unmarked.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations

import pytest
from msgspec.structs import replace

from rates.exceptions import SourceError
from rates.judgement import next_board
from rates.models import Coin
from rates.sources import binance as binance_source
from rates.sources import coingecko as coingecko_source
from rates.sources import kraken as kraken_source
from rates.store import Memory
from tests.coins import pairs
from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko
from tests.stand_ins.kraken import Kraken
from tests.stand_ins.market import StandIn
from tests.world import UNANSWERED

SOURCES = {"coingecko": coingecko_source, "binance": binance_source, "kraken": kraken_source}
COINS = [
    Coin(symbol="BTC", coingecko_id="bitcoin", **pairs("BTC"), name="Bitcoin"),
    Coin(symbol="XLM", coingecko_id="stellar", **pairs("XLM"), name="Stellar"),
]
# A source that lies about USDT too, in step with its coins, cannot be told from a crash; "depeg" lies about USDT alone.
FOLLOWED = ("BTC", "XLM")
INTERVAL = timedelta(seconds=5)
# Seconds that a source has to answer: one that answers, and one that does not, which is waited for in vain.
PATIENCE, TIMEOUT = 30.0, 0.25
RISE = Decimal("1.006")
BAND = Decimal("0.02")
FAULT_TICKS = 4
# Wrong values, wrong times, wrong answers, no answers. "hang" stands for all that end with the deadline.
VALUES = ["null", "string", "negative", "zero", "nan", "infinite", "endless", "huge", "missing"]
LIES = ["tenfold", "spike", "minus_5", "minus_3", "frozen", "stale_time", "clock_back", "depeg"]
SILENCES = ["hang", "reset", "429", "401", "403", "451", "500", "502", "redirect", "truncated", "big"]
WEB_ONLY = ["error_body", "429_as_200", "empty", "empty_object", "html", "slow", "slow_head", "wrong_plan"]
PAIRED = ["tenfold", "minus_5", "frozen", "clock_back", "null", "500", "depeg"]


@dataclass
class Service:
    """The engine between the sources and the board, with a clock that is moved by hand."""

    stand_ins: dict[str, StandIn]
    memory: Memory = field(default_factory=lambda: Memory(None, {}))
    offset: timedelta = timedelta(0)
    rows: list[dict] = field(default_factory=list)

    def tick(self) -> None:
        for stand_in in self.stand_ins.values():
            for symbol in FOLLOWED:
                stand_in.prices[symbol] *= RISE
        rates = [replace(rate, **self._shift(rate)) for name in self.stand_ins for rate in self._ask(name)]
        change = next_board.revise(self.memory, COINS, rates, datetime.now(UTC) + self.offset)
        self.memory = Memory(None, change.states)
        self.rows = [json.loads(fragment.json) for fragment in change.fragments.values()]
        self.offset += INTERVAL

    def _ask(self, name: str) -> Sequence:
        with suppress(SourceError):
            timeout = TIMEOUT if self.stand_ins[name].fault in UNANSWERED else PATIENCE
            return SOURCES[name].fetch_rates(COINS, timeout)
        return []

    def _shift(self, rate) -> dict[str, datetime]:
        return {name: getattr(rate, name) + self.offset for name in ("observed_at", "received_at")}

    def is_right(self, row: dict) -> bool:
        truths = [stand_in.prices[row["symbol"]] for stand_in in self.stand_ins.values()]
        return row["price"] and any(abs(Decimal(row["price"]) / truth - 1) <= BAND for truth in truths)

    def check(self, one_is_well: bool) -> None:
        for row in self.rows:
            assert self.is_right(row) or row["stale"] or row["disputed"], row
            if one_is_well:
                assert row["price"] is not None
                assert not row["stale"], row


@pytest.fixture
def service(coingecko: CoinGecko, binance: Binance, kraken: Kraken) -> Iterator[Service]:
    stand_ins = {"coingecko": coingecko, "binance": binance, "kraken": kraken}
    for place, stand_in in enumerate(stand_ins.values()):
        stand_in.prices = {
            symbol: price if symbol == "USDT" else price * (1 + Decimal(place) / 1000)
            for symbol, price in stand_in.prices.items()
        }
        stand_in.prices["USDT"] = Decimal("1.000")
    return Service(stand_ins)


def walk(service: Service, faults: dict[str, str]) -> None:
    """Three good ticks, some with *faults*, and three good ones again."""
    for _ in range(3):
        service.tick()
    service.check(one_is_well=True)
    for name, fault in faults.items():
        service.stand_ins[name].fault = fault
        service.stand_ins[name].faulty = frozenset() if fault == "depeg" else frozenset(FOLLOWED)
    for _ in range(FAULT_TICKS if "hang" not in faults.values() else 2):
        service.tick()
        service.check(one_is_well=len(faults) < len(service.stand_ins))
    for stand_in in service.stand_ins.values():
        stand_in.fault = ""
    for _ in range(3):
        service.tick()
    for row in service.rows:
        assert service.is_right(row)
        assert not row["stale"], row
        assert not row["disputed"], row


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("fault", VALUES + LIES + SILENCES)
def test_one_source_misbehaves(service: Service, name: str, fault: str) -> None:
    walk(service, {name: fault})


@pytest.mark.parametrize("fault", WEB_ONLY)
def test_coingecko_misbehaves_as_only_the_web_can(service: Service, fault: str) -> None:
    walk(service, {"coingecko": fault})


@pytest.mark.parametrize("names", list(combinations(SOURCES, 2)), ids="+".join)
@pytest.mark.parametrize("first", PAIRED)
@pytest.mark.parametrize("second", PAIRED)
def test_two_sources_misbehave(service: Service, names: tuple[str, str], first: str, second: str) -> None:
    walk(service, dict(zip(names, (first, second), strict=True)))


@pytest.mark.parametrize("fault", ["500", "null", "clock_back", "stale_time"])
def test_all_sources_misbehave(service: Service, fault: str) -> None:
    walk(service, dict.fromkeys(SOURCES, fault))


@pytest.mark.parametrize("fault", ["tenfold", "spike"])
def test_a_lone_source_lies(service: Service, fault: str) -> None:
    """Nobody contradicts it, so a big lie is held; a small one cannot be known."""
    for name in ("binance", "kraken"):
        service.stand_ins[name].fault = "500"
    for _ in range(4):
        service.tick()
    service.stand_ins["coingecko"].fault = fault
    for _ in range(2):
        service.tick()
        service.check(one_is_well=False)
