"""From a publication to the database: every one counts, once, whoever published it and whoever dies on the way."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.db.backends.signals import connection_created
from pytest_django import Settings

from config.settings import SOURCES
from rates import feed, store
from rates.currencies import CENTRAL_BANK
from rates.history import archive, writer
from rates.history.candles import DAY, HOUR, MINUTE, Candle
from rates.history.recorder import Recorder, recorder
from rates.history.series import Instrument
from rates.history_thread import HistoryThread
from rates.models import Coin, StoredCandle
from rates.store import Saved
from rates.types import CoinState, Currency, Rate, Snapshot, time_text
from tests.coins import pairs
from tests.faults.processes import wait_until
from tests.history.test_archive import BEGIN, read
from tests.history.test_candles import candle
from tests.stand_ins.coingecko import CoinGecko
from tests.world import let_pass

pytestmark = pytest.mark.django_db
TETHER = Instrument("USDT", "usd")


def published(second: float, price: str, marks: str = "", source: str = "kraken", coin_id: str = "bitcoin") -> Saved:
    """Return a publication of one coin and of USDT/USD, so many seconds after `BEGIN`."""
    at = datetime.fromtimestamp(BEGIN + second, UTC)
    rate = Rate("BTC", Decimal(price), None, None, source, at, at)
    tether = Rate("USDT", Decimal("1.0001"), None, None, source, at, at)
    states = {
        "BTC": CoinState(coin_id, quote="usd", shown=rate, disputed="disputed" in marks),
        "ETH": CoinState("ethereum", quote="usd"),
        "USDT/USD": CoinState(quote="usd", shown=tether),
    }
    return Saved(
        snapshot=Snapshot("epoch", 1, time_text(at), {}),
        changed=frozenset(),
        removed=frozenset(),
        owners=(),
        notes=(),
        states=states,
        stale=["BTC"] if "stale" in marks else [],
        published=True,
    )


def record(*publications: Saved, process: Recorder | None = None) -> None:
    """Let one process publish, which has told Redis of it all."""
    process = process or Recorder()
    for publication in publications:
        process.record(publication)
    process.flush()


@contextmanager
def count_connections(opened: list[object]) -> Iterator[None]:
    """Add to *opened* each connection to the database that is made."""

    def add(connection: object, **_: object) -> None:
        opened.append(connection)

    connection_created.connect(add)
    try:
        yield
    finally:
        connection_created.disconnect(add)


def test_every_publication_of_every_process_counts() -> None:
    record(published(1, "5"), published(6, "7"), published(51, "4"))
    record(published(2, "6"), published(55, "5", "disputed", "binance"), published(58, "9", "stale"))
    assert writer.write_closed(BEGIN + MINUTE + writer.GRACE) == 1
    assert read() == [candle(BEGIN, "5 7 4 5", 5, "binance", disputed=True)]
    assert read(pair=TETHER) == [candle(BEGIN, "1.0001 1.0001 1.0001 1.0001", 6, "binance")._replace(source="kraken")]


def test_a_worth_that_the_central_bank_tells_is_written_too() -> None:
    publication = published(1, "5")
    worth = Currency("pln", "4.02", None, "ecb", publication.snapshot.as_of)
    record(replace(publication, snapshot=replace(publication.snapshot, currencies={"pln": worth})))
    assert writer.write_closed(BEGIN + MINUTE + writer.GRACE) == 1
    assert read(pair=Instrument("USD", "pln")) == [candle(BEGIN, "4.02 4.02 4.02 4.02", 1, "ecb")]
    assert len(read()) == 1


def test_every_source_has_a_number_for_its_candles() -> None:
    assert {*SOURCES, CENTRAL_BANK} == archive.SOURCE_NUMBERS.keys()


def test_a_minute_is_written_when_it_is_over_for_all() -> None:
    record(published(1, "5"))
    assert writer.write_closed(BEGIN + MINUTE + writer.GRACE - 1) == 0
    assert read() == []
    assert writer.write_closed(BEGIN + MINUTE + writer.GRACE) == 1
    assert writer.write_closed(BEGIN + MINUTE + writer.GRACE) == 0


def test_a_stale_price_makes_no_candle() -> None:
    record(published(1, "5"), published(61, "5", "stale"), published(125, "5"))
    writer.write_closed(BEGIN + HOUR)
    assert [found.time - BEGIN for found in read()] == [0, 120]


def test_a_stale_price_changes_nothing_of_its_minute() -> None:
    record(published(1, "5"), published(2, "9", "stale disputed"), published(3, "6"))
    writer.write_closed(BEGIN + HOUR)
    assert read() == [candle(BEGIN, "5 6 5 6", 2)]


def test_a_writer_that_is_killed_before_redis_knows_is_followed_by_one_that_doubles_nothing() -> None:
    process = Recorder()
    record(published(1, "5"), published(2, "6"), process=process)
    writer.write_closed(BEGIN + HOUR)
    process.flush()
    assert writer.write_closed(BEGIN + HOUR) == 1
    assert read() == [candle(BEGIN, "5 6 5 6", 2)]


def test_what_a_frozen_process_tells_too_late_replaces_no_whole_minute() -> None:
    record(published(1, "5"), published(2, "6"))
    writer.write_closed(BEGIN + HOUR)
    record(published(3, "9"))
    writer.write_closed(BEGIN + HOUR)
    assert read() == [candle(BEGIN, "5 6 5 6", 2)]


def test_an_emptied_redis_costs_nothing_of_the_running_minute() -> None:
    process = Recorder()
    record(published(1, "5"), published(2, "8"), process=process)
    store.client().flushall()
    record(published(30, "6"), process=process)
    writer.write_closed(BEGIN + HOUR)
    assert read() == [candle(BEGIN, "5 8 5 6", 3)]


def test_a_minute_that_is_over_is_told_with_the_next_publication() -> None:
    process = Recorder()
    process.record(published(1, "5"))
    process.record(published(59, "7"))
    process.record(published(60, "6"))
    writer.write_closed(BEGIN + HOUR)
    assert read() == [candle(BEGIN, "5 7 5 7", 2), candle(BEGIN + MINUTE, "6 6 6 6")]


def test_minutes_wait_for_a_database_that_is_down_and_come_in_pieces() -> None:
    process = Recorder()
    for minute in range(writer.MOST_MINUTES + 5):
        process.record(published(60 * minute, "5"))
    assert writer.write_closed(BEGIN + DAY) == writer.MOST_MINUTES
    assert writer.write_closed(BEGIN + DAY) == 5
    assert len(read()) == writer.MOST_MINUTES + 5


def test_a_clock_that_is_set_back_doubles_nothing() -> None:
    process = Recorder()
    for second, price in [(HOUR, "5"), (HOUR + 60, "6"), (0, "7"), (60, "8"), (HOUR, "9")]:
        process.record(published(second, price))
    process.flush()
    writer.write_closed(BEGIN + DAY)
    assert [(found.time - BEGIN, str(found.close)) for found in read()] == [
        (0, "7"), (60, "8"), (HOUR, "9"), (HOUR + 60, "6"),
    ]  # fmt: skip


def test_another_coin_behind_the_same_symbol_begins_a_series_of_its_own() -> None:
    record(published(1, "5", coin_id="terra-luna"), published(61, "900", coin_id="terra-luna-2"))
    writer.write_closed(BEGIN + HOUR)
    assert read(pair=Instrument("terra-luna", "usd")) == [candle(BEGIN, "5 5 5 5")]
    assert read(pair=Instrument("terra-luna-2", "usd")) == [candle(BEGIN + MINUTE, "900 900 900 900")]


def test_an_hour_follows_from_its_minutes() -> None:
    process = Recorder()
    for minute in range(61):
        process.record(published(60 * minute, str(5 + minute)))
    process.flush()
    writer.write_closed(BEGIN + HOUR + 30 * MINUTE)
    writer.write_closed(BEGIN + HOUR + 30 * MINUTE)
    writer.write_closed(BEGIN + HOUR + 30 * MINUTE)
    assert read(HOUR) == [candle(BEGIN, "5 64 5 64", 60)]


def test_old_candles_are_deleted_by_their_interval(settings: Settings) -> None:
    settings.RATES_CANDLES_1M_DAYS, settings.RATES_CANDLES_1H_DAYS = 2, 7
    for interval in (MINUTE, HOUR, DAY):
        days = [Candle(BEGIN + day * DAY, *4 * [Decimal(5)], 1, "kraken", False) for day in range(10)]
        archive.write_candles(interval, {Instrument("bitcoin", "usd"): days})
    writer.delete_old(BEGIN + 9.5 * DAY)
    assert [len(read(interval)) for interval in (MINUTE, HOUR, DAY)] == [3, 8, 10]


def test_ticks_are_recorded(coingecko: CoinGecko, settings: Settings) -> None:
    settings.RATES_SOURCES, settings.RATES_STREAM = ["coingecko"], []
    Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin", **pairs("BTC"))
    for price in ("63000", "63001", "63002"):
        coingecko.prices["BTC"] = Decimal(price)
        let_pass(5)
        feed.run_tick()
    recorder().flush()
    writer.write_closed(time.time() + 2 * MINUTE)
    assert sum(found.updates for found in read()) == 3
    assert (read()[0].open, read()[-1].close, read()[0].source) == (Decimal(63000), Decimal(63002), "coingecko")
    assert sum(found.updates for found in read(pair=TETHER)) == 3


@pytest.mark.django_db(transaction=True)
def test_the_leader_keeps_its_connection_while_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    keeper, opened = HistoryThread(), []
    with count_connections(opened):
        keeper.run_once()
        for minute in range(5):
            record(published(60 * minute, "5"))
            keeper.run_once()
        # The first turn closes what was there before.
        assert (len(read()), len(opened)) == (5, 2)
        connection.connection.close()
        record(published(360, "5"))
        keeper.run_once()
        assert connection.connection is None
        keeper.run_once()
        assert (len(read()), len(opened)) == (6, 3)
    monkeypatch.setattr(keeper, "_token", "another")
    keeper.run_once()
    assert connection.connection is None


@pytest.mark.django_db(transaction=True)
def test_a_process_that_ends_leaves_the_lease_to_the_next_one() -> None:
    keeper = HistoryThread()
    keeper.start()
    wait_until(lambda: store.client().exists(store.HISTORY_LEADER), 20)
    keeper.end()
    assert store.acquire_leadership("another", 60, store.HISTORY_LEADER)


@pytest.mark.django_db(transaction=True)
def test_of_all_keepers_the_one_with_the_lease_writes() -> None:
    record(published(1, "5"))
    first, second = HistoryThread(), HistoryThread()
    assert store.acquire_leadership("another", 60, store.HISTORY_LEADER)
    first.run_once()
    assert not StoredCandle.objects.exists()
    store.release_leadership("another", store.HISTORY_LEADER)
    second.run_once()
    assert StoredCandle.objects.exists()
    first.stop.set()
    first.run()
    assert not store.acquire_leadership("another", 60, store.HISTORY_LEADER)
    second.stop.set()
    second.run()
    assert store.acquire_leadership("another", 60, store.HISTORY_LEADER)
