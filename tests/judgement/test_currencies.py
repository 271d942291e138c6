"""
What other currencies are worth: true while all is well, and marked when it is not, whoever errs.

Three vendors measure it, besides the board: CoinGecko, Kraken and the central bank. All are real servers here.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pytest_django import Settings

from rates import feed, store
from rates.central_bank import daily
from rates.currencies import in_currency
from rates.judgement.next_board import rules_of
from rates.judgement.rules import read_rules
from rates.models import Coin
from rates.types import Currency
from tests.coins import pairs
from tests.stand_ins.ecb import CentralBank
from tests.world import World, let_pass, marks

DOCUMENT = Path(__file__).parents[2] / "docs" / "trust.md"
FIAT = ("eur", "gbp", "jpy", "chf", "cad", "aud")
HOUR, DAY = 3600, 86400


@pytest.fixture
def bank(world: World, central_bank: CentralBank) -> CentralBank:
    """The central bank, whose file of yesterday is known."""
    central_bank.day = (datetime.now(UTC) - timedelta(days=1)).date()
    daily.refresh(datetime.now(UTC))
    return central_bank


def currencies() -> dict[str, Currency]:
    snapshot = store.load_snapshot()
    assert snapshot is not None
    return dict(snapshot.currencies)


def worth(code: str) -> Currency:
    return currencies()[code]


def price_in_euros(symbol: str) -> dict[str, Any]:
    snapshot = store.load_snapshot()
    assert snapshot is not None
    coin: dict[str, Any] = json.loads(in_currency(snapshot, "eur").fragments[symbol].json)
    return coin


def off(code: str, world: World) -> Decimal:
    """Return how far *code* is from what it is truly worth, as a ratio."""
    true = world.stand_ins["kraken"].currencies[code.upper()]
    return abs(Decimal(worth(code).per_base) / true - 1)


def silence(world: World, bank: CentralBank) -> None:
    world.misbehave(dict.fromkeys(world.stand_ins, "reset"))
    bank.fault = "500"


@pytest.mark.parametrize("sources", [["coingecko"], ["kraken"], ["coingecko", "binance", "kraken"]], ids=",".join)
def test_every_measurer_alone_tells_the_truth(world: World, settings: Settings, sources: list[str]) -> None:
    settings.RATES_SOURCES = sources
    world.tick(4)
    for code in FIAT:
        assert off(code, world) < Decimal("0.0001"), code
        assert not worth(code).stale
        assert not worth(code).disputed


def test_the_central_bank_alone_tells_the_truth(world: World, bank: CentralBank) -> None:
    silence(world, bank)
    world.tick(4)
    assert {code: worth(code).source for code in FIAT} == dict.fromkeys(FIAT, "ecb")
    assert all(off(code, world) < Decimal("0.0001") and not worth(code).stale for code in FIAT)


def test_all_confirm_each_other(world: World, bank: CentralBank) -> None:
    world.tick(2)
    assert worth("eur").source == "coingecko"
    assert set(worth("eur").confirmed_by) == {"kraken", "ecb"}


def test_a_truth_that_moves_is_followed(world: World, bank: CentralBank) -> None:
    world.tick(3)
    for _ in range(5):
        for vendor in world.stand_ins.values():
            vendor.currencies["EUR"] *= Decimal("1.003")
        world.tick()
        assert off("eur", world) < Decimal("0.002")
        assert not worth("eur").disputed


@pytest.mark.parametrize(
    ("wrong", "down"),
    [("coingecko", ""), ("kraken", ""), ("ecb", ""), ("coingecko", "kraken"), ("kraken", "ecb"), ("ecb", "kraken")],
)
def test_one_measurer_off_never_moves_a_price_unmarked(world: World, bank: CentralBank, wrong: str, down: str) -> None:
    world.tick(3)
    if down == "ecb":
        store.client().delete("rates:file:ecb")
        let_pass(HOUR + 1)
        world.tick(3)
    world.misbehave({down: "reset", wrong: "minus_5"}, "EUR")
    if wrong == "ecb":
        bank.fault, bank.faulty = "minus_5", frozenset({"EUR"})
        daily.refresh(datetime.now(UTC) + timedelta(days=1))
    for _ in range(5):
        world.tick()
        assert off("eur", world) < Decimal("0.002") or worth("eur").disputed or worth("eur").stale
    assert off("gbp", world) < Decimal("0.002")
    assert not worth("gbp").disputed
    world.misbehave({})
    world.tick(3)
    assert off("eur", world) < Decimal("0.002")


class Case(NamedTuple):
    """
    What happens to EUR, and what shows of it.

    Attributes:
        faults: measurer -> fault; the bank's file may be too `old`.
        value: the one that shows, as a multiple of the true one; None for the last good one.
        seconds: how long those that are down have been when the others begin to err.
        ticks: how long these do.
    """

    faults: Mapping[str, str]
    value: str | None
    source: str
    marks: str = ""
    seconds: float = 0
    ticks: int = 3


CASES = {
    "nothing wrong": Case({}, "1", "coingecko"),
    "CoinGecko 5 % too low": Case({"coingecko": "minus_5"}, "1", "kraken"),
    "Kraken 5 % too low": Case({"kraken": "minus_5"}, "1", "coingecko"),
    "the bank 5 % too low": Case({"ecb": "minus_5"}, "1", "coingecko"),
    "CoinGecko 5 % too low, Kraken down": Case(
        {"coingecko": "minus_5", "kraken": "reset"}, "1", "ecb", "disputed", HOUR
    ),
    "Kraken 5 % too low, CoinGecko down": Case(
        {"kraken": "minus_5", "coingecko": "reset"}, "1", "ecb", "disputed", HOUR
    ),
    "the bank 5 % too low, Kraken down": Case(
        {"ecb": "minus_5", "kraken": "reset"}, "1", "coingecko", "disputed", HOUR
    ),
    "CoinGecko and Kraken 5 % too low together": Case(
        {"coingecko": "minus_5", "kraken": "minus_5"}, "0.95", "coingecko", "disputed"
    ),
    "CoinGecko alone, 5 % too low": Case(
        {"coingecko": "minus_5", "kraken": "reset", "ecb": "old"}, None, "coingecko", "disputed", HOUR, 2
    ),
    "CoinGecko alone, 5 % too low for long": Case(
        {"coingecko": "minus_5", "kraken": "reset", "ecb": "old"}, "0.95", "coingecko", "disputed", HOUR, 5
    ),
    "CoinGecko down": Case({"coingecko": "reset"}, "1", "kraken", seconds=HOUR),
    "CoinGecko and Kraken down for a moment": Case({"coingecko": "reset", "kraken": "reset"}, None, "coingecko"),
    "CoinGecko and Kraken down for an hour": Case(
        {"coingecko": "reset", "kraken": "reset"}, None, "coingecko", "stale", seconds=HOUR
    ),
    "all down for an hour": Case(
        {"coingecko": "reset", "kraken": "reset", "ecb": "old"}, None, "coingecko", "stale", seconds=HOUR
    ),
    "all but the bank down for two days": Case({"coingecko": "reset", "kraken": "reset"}, "1", "ecb", seconds=2 * DAY),
}


def write_row(name: str, case: Case) -> str:
    """Return the line of *case* in the table of `docs/trust.md`."""
    value = {None: "the last good value", "1": "a true value"}.get(case.value, f"{case.value} times the true value")
    return f"| {name} | {value} | {case.source} | {case.marks or '–'} |"


def test_the_table_is_printed_in_the_documentation() -> None:
    text = DOCUMENT.read_text()
    assert [row for row in map(write_row, CASES, CASES.values()) if row not in text] == []


@pytest.mark.parametrize("name", CASES)
def test_eur_shows_what_the_table_says_and_so_do_prices_in_it(world: World, bank: CentralBank, name: str) -> None:
    case = CASES[name]
    world.tick(3)
    good = Decimal(worth("eur").per_base)
    if case.faults.get("ecb") == "old":
        store.client().delete("rates:file:ecb")
    world.misbehave({source: fault for source, fault in case.faults.items() if fault == "reset"}, "EUR")
    let_pass(case.seconds)
    world.tick(3)
    if case.faults.get("ecb") == "minus_5":
        bank.fault, bank.faulty = "minus_5", frozenset({"EUR"})
        daily.refresh(datetime.now(UTC) + timedelta(days=1))
    world.misbehave(case.faults, "EUR")
    world.tick(case.ticks)
    true = world.stand_ins["kraken"].currencies["EUR"]
    shown = worth("eur")
    expected = good if case.value is None else true * Decimal(case.value)
    assert abs(Decimal(shown.per_base) / expected - 1) < Decimal("0.002")
    assert (shown.source, marks(shown._asdict())) == (case.source, case.marks)
    price = price_in_euros("BTC")
    assert abs(Decimal(price["price"]) / (world.price() * expected) - 1) < Decimal("0.004")
    assert price["disputed"] >= shown.disputed
    assert price["stale"] >= shown.stale


def test_when_all_are_gone_it_is_stale_within_an_hour_and_never_dropped(world: World, bank: CentralBank) -> None:
    world.tick(3)
    known = worth("eur")
    silence(world, bank)
    let_pass(HOUR - 60)
    world.tick()
    assert (worth("eur").per_base, worth("eur").stale) == (known.per_base, False)
    let_pass(120)
    world.tick()
    assert (worth("eur").per_base, worth("eur").stale, worth("eur").source) == (known.per_base, True, known.source)


def test_a_newer_file_of_the_bank_is_shown_when_the_others_are_gone(world: World, bank: CentralBank) -> None:
    world.tick(3)
    silence(world, bank)
    let_pass(2 * 86400)
    world.tick()
    assert (worth("eur").source, worth("eur").stale) == ("ecb", False)


@pytest.mark.parametrize(
    ("symbol", "agreement", "jump"),
    [("BTC", 2, 10), ("DOGE", 2, 10), ("USD/EUR", 1, 2), ("USDT/USD", Decimal("0.5"), 1)],
)
def test_a_coin_is_not_judged_by_the_narrower_limits_of_a_currency(symbol: str, agreement: int, jump: int) -> None:
    rules = rules_of(symbol, read_rules())
    assert (rules.agreement_pct, rules.max_jump_pct) == (agreement, jump)


def test_a_bitcoin_on_the_board_is_a_currency_by_its_price(world: World, settings: Settings) -> None:
    settings.RATES_CURRENCIES = ["usd", "btc", "sats", "bits"]
    world.tick(2)
    price = world.price()
    for code, places in (("btc", 0), ("sats", 8), ("bits", 6)):
        assert abs(Decimal(worth(code).per_base) * price / Decimal(1).scaleb(places) - 1) < Decimal("0.0001")
        assert worth(code).coin == "BTC"
    assert not any("BTC" in pair for pair in store.load_states() if "/" in pair)


def test_a_bitcoin_that_is_not_on_the_board_is_measured(world: World, settings: Settings) -> None:
    settings.RATES_CURRENCIES = ["sats"]
    Coin.objects.filter(symbol="BTC").delete()
    Coin.objects.create(symbol="ETH", name="Ethereum", coingecko_id="ethereum", **pairs("ETH"))
    for _ in range(2):
        feed.run_tick()
    assert abs(Decimal(worth("sats").per_base) * world.price() / 10**8 - 1) < Decimal("0.0001")
    assert worth("sats").coin is None


def test_a_coin_that_is_marked_marks_the_currency(world: World, settings: Settings) -> None:
    settings.RATES_CURRENCIES = ["sats"]
    world.tick(2)
    world.misbehave(dict.fromkeys(world.stand_ins, "reset"))
    let_pass(60)
    world.tick()
    assert worth("sats").stale


def test_what_nobody_knows_is_left_out(world: World, settings: Settings) -> None:
    settings.RATES_CURRENCIES = ["eur", "mmk"]
    world.tick()
    assert currencies().keys() == {"eur"}


@pytest.mark.parametrize("source", ["coingecko", "kraken"])
def test_not_one_call_more_is_made_for_currencies(world: World, settings: Settings, source: str) -> None:
    settings.RATES_SOURCES = [source]
    world.tick(3)
    assert world.stand_ins[source].calls == 3


def test_a_change_of_owner_and_a_dispute_are_counted_as_those_of_coins(world: World, bank: CentralBank) -> None:
    world.tick(3)
    world.misbehave({"coingecko": "minus_5", "kraken": "reset"}, "EUR")
    let_pass(HOUR)
    world.tick(2)
    overview = store.load_overview()
    assert worth("eur").disputed
    assert overview.counters["disputes"] >= 1
    assert "USD/EUR" in {owner.symbol for owner in overview.owners}
