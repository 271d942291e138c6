"""The past, fetched by hand: `manage.py backfill`."""

import re
import time

import pytest
from django.core.management import CommandError
from pytest_django import Settings

from rates.history.candles import DAY, HOUR
from tests.backfill.past import Vendors, command
from tests.history.test_archive import read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vendors")]


def test_staff_fetch_a_past_by_hand(vendors: Vendors, settings: Settings) -> None:
    settings.RATES_SOURCES = ["binance"]
    said = command("btc", "--since", time.strftime("%Y-%m-%d", time.gmtime(time.time() - 200 * DAY)))
    assert abs(len(read(HOUR)) - 200 * 24) <= 25
    assert "BTC 1h" in said
    # Minutes are kept for a week: the bar is full when those are there.
    bars = [line.count("#") for line in said.replace("\r", "\n").splitlines() if line.startswith("BTC 1m     [")]
    assert bars[-2:] == [30, 30]
    assert sorted(bars) == bars
    assert "BTC 1d: " in said
    assert "missing: nothing" in said


def test_the_progress_bar_does_not_go_back_when_the_next_vendor_is_asked(vendors: Vendors, settings: Settings) -> None:
    settings.RATES_SOURCES = ["binance", "kraken"]
    vendors["binance"].history.fault = "gap"
    lines = command("btc").replace("\r", "\n").splitlines()
    hours = [line for line in lines if line.startswith("BTC 1h     [")]
    assert {"binance", "kraken"} <= {line.split("] ")[1].split(",")[0] for line in hours}
    bars = [line.count("#") for line in hours]
    assert sorted(bars) == bars


def test_staff_are_told_of_candles_that_are_disputed_no_longer(vendors: Vendors, settings: Settings) -> None:
    settings.RATES_SOURCES = ["binance"]
    assert "disputed" not in command("BTC")
    settings.RATES_SOURCES = ["binance", "kraken"]
    said = command("BTC")
    hours = re.search(r"BTC 1h: .*\n  (\d+) candles were disputed for lack of a USDT/USD, which is known now", said)
    assert hours
    assert abs(int(hours[1]) - 90 * 24) <= 24
    assert "disputed" not in command("BTC")


def test_staff_are_told_what_is_wrong_with_the_question(vendors: Vendors, settings: Settings) -> None:
    with pytest.raises(CommandError, match="not on the coin list: NONE; it has BTC"):
        command("NONE")
    with pytest.raises(CommandError, match="'soon' is not a day such as 2024-01-01"):
        command("BTC", "--since", "soon")
    settings.RATES_SOURCES = ["simulated"]
    with pytest.raises(CommandError, match="neither RATES_SOURCES nor RATES_STREAM"):
        command("BTC")
