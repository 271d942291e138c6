"""All gaps, filled one after the other beside the live prices, and what staff are told of it."""

import re
import time

import pytest
from pytest_django import Settings

from rates import store
from rates.backfill.gap_filler import GapFiller
from rates.history import archive
from rates.history.archive import SOURCE_NAMES
from rates.history.candles import DAY, HOUR, MINUTE, Candle, floor_time
from rates.history.series import Instrument, get_series
from rates.models import Backfill, Coin
from tests.backfill.past import BTC, PATIENCE, Vendors, command, let_wait
from tests.coins import pairs
from tests.history.test_archive import read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vendors")]


def test_all_gaps_are_filled_and_the_admin_is_told(vendors: Vendors) -> None:
    work_through(GapFiller(sleep=let_wait))
    progress = store.load_backfill()
    assert progress is not None
    assert progress["done"] == 3 * 2
    # BTC, USDT/USD and six currencies, of which nobody has recorded a price here.
    assert progress["gaps"] == 3 * (2 + 6)
    assert progress["stored"] > 3000


def work_through(filler: GapFiller) -> None:
    """Let *filler* work as long as waiting for vendors helps."""
    for _ in range(8):
        filler.work(PATIENCE)
        let_wait(15)
        filler._coins_due = filler._resume_at = float("-inf")


def test_it_goes_on_after_a_kill_where_it_was(vendors: Vendors) -> None:
    class Killed(Exception):
        pass

    def kill(_seconds: float) -> None:
        raise Killed

    filler = GapFiller(sleep=kill)
    with pytest.raises(Killed):
        filler.work(PATIENCE)
    done = Backfill.objects.count()
    assert done
    work_through(GapFiller(sleep=let_wait))
    rows = list(Backfill.objects.values_list("series", "source", "start"))
    assert len(rows) == len(set(rows)) > done
    # A minute may have ended meanwhile.
    assert len(read(MINUTE)) >= 24 * 60 - 1


@pytest.mark.parametrize(("listed", "missing"), [(300, ["1d"]), (400, [])])
def test_what_is_missing_is_reported_but_no_day_from_before_the_last_year(
    listed: int, missing: list[str], vendors: Vendors
) -> None:
    for vendor in vendors.values():
        vendor.history.listed = listed
    work_through(GapFiller(sleep=let_wait))
    progress = store.load_backfill()
    assert progress["done"] == 3 * 2
    assert [gap["interval"] for gap in progress["missing"] if gap["symbol"] == "BTC"] == missing


def test_the_past_waits_for_what_a_usdt_was_worth(vendors: Vendors, settings: Settings) -> None:
    """CoinGecko, who may be asked every 15 seconds, is the only one to know that."""
    settings.RATES_SOURCES, settings.RATES_CURRENCIES = ["coingecko", "binance"], []
    work_through(GapFiller(sleep=let_wait))
    progress = store.load_backfill()
    assert progress["done"] == progress["gaps"] == 3 * 2
    for interval in (MINUTE, HOUR):
        assert not any(c.disputed for c in read(interval) if c.source == "binance"), interval
    # Those of days before CoinGecko's are the only ones that nobody can convert.
    days = read(DAY)
    assert 30 < sum(c.disputed for c in days) < 40
    assert not any(c.disputed for c in days[40:])


def test_scarce_credits_leave_the_past_disputed_only_until_they_have_told_what_a_usdt_was_worth(
    vendors: Vendors, settings: Settings
) -> None:
    """Of 10,000 credits a month the backfill gets a tenth, so CoinGecko is asked every 45 minutes."""
    settings.RATES_SOURCES, settings.RATES_CURRENCIES = ["coingecko", "binance"], []
    settings.COINGECKO_MONTHLY_CREDITS = 10_000
    filler = GapFiller(sleep=let_wait)
    for _ in range(3):
        work_through(filler)
        let_wait(DAY)
        let_search(filler)
    assert not any(c.disputed for interval in (MINUTE, HOUR) for c in read(interval))
    assert sum(c.disputed for c in read(DAY)) < 40, "CoinGecko tells what a USDT was worth on 364 days"


def test_what_a_usdt_was_worth_is_fetched_before_coins_that_need_the_same_vendor(
    vendors: Vendors, settings: Settings
) -> None:
    settings.RATES_SOURCES, settings.RATES_CURRENCIES = ["coingecko", "binance"], []
    Coin.objects.create(symbol="ETH", name="Ethereum", coingecko_id="ethereum", position=2)
    minute = floor_time(time.time(), MINUTE) - MINUTE
    price = Candle(minute, *4 * [vendors["coingecko"].prices["ETH"]], 12, "coingecko", False)
    archive.write_candles(MINUTE, {Instrument("ethereum", "usd"): [price]})
    work_through(GapFiller(sleep=let_wait))
    order = Backfill.objects.filter(source=archive.SOURCE_NUMBERS["coingecko"]).order_by("asked_at")
    assert [*order.values_list("series__base", flat=True)][:4] == [*3 * ["USDT"], "ethereum"]


def test_what_has_no_price_keeps_no_new_gap_from_being_found(vendors: Vendors, settings: Settings) -> None:
    settings.RATES_CURRENCIES = ["eur"]
    settings.RATES_SOURCES = ["binance"]
    Coin.objects.all().delete()
    filler = GapFiller(sleep=let_wait)
    filler.work(PATIENCE)
    assert store.load_backfill()["gaps"] == 3 * (1 + 1)
    Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin", **pairs("BTC"))
    let_search(filler)
    filler.work(PATIENCE)
    assert store.load_backfill()["gaps"] == 3 * (2 + 1)
    assert read(MINUTE)[0].source == "binance"


def test_what_a_fast_clock_took_for_answered_is_asked_for_again(vendors: Vendors) -> None:
    series = get_series([BTC], MINUTE)[BTC].pk
    for number in SOURCE_NAMES:
        Backfill.objects.create(series_id=series, source=number, start=time.time() - DAY, end=time.time() + HOUR)
    work_through(GapFiller(sleep=let_wait))
    # One fewer where the minute ends meanwhile.
    assert len(read(MINUTE)) >= 24 * 60 - 1


def test_staff_are_told_which_vendor_refused_what(vendors: Vendors, settings: Settings) -> None:
    settings.RATES_SOURCES = ["binance", "kraken"]
    vendors["binance"].history.fault, vendors["kraken"].history.fault = "unit", "no_pair"
    said = command("BTC")
    assert re.search(r"\n  binance, from \d{4}-\d\d-\d\d( \d\d:\d\d)?: 1 candles refused: they disagree", said)
    assert re.search(r"\n  kraken, from \d{4}-\d\d-\d\d( \d\d:\d\d)?: has no pair", said)


def test_a_new_coin_does_not_wait_for_the_next_search(vendors: Vendors) -> None:
    filler = GapFiller(sleep=let_wait)
    work_through(filler)
    gaps = store.load_backfill()["gaps"]
    Coin.objects.create(symbol="ETH", name="Ethereum", coingecko_id="ethereum", **pairs("ETH"))
    work_through(filler)
    assert store.load_backfill()["gaps"] == gaps + 3


def let_search(filler: GapFiller) -> None:
    """Let the pause of *filler* and its interval between two searches be over."""
    filler._resume_at = filler._search_due = float("-inf")


def test_nothing_is_fetched_while_prices_are_old_or_when_it_is_off(vendors: Vendors, settings: Settings) -> None:
    settings.RATES_BACKFILL = False
    GapFiller().work(1)
    settings.RATES_BACKFILL = True
    store.client().delete("rates:board")
    GapFiller().work(1)
    assert not any(vendor.history.asked for vendor in vendors.values())
