"""The past, fetched from three vendors that have it, and misbehave."""

import time
from decimal import Decimal
from itertools import pairwise

import pytest
from pytest_django import Settings

from rates import store
from rates.backfill.requests import TETHER, Gap, fill
from rates.history import archive, writer
from rates.history.candles import DAY, HOUR, MINUTE, STORED, Candle, floor_time
from rates.history.series import Instrument
from rates.models import Backfill, Coin
from rates.sources import pacing
from tests.backfill.past import BTC, Vendors, asked, coin, fill_all, let_wait
from tests.coins import pairs
from tests.history.test_archive import read
from tests.stand_ins.sockets import HISTORY_PAUSE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vendors")]


def test_the_last_day_comes_in_minutes(vendors: Vendors) -> None:
    steps = fill_all(Gap(coin(), MINUTE))
    assert asked(steps) == ["binance", "binance"]
    found = read(MINUTE)
    assert len(found) >= 24 * 60
    assert {b.time - a.time for a, b in pairwise(found)} == {MINUTE}
    assert {c.source for c in found if not c.updates} == {"binance"}
    # What was published stands.
    assert [c.updates for c in found if c.updates] == 4 * [12]


def test_prices_of_binance_are_converted_by_what_a_usdt_was_worth(vendors: Vendors) -> None:
    for gap in (Gap(TETHER, MINUTE), Gap(TETHER, HOUR), Gap(coin(), MINUTE)):
        fill_all(gap)
    found = read(MINUTE)[0]
    price = vendors["binance"].history.price("BTC", found.time)
    assert not found.disputed
    assert abs(found.open / (price * Decimal("1.0001")) - 1) < Decimal("1e-9")


def test_where_nobody_knows_what_a_usdt_was_worth_the_past_is_disputed(vendors: Vendors) -> None:
    fill_all(Gap(coin(), MINUTE))
    assert read(MINUTE)[0].disputed


def test_the_past_is_no_longer_disputed_once_somebody_knows_what_a_usdt_was_worth(vendors: Vendors) -> None:
    for interval in (HOUR, MINUTE):
        fill_all(Gap(coin(), interval))
    assert all(c.disputed for interval in (HOUR, MINUTE) for c in read(interval) if not c.updates)
    for interval in STORED:
        fill_all(Gap(TETHER, interval))
    before, calls = read(HOUR)[0], len(vendors["binance"].history.asked)
    for interval in (HOUR, MINUTE):
        assert fill(Gap(coin(), interval), time.time()).judged_again > 1400
        assert fill(Gap(coin(), interval), time.time()).judged_again == 0
        assert not any(c.disputed for c in read(interval))
    after = read(HOUR)[0]
    assert abs(after.close / before.close - Decimal("1.0001")) < Decimal("1e-9")
    assert after[5:] == (0, "binance", False)
    assert len(vendors["binance"].history.asked) == calls


def test_what_nobody_can_convert_stays_disputed_and_so_does_what_was_published(vendors: Vendors) -> None:
    fill_all(Gap(coin(), MINUTE))
    published = read(MINUTE)[-1]._replace(disputed=True)
    archive.write_candles(MINUTE, {BTC: [published]})
    disputed = sum(c.disputed for c in read(MINUTE))
    # Only the last minutes are known, and each for a quarter of an hour.
    known = fill(Gap(coin(), MINUTE), time.time()).judged_again
    assert known <= 15
    assert sum(c.disputed for c in read(MINUTE)) == disputed - known
    assert read(MINUTE)[-1].disputed


def test_hours_and_days_follow_and_fit(vendors: Vendors) -> None:
    for interval in (MINUTE, HOUR, DAY):
        fill_all(Gap(TETHER, interval))
    for interval in (MINUTE, HOUR, DAY):
        fill_all(Gap(coin(), interval))
    hours, days = read(HOUR), read(DAY)
    assert {b.time - a.time for a, b in pairwise(hours)} == {HOUR}
    assert abs(len(hours) - 90 * 24) <= 2
    assert {b.time - a.time for a, b in pairwise(days)} == {DAY}
    # Binance has it from its listing.
    assert abs(len(days) - 400) <= 2
    assert all(abs(a.close / b.open - 1) < Decimal("0.02") for a, b in pairwise(days))


def test_what_was_asked_for_is_not_asked_for_again(vendors: Vendors) -> None:
    fill_all(Gap(coin(), DAY))
    calls = len(vendors["binance"].history.asked)
    assert fill_all(Gap(coin(), DAY)) == []
    assert len(vendors["binance"].history.asked) == calls


def test_a_short_answer_is_followed_by_another(vendors: Vendors) -> None:
    vendors["binance"].history.fault = "short"
    step = fill(Gap(coin(), MINUTE), time.time())
    assert (asked([step]), step.stored) == (["binance"], 0)
    vendors["binance"].history.fault = ""
    steps = fill_all(Gap(coin(), MINUTE))
    assert asked(steps) == ["binance", "binance"]
    # One more than a request may have, and less of the second than a whole answer.
    assert steps[0].stored > 900
    found = read(MINUTE)
    assert {b.time - a.time for a, b in pairwise(found)} == {MINUTE}


@pytest.mark.parametrize("other", ["gap", "coin"])
def test_the_beginning_of_an_answer_is_dropped_when_something_else_is_asked_first(other: str, vendors: Vendors) -> None:
    vendors["binance"].history.fault = "short"
    fill(Gap(coin(), HOUR), time.time())
    vendors["binance"].history.fault = ""
    assert fill_all(Gap(coin(), MINUTE) if other == "gap" else Gap(TETHER, HOUR))
    fill_all(Gap(coin(), HOUR))
    assert {b.time - a.time for a, b in pairwise(read(HOUR))} == {HOUR}


def test_answers_that_stay_short_are_judged_by_what_they_meet_at_their_end(vendors: Vendors) -> None:
    """Prices have moved by more than a jump within an answer; its beginning alone would look like another coin's."""
    vendors["binance"].history.fault = "short"
    steps = fill_all(Gap(coin(), HOUR), 300)
    found = read(HOUR)
    assert {c.source for c in found} == {"binance"}
    assert {b.time - a.time for a, b in pairwise(found)} == {HOUR}
    assert max(c.high for c in found) > min(c.low for c in found) * Decimal("1.2")
    assert not Backfill.objects.exclude(note="").exists()
    assert len(steps) < 250


def test_a_plan_that_reaches_less_far_is_used_as_far_as_it_reaches(vendors: Vendors, settings: Settings) -> None:
    settings.RATES_SOURCES = ["coingecko"]
    vendors["coingecko"].longest_span = 30
    fill_all(Gap(coin(), MINUTE))
    assert len(fill_all(Gap(coin(), DAY))) == 4
    # The first of its days has begun before.
    assert 28 <= len(read(DAY)) <= 30
    assert len(fill_all(Gap(coin(), HOUR))) == 1
    assert len(read(HOUR)) >= 30 * 24 - 2
    assert not Backfill.objects.exclude(note="").exists()


def test_a_gap_of_one_vendor_is_filled_by_another(vendors: Vendors) -> None:
    vendors["binance"].history.fault = "gap"
    steps = fill_all(Gap(coin(), HOUR))
    assert "kraken" in asked(steps)
    assert {"binance", "kraken"} <= {c.source for c in read(HOUR)}


def test_many_short_gaps_cost_one_request_and_what_is_between_them_stands(vendors: Vendors, settings: Settings) -> None:
    settings.RATES_SOURCES = ["kraken"]
    hour = floor_time(time.time(), HOUR)
    prices = {at: vendors["kraken"].history.price("BTC", at + HOUR) for at in range(hour - 20 * DAY, hour, HOUR)}
    known = [Candle(at, *4 * [price], 0, "binance", False) for at, price in prices.items() if at // HOUR % 3]
    archive.write_candles(HOUR, {BTC: known})
    assert asked(fill_all(Gap(coin(), HOUR))) == ["kraken"]
    found = [candle for candle in read(HOUR) if candle.time in prices]
    assert [candle.time for candle in found] == [*prices][: len(found)]
    assert {at for at in prices if at // HOUR % 3 == 0} >= {c.time for c in found if c.source == "kraken"}
    assert {*known} <= {*found}


def test_a_pair_that_is_traded_no_longer_is_compared_when_another_vendor_has_told_what_followed(
    vendors: Vendors, settings: Settings
) -> None:
    """Since its last candle the price has moved by more than a jump."""
    settings.RATES_SOURCES = ["binance", "kraken"]
    vendors["binance"].history.delisted = 25
    steps = fill_all(Gap(coin(), HOUR))
    found = read(HOUR)
    assert {b.time - a.time for a, b in pairwise(found)} == {HOUR}
    assert abs(len(found) - 90 * 24) <= 2
    assert {c.source for c in found} == {"binance", "kraken"}
    assert not Backfill.objects.exclude(note="").exists()
    assert len(steps) < 10


def test_what_another_vendor_tells_keeps_the_past_of_another_coin_out(vendors: Vendors, settings: Settings) -> None:
    settings.RATES_SOURCES = ["binance", "kraken"]
    vendors["binance"].history.delisted, vendors["binance"].history.fault = 25, "unit_all"
    fill_all(Gap(coin(), HOUR))
    assert {c.source for c in read(HOUR)} == {"kraken"}
    assert Backfill.objects.filter(note__contains="is known").exists()


@pytest.mark.parametrize(("days", "taken"), [(1, True), (25, False)])
def test_what_nothing_follows_is_compared_with_the_next_price_and_requested_twice(
    days: int, taken: bool, vendors: Vendors, settings: Settings
) -> None:
    settings.RATES_SOURCES = ["binance"]
    vendors["binance"].history.delisted = days
    steps = fill_all(Gap(coin(), HOUR))
    assert bool(read(HOUR)) == taken
    assert len(steps) <= 5
    assert Backfill.objects.exclude(note="").exists() != taken
    assert fill_all(Gap(coin(), HOUR)) == []


@pytest.mark.parametrize("fault", ["misaligned", "running_far", "microseconds"])
def test_odd_times_and_running_candles_do_no_harm(fault: str, vendors: Vendors) -> None:
    for vendor in vendors.values():
        vendor.history.fault = fault
    fill_all(Gap(coin(), HOUR))
    found = read(HOUR)
    assert len(found) > 24 * 80
    assert all(c.time % HOUR == 0 for c in found)
    assert max(c.high for c in found) < vendors["binance"].prices["BTC"] * 2


def test_a_candle_of_another_unit_is_not_taken_and_told(vendors: Vendors, caplog: pytest.LogCaptureFixture) -> None:
    vendors["binance"].history.fault = "unit"
    fill_all(Gap(coin(), HOUR))
    assert max(c.high for c in read(HOUR)) < vendors["binance"].prices["BTC"] * 2
    assert "1 candles refused: they disagree" in caplog.text
    assert Backfill.objects.filter(refused=1).exists()


def test_a_past_of_another_unit_is_not_taken_and_another_vendor_is_asked(
    vendors: Vendors, caplog: pytest.LogCaptureFixture
) -> None:
    vendors["binance"].history.fault = "unit_all"
    steps = fill_all(Gap(coin(), MINUTE))
    assert max(c.high for c in read(MINUTE)) < vendors["binance"].prices["BTC"] * 2
    assert "is known" in caplog.text
    assert "kraken" in asked(steps)


def test_a_limit_in_the_middle_is_waited_for_and_pauses_prices_too(vendors: Vendors) -> None:
    vendors["binance"].history.fault = "limited_once"
    for _ in range(2):
        assert fill(Gap(coin(), HOUR), time.time()).stored
        let_wait(1)
    assert fill(Gap(coin(), HOUR), time.time()).stored == 0
    asked_at = time.time()
    wait = fill(Gap(coin(), HOUR), asked_at).wait
    assert 1 < wait <= HISTORY_PAUSE
    live = pacing.read_health(store.load_healths(), "binance")
    assert pacing.pause_left(live, asked_at) > 1
    vendors["binance"].history.fault = ""
    fill_all(Gap(coin(), HOUR))
    assert abs(len(read(HOUR)) - 90 * 24) <= 2


@pytest.mark.parametrize("fault", ["down", "garbage"])
def test_a_vendor_that_fails_again_and_again_is_left_out_for_a_while(fault: str, vendors: Vendors) -> None:
    vendors["binance"].history.fault = fault
    steps = fill_all(Gap(coin(), MINUTE))
    assert asked(steps)[:3] == 3 * ["binance"]
    assert set(asked(steps)[3:]) == {"kraken", "coingecko"}
    assert pacing.pause_left(pacing.read_health(store.load_healths(), "binance"), time.time()) == 0


def test_a_coin_that_a_vendor_does_not_have_is_asked_for_once_and_pauses_nobody(vendors: Vendors) -> None:
    vendors["kraken"].unknown = vendors["binance"].unknown = frozenset({"BTC"})
    steps = fill_all(Gap(coin(), HOUR))
    assert asked(steps) == ["binance", "kraken", "coingecko"]
    assert len(read(HOUR)) > 24 * 85
    assert not any(health["paused_until"] for health in store.load_healths().values())


def test_a_year_of_days_from_coingecko_alone(vendors: Vendors, settings: Settings) -> None:
    settings.RATES_SOURCES = ["coingecko"]
    for interval in (MINUTE, HOUR, DAY):
        steps = fill_all(Gap(coin(), interval))
        assert asked(steps) == ["coingecko"]
    assert len(read(DAY)) >= 363
    assert len(read(HOUR)) >= 24 * 88
    assert {c.source for c in read(DAY)} == {"coingecko"}


def test_the_gap_of_an_outage_is_filled_in_minutes(vendors: Vendors) -> None:
    minute = floor_time(time.time(), MINUTE)
    price = vendors["binance"].prices["BTC"] * vendors["binance"].prices["USDT"]
    before = [Candle(at, *4 * [price], 12, "kraken", False) for at in range(minute - 3 * DAY, minute - 2 * DAY, MINUTE)]
    archive.write_candles(MINUTE, {BTC: before})
    fill_all(Gap(coin(), MINUTE))
    found = read(MINUTE)
    assert found[0].time == minute - 3 * DAY
    assert {b.time - a.time for a, b in pairwise(found)} == {MINUTE}
    assert sum(c.updates == 12 for c in found) == len(before) + 4


def test_what_was_too_old_is_fetched_again_when_more_is_kept(vendors: Vendors) -> None:
    since = floor_time(time.time(), MINUTE) - 3 * DAY
    gap = Gap(coin(), MINUTE, since)
    fill_all(gap)
    archive.delete_before(MINUTE, since + 36 * HOUR)
    assert read(MINUTE)[0].time == since + 36 * HOUR
    fill_all(gap)
    found = read(MINUTE)
    assert found[0].time == since
    assert {b.time - a.time for a, b in pairwise(found)} == {MINUTE}


def test_an_hour_that_was_half_published_is_completed(vendors: Vendors) -> None:
    writer.write_closed(time.time())
    archive.merge_closed(time.time())
    fill_all(Gap(coin(), MINUTE))
    hour = floor_time(time.time(), HOUR) - HOUR
    minutes = [c for c in read(MINUTE) if hour <= c.time < hour + HOUR]
    found = next(c for c in read(HOUR) if c.time == hour)
    assert len(minutes) == 60
    assert (found.open, found.high) == (minutes[0].open, max(c.high for c in minutes))


def test_credits_are_counted_and_spared(vendors: Vendors, settings: Settings) -> None:
    settings.RATES_SOURCES, settings.COINGECKO_MONTHLY_CREDITS = ["coingecko"], 3
    assert fill(Gap(coin(), DAY), time.time()).stored
    assert sum(store.load_calls().values()) == 2
    # Of the last credit a tenth: the next question has to wait for the rest of the month, and is not waited for.
    assert fill(Gap(coin(), HOUR), time.time() + 60).request is None


def test_another_coin_does_not_get_the_past_of_the_one_before(vendors: Vendors) -> None:
    """Both were LUNA once."""
    other = Coin(symbol="BTC", name="Another", coingecko_id="another", **pairs("BTC"))
    archive.write_candles(
        MINUTE,
        {
            Instrument("another", "usd"): [
                Candle(floor_time(time.time(), MINUTE) - MINUTE, *4 * [Decimal(2)], 12, "kraken", False)
            ]
        },
    )
    fill_all(Gap(other, MINUTE))
    assert len(read(MINUTE, Instrument("another", "usd"))) == 1
