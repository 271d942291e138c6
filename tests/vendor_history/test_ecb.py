"""The central bank's table of all days, well and wrongly."""

import io
import time
import zipfile
from decimal import Decimal

import pytest
from pytest_django import Settings

from rates.exceptions import NotOffered, SourceError, SourceGarbled, SourceLimited, SourceRefused, SourceUnreachable
from rates.models import Coin
from rates.types import USDT_PAIR
from rates.vendor_history import ecb
from tests.stand_ins.ecb import CentralBank

DAY = 86400
TABLE = """Date,USD,JPY,CYP,
2026-11-27,1.1624,176.21,N/A,
2026-11-26,1.1600,N/A,N/A,
2026-11-25,,170,N/A,
soon,1.1,170,N/A,
2026-11-24
"""


def fetch(pair: str = "USD/EUR", days: int = 60) -> ecb.HistoryAnswer:
    today = int(time.time() // DAY) * DAY
    return ecb.fetch_candles(pair, DAY, today - days * DAY, today + DAY, 5)


@pytest.fixture(autouse=True)
def forgetful() -> None:
    ecb._download.cache_clear()


@pytest.mark.parametrize("code", ["EUR", "JPY", "PLN"])
def test_every_working_day_has_a_candle_of_one_price(central_bank: CentralBank, code: str) -> None:
    found = fetch(f"USD/{code}").candles
    assert 60 * 5 // 7 - 3 <= len(found) <= 60 * 5 // 7 + 3
    assert all(c.time % DAY == 0 and c.open == c.high == c.low == c.close for c in found)
    assert all(time.gmtime(c.time).tm_wday < 5 and c.time + DAY <= time.time() for c in found)
    true = central_bank.history.worth(code, found[-1].time)
    assert abs(found[-1].close / true - 1) < Decimal("0.001")


def test_one_file_answers_for_all_currencies(central_bank: CentralBank) -> None:
    for code in ("EUR", "JPY", "PLN"):
        fetch(f"USD/{code}")
    assert len(central_bank.history.asked) == 1


def test_another_base_is_told_too(central_bank: CentralBank, settings: Settings) -> None:
    settings.QUOTE_CURRENCY = "eur"
    found = fetch("EUR/USD").candles[-1]
    assert abs(found.close * central_bank.history.worth("EUR", found.time) - 1) < Decimal("0.001")


def test_days_and_numbers_that_cannot_be_read_are_left_out() -> None:
    assert ecb.parse_table(TABLE, "usd", "jpy") == [(1795737600, Decimal("151.5915"))]
    assert [day for day, _ in ecb.parse_table(TABLE, "usd", "eur")] == [1795737600, 1795651200]
    assert ecb.parse_table(TABLE, "usd", "cyp") == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [("429", SourceLimited), ("403", SourceRefused), ("500", SourceUnreachable), ("html", SourceGarbled),
     ("truncated", SourceGarbled)],
)  # fmt: skip
def test_every_failure_is_named(central_bank: CentralBank, fault: str, error: type[SourceError]) -> None:
    central_bank.fault = fault
    with pytest.raises(error):
        fetch()


def test_a_currency_that_the_bank_does_not_know_is_none_of_its(central_bank: CentralBank) -> None:
    with pytest.raises(NotOffered, match="does not know kwd"):
        fetch("USD/KWD")


def test_a_table_that_would_fill_the_memory_is_refused() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("eurofxref-hist.csv", b"0" * (ecb.LONGEST_TABLE + 1))
    with pytest.raises(SourceGarbled, match="more than"):
        ecb._unpack(bomb.getvalue())


def test_only_currencies_are_asked_for_and_only_at_the_banks_own_address(settings: Settings) -> None:
    settings.ECB_RATES_URL = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml"
    named = [ecb.find_name(Coin(symbol=symbol)) for symbol in ("USD/EUR", "BTC", USDT_PAIR)]
    assert named == ["USD/EUR", None, None]
    settings.ECB_RATES_URL = "https://rates.example.com/today.xml"
    assert ecb.find_name(Coin(symbol="USD/EUR")) is None
