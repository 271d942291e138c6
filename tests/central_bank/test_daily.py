"""The European Central Bank's file: read from a server, kept, asked for twice a day, and not believed for long."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings

from rates import store
from rates.central_bank import daily, file
from rates.currencies import CENTRAL_BANK
from rates.sources import pacing
from tests.stand_ins.ecb import CentralBank

# A Monday.
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def worths(now: datetime) -> dict[str, Decimal]:
    return {rate.symbol: rate.price for rate in daily.read_rates(store.load_tick(calls=False).bank_file, now)}


def test_a_euro_in_all_currencies_becomes_the_base_in_each(central_bank: CentralBank) -> None:
    central_bank.day = NOON.date()
    daily.refresh(NOON)
    found = worths(NOON + timedelta(hours=4))
    assert found.keys() == {"USD/EUR", "USD/GBP", "USD/JPY", "USD/CHF", "USD/CAD", "USD/AUD"}
    for pair, worth in found.items():
        true = central_bank.currencies[pair.removeprefix("USD/")]
        assert abs(worth / true - 1) < Decimal("0.0001"), pair


def test_a_base_that_the_bank_does_not_know_has_no_rates(central_bank: CentralBank, settings: Settings) -> None:
    settings.QUOTE_CURRENCY = "kwd"
    daily.refresh(NOON)
    assert worths(NOON) == {}


def test_the_euro_may_be_the_base(central_bank: CentralBank, settings: Settings) -> None:
    settings.QUOTE_CURRENCY = "eur"
    central_bank.day = NOON.date()
    daily.refresh(NOON)
    assert worths(NOON)["EUR/USD"] == Decimal("1.0854")


def test_the_file_is_asked_for_twice_a_day(central_bank: CentralBank) -> None:
    asked = []
    for minutes in range(0, 2 * 1440, 10):
        before = central_bank.calls
        daily.refresh(NOON + timedelta(minutes=minutes))
        if central_bank.calls > before:
            asked.append(NOON + timedelta(minutes=minutes))
    assert [f"{moment:%d %H:%M}" for moment in asked] == ["30 12:00", "30 15:30", "30 17:30", "01 15:30", "01 17:30"]


def test_a_file_is_kept_for_six_days(central_bank: CentralBank) -> None:
    """On a Tuesday after Easter the newest one is five days old."""
    central_bank.day = date(2026, 4, 2)
    daily.refresh(NOON)
    fixed = datetime(2026, 4, 2, 13, 15, tzinfo=UTC)
    assert worths(fixed + timedelta(days=6))
    assert not worths(fixed + timedelta(days=6, seconds=1))


FAULTS = {
    "403": "blocked for this address", "404": "check ECB_RATES_URL", "429": "asked too often", "500": "out of order",
    "503": "out of order", "html": "cannot be read", "truncated": "cannot be read", "doctype": "cannot be read",
    "big": "more than 100000 bytes", "no_rates": "without rates", "bad_number": "without rates",
}  # fmt: skip


@pytest.mark.parametrize(("fault", "words"), FAULTS.items(), ids=FAULTS)
def test_a_failure_is_a_pause_with_its_reason_and_the_last_file_stays(
    central_bank: CentralBank, fault: str, words: str
) -> None:
    central_bank.day = NOON.date()
    daily.refresh(NOON)
    known, central_bank.fault = worths(NOON), fault
    later = NOON + timedelta(hours=4)
    daily.refresh(later)
    assert worths(later) == known
    health = pacing.read_health(store.load_healths(), CENTRAL_BANK)
    assert words in health.error
    asked = central_bank.calls
    daily.refresh(later + timedelta(seconds=30))
    assert central_bank.calls == asked
    central_bank.fault = ""
    daily.refresh(later + timedelta(hours=2))
    assert pacing.read_health(store.load_healths(), CENTRAL_BANK).answers


def test_either_kind_of_quotes_is_read(central_bank: CentralBank) -> None:
    central_bank.fault = "double_quotes"
    central_bank.day = NOON.date()
    daily.refresh(NOON)
    assert worths(NOON)


def test_of_several_days_the_newest_counts() -> None:
    day = "<Cube time='2026-09-0{0}'><Cube currency='USD' rate='1.{0}'/></Cube>"
    head = "<E xmlns='http://www.ecb.int/vocabulary/2002-08-01/eurofxref'><Cube>"
    kept = json.loads(file.parse_file(f"{head}{day.format(4)}{day.format(3)}</Cube></E>".encode()))
    assert kept == {"day": "2026-09-04T13:15:00+00:00", "rates": {"usd": "1.4"}}


@pytest.mark.parametrize("off", [{"ECB_RATES_URL": ""}, {"RATES_SOURCES": ["simulated"]}, {"RATES_CURRENCIES": []}])
def test_nobody_is_asked_where_it_is_not_used(
    central_bank: CentralBank, settings: Settings, off: dict[str, object]
) -> None:
    for name, value in off.items():
        setattr(settings, name, value)
    daily.refresh(NOON)
    assert central_bank.calls == 0
