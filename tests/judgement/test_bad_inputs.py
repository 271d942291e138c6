"""
What the board shows when sources misbehave, as the table that `docs/trust.md` prints; through whole ticks of the feed.

`test_trust.py` has the rules that hold for all faults, alone and in pairs; `test_trust_streams.py` does it for streams.
"""

from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from pytest_django import Settings

from rates import store
from rates.exceptions import ForeignBoard
from rates.judgement.readings import EVIDENCE_AGE
from rates.models import Coin
from rates.types import USDT_PAIR
from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko
from tests.stand_ins.kraken import Kraken
from tests.stand_ins.sockets import STREAMS
from tests.world import ALL, LONGER_THAN_ANY_PAUSE, Faults, World, is_near, let_pass, marks, shown

DOCUMENT = Path(__file__).parents[2] / "docs" / "trust.md"
TRUE = Decimal("63250.12")


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


def test_a_price_that_moves_away_from_two_unchanged_ones_is_marked(world: World) -> None:
    world.tick(2)
    true = world.price()
    for factor in ("0.99", "0.98", "0.97", "0.96", "0.95"):
        world.stand_ins["kraken"].prices["BTC"] = (true * Decimal(factor)).quantize(Decimal("0.01"))
        coin = world.tick(2)
        assert is_near(coin, true) or marks(coin) == "disputed"
    world.stand_ins["kraken"].prices["BTC"] = true
    world.move("1.001")
    coin = world.tick(2)
    assert (coin["source"], is_near(coin, true), marks(coin)) == ("coingecko", True, "")


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


def test_usdt_that_one_alone_says_to_be_worth_less_marks_what_binance_alone_says(
    world: World, settings: Settings
) -> None:
    """Whether it is true cannot be known; what others confirm needs no mark."""
    settings.RATES_SOURCES = ["binance", "kraken"]
    kraken = world.stand_ins["kraken"]
    assert isinstance(kraken, Kraken)
    kraken.unknown = frozenset({"XLM"})
    world.tick(6)
    kraken.prices["USDT"] = Decimal("0.95")
    world.tick(6)
    assert (marks(shown("XLM")), marks(shown("BTC"))) == ("disputed", "")
    kraken.prices["USDT"] = Decimal("1.0001")
    world.tick(2)
    assert marks(shown("XLM")) == ""


def test_prices_in_another_currency_are_forgotten_when_the_operator_changes_it(
    world: World, settings: Settings
) -> None:
    world.tick(3)
    assert len(store.load_histories(["BTC"])["BTC"]) > 0
    world.misbehave(dict.fromkeys(ALL, "500"))
    settings.QUOTE_CURRENCY = "jpy"
    with pytest.raises(ForeignBoard, match="its quote is usd"):
        world.tick()
    settings.RATES_STALE_AFTER = 0  # as if nobody had published in the old one for long
    coin = world.tick()
    assert (coin["price"], marks(coin)) == (None, "")
    assert store.load_histories(["BTC"])["BTC"] == []
    assert store.load_states()[USDT_PAIR].shown is None


def test_dead_source_is_replaced_and_takes_its_coins_back(world: World) -> None:
    """Two intervals after its prices have gone stale; two of its readings after it came back."""
    world.tick(3)
    world.misbehave({"coingecko": "500"})
    assert world.tick(3 + 2)["source"] == "binance"
    world.misbehave({})
    let_pass(30)
    assert world.tick(2)["source"] == "coingecko"


def test_usdt_that_nobody_can_measure_any_more_marks_what_is_left(world: World) -> None:
    """It may be worth less by now."""
    world.tick(3)
    world.misbehave({"coingecko": "500", "kraken": "hang"})
    coin = world.tick(5)
    assert (coin["source"], marks(coin)) == ("binance", "")
    let_pass(EVIDENCE_AGE.total_seconds())
    coin = world.tick()
    assert (coin["source"], marks(coin)) == ("binance", "disputed")


def test_usdt_on_the_board_is_as_old_as_any_coin(world: World) -> None:
    Coin.objects.create(symbol="USDT", name="Tether", coingecko_id="tether", kraken_symbol="USDT/USD")
    world.tick(3)
    assert marks(shown("USDT")) == ""
    world.misbehave({"coingecko": "500"})
    world.tick(5)
    assert (shown("USDT")["source"], marks(shown("USDT"))) == ("kraken", "")
    world.misbehave(dict.fromkeys(world.stand_ins, "500"))
    world.tick(5)
    assert (marks(shown("USDT")), marks(shown("BTC"))) == ("stale", "stale")


def test_a_source_whose_clock_goes_back_now_and_then_does_not_take_its_coins_again_and_again(world: World) -> None:
    world.tick(3)
    owners = []
    for number in range(20):
        world.misbehave({"coingecko": "clock_back"} if number % 2 else {})
        owners.append(world.tick()["source"])
    assert sum(before != after for before, after in pairwise(owners)) <= 1
