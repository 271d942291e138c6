"""The past of what currencies and a USDT are worth: by Kraken's pairs, either way round, and the bank's table."""

import time
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

import pytest
from pytest_django import Settings

from rates import store
from rates.backfill.gap_filler import GapFiller
from rates.backfill.requests import TETHER, Gap, list_currencies
from rates.history import archive
from rates.history.candles import DAY, HOUR, MINUTE, Candle, floor_time
from rates.history.reading import read_history
from rates.history.series import Instrument
from rates.models import Backfill
from rates.vendor_history import ecb
from tests.backfill.past import BTC, PATIENCE, Vendors, asked, coin, command, fill_all, let_wait
from tests.history.test_archive import read
from tests.stand_ins.ecb import CentralBank

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def bank(vendors: Vendors, central_bank: CentralBank, settings: Settings) -> Iterator[CentralBank]:
    """The central bank well; every currency has been published in the last minutes that are over."""
    ecb._download.cache_clear()
    settings.RATES_CURRENCIES = ["usd", "eur", "jpy", "pln", "btc"]
    minute = floor_time(time.time(), MINUTE)
    for code in ("EUR", "JPY", "PLN"):
        worth = vendors["kraken"].currencies[code]
        known = [Candle(minute - n * MINUTE, *4 * [worth], 12, "kraken", False) for n in range(4, 0, -1)]
        archive.write_candles(MINUTE, {series(code): known})
    return central_bank


def series(code: str) -> Instrument:
    return Instrument("USD", code.lower())


def gap(code: str, interval: int) -> Gap:
    return Gap(next(each for each in list_currencies() if each.name == code), interval)


def test_each_currency_that_is_no_coin_has_a_past() -> None:
    assert [each.symbol for each in list_currencies()] == ["USD/EUR", "USD/JPY", "USD/PLN"]


@pytest.mark.parametrize("code", ["EUR", "JPY"])
def test_kraken_tells_hours_whichever_way_round_its_pair_is(code: str, bank: CentralBank) -> None:
    steps = fill_all(gap(code, HOUR))
    assert asked(steps) == ["kraken"]
    found = read(HOUR, series(code))
    assert len(found) >= 715
    assert {b.time - a.time for a, b in pairwise(found)} == {HOUR}
    for each in (found[0], found[-1]):
        assert abs(each.open / bank.history.worth(code, each.time) - 1) < Decimal("0.0001")
        assert abs(each.close / bank.history.worth(code, each.time + HOUR) - 1) < Decimal("0.0001")
        assert each.low <= min(each.open, each.close) <= max(each.open, each.close) <= each.high
        assert (each.source, each.updates) == ("kraken", 0)


def test_days_come_from_kraken_and_older_ones_from_the_bank(bank: CentralBank) -> None:
    steps = fill_all(gap("EUR", DAY))
    assert asked(steps) == ["kraken", "ecb"]
    found = read(DAY, series("EUR"))
    by_source = {name: [c.time for c in found if c.source == name] for name in ("kraken", "ecb")}
    assert len(by_source["kraken"]) >= 395
    assert len(by_source["ecb"]) > 300
    # A gap is a gap: the bank says nothing at weekends.
    assert all(time.gmtime(at).tm_wday < 5 for at in by_source["ecb"])
    assert max(by_source["ecb"]) < min(by_source["kraken"])
    assert all(abs(b.close / a.close - 1) < Decimal("0.03") for a, b in pairwise(found))
    assert fill_all(gap("EUR", DAY)) == []


def test_what_kraken_does_not_trade_comes_from_the_bank_in_days_alone(bank: CentralBank) -> None:
    assert asked(fill_all(gap("PLN", HOUR))) == []
    assert asked(fill_all(gap("PLN", DAY))) == ["ecb"]
    assert {c.source for c in read(DAY, series("PLN"))} == {"ecb"}


def test_a_chart_of_a_year_in_another_currency_has_a_past() -> None:
    for each in (gap("EUR", DAY), Gap(coin(), DAY)):
        fill_all(each)
    days = read_history(BTC, DAY, 366, currency="eur").candles
    assert len(days) >= 364
    assert {c.source for c in days if not c.updates} == {"binance"}


def test_a_past_that_disagrees_with_what_is_known_is_not_taken(
    bank: CentralBank,
    vendors: Vendors,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Further than sources of a currency may be apart, nearer than those of a coin.
    vendors["kraken"].currencies["JPY"] *= Decimal("1.015")
    bank.currencies["JPY"] *= Decimal("0.9")
    fill_all(gap("JPY", MINUTE))
    fill_all(gap("JPY", DAY))
    assert [c.updates for c in read(MINUTE, series("JPY"))] == 4 * [12]
    assert read(DAY, series("JPY")) == []
    assert "candles refused" in caplog.text
    assert {row.candles for row in Backfill.objects.all()} == {0}


def test_kraken_tells_what_a_usdt_was_worth() -> None:
    assert asked(fill_all(Gap(TETHER, HOUR)))[0] == "kraken"
    assert {c.source for c in read(HOUR, Instrument("USDT", "usd"))} == {"kraken", "coingecko"}


def test_weekends_are_not_reported_as_missing(settings: Settings) -> None:
    settings.RATES_CURRENCIES = ["pln"]
    GapFiller(sleep=let_wait).work(PATIENCE)
    progress = store.load_backfill()
    assert progress is not None
    days = [gap for gap in progress["missing"] if (gap["symbol"], gap["interval"]) == ("USD/PLN", "1d")]
    assert days == []
    assert len(read(DAY, Instrument("USD", "pln"))) > 250


def test_without_a_bank_there_is_none(settings: Settings) -> None:
    settings.ECB_RATES_URL = ""
    assert asked(fill_all(gap("EUR", DAY))) == ["kraken"]


def test_staff_fetch_a_currency_by_hand(settings: Settings) -> None:
    settings.RATES_SOURCES = ["binance"]
    said = command("usd/pln")
    assert "USD/PLN 1d: " in said
    assert "ecb" in said
