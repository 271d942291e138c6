"""The history of prices while everything around it fails: one candle for each coin and minute, whatever happens."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest

from tests.faults.conftest import Figure
from tests.faults.postgres import Postgres
from tests.faults.processes import ROOT, Redis, System, wait_until
from tests.faults.test_clocks import HOUR, Clock
from tests.faults.test_disk import assert_quiet, fill
from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko
from tests.stand_ins.kraken import Kraken

Build = Callable[..., System]
Candles = dict[str, dict[int, int]]
MINUTE, DAY = 60, 86400
# Minutes of the long test; `make soak` takes an hour.
MINUTES = int(os.environ.get("HISTORY_MINUTES", "4"))
# Seconds that the database is down; `make soak` has ten minutes.
DATABASE_DOWN = int(os.environ.get("DATABASE_DOWN", "100"))
# A minute is in the database some seconds after its end; more on a busy machine.
WRITTEN_WITHIN = MINUTE + 30.0
# What another currency is worth, in the base, has the base's own name.
NAME = "CASE WHEN s.base = 'USD' THEN s.quote ELSE s.base END"
QUERY = (
    f"SELECT {NAME}, c.id, c.updates FROM rates_candle c JOIN rates_series s ON s.id = c.id >> 32 WHERE s.interval = "
)


def arrange(rows: Iterable[tuple[str, int, int]]) -> Candles:
    """Return time -> updates, of each coin and currency."""
    found: Candles = {}
    for base, key, updates in rows:
        found.setdefault(base, {})[(key & 0xFFFFFFFF) * 60] = updates
    return found


def read(system: System, interval: int = MINUTE) -> Candles:
    """Return the candles in the SQLite of *system*."""
    return read_file(system.folder / "db.sqlite3", interval)


def read_file(database: Path, interval: int = MINUTE) -> Candles:
    with closing(sqlite3.connect(database, timeout=20)) as connection:
        return arrange(connection.execute(f"{QUERY}{interval}"))


def read_postgres(server: Postgres) -> Candles:
    with psycopg.connect(server.url) as connection:
        return arrange(connection.execute(f"{QUERY}{MINUTE}").fetchall())


def next_minute() -> int:
    """Wait for the beginning of a minute, and return it."""
    begin = (int(time.time()) // MINUTE + 1) * MINUTE
    time.sleep(max(0.0, begin - time.time()))
    return begin


def wait_for(second: float) -> None:
    time.sleep(max(0.0, second - time.time()))


def wait_written(candles: Callable[[], Candles], minute: int) -> None:
    """Wait until the bitcoin candle of *minute* is in the database."""
    seconds = max(0.0, minute + MINUTE - time.time()) + WRITTEN_WITHIN
    wait_until(lambda: minute in candles().get("bitcoin", {}), seconds, "the minute is written")


def test_there_is_one_candle_for_each_coin_and_minute_while_a_worker_is_killed_and_redis_restarts(
    build: Build, redis_server: Redis, figure: Figure
) -> None:
    system = build()
    system.start("web")
    workers = [system.start("worker") for _ in range(3)]
    system.wait_fresh()
    begin = next_minute()
    wait_for(begin + 0.4 * MINUTES * MINUTE)
    workers[0].end()
    wait_for(begin + 0.6 * MINUTES * MINUTE)
    restarted = int(time.time()) // MINUTE * MINUTE
    redis_server.kill()
    redis_server.start()
    last = begin + (MINUTES - 1) * MINUTE
    wait_written(lambda: read(system), last)
    minutes = range(begin, last + MINUTE, MINUTE)
    candles = read(system)
    missing = {(base, at) for base, found in candles.items() for at in minutes if at not in found}
    figure("minutes of four coins, USDT/USD and six currencies", len(minutes) * len(candles) - len(missing))
    figure("missing, of the minute in which Redis restarted", len(missing))
    assert len(candles) == 4 + 1 + 6
    assert {at for _, at in missing} <= {restarted}
    # A publication a second: more would be counted twice.
    assert max(updates for found in candles.values() for updates in found.values()) <= MINUTE
    whole = [found[at] for found in candles.values() for at in minutes if at in found and at != restarted]
    figure("fewest publications in a minute", min(whole))
    assert min(whole) > MINUTE / 2


def test_an_emptied_redis_and_a_restart_in_mid_minute_lose_at_most_that_minute(
    build: Build, redis_server: Redis, figure: Figure
) -> None:
    system = build()
    system.start("web")
    worker = system.start("worker")
    system.wait_fresh()
    begin = next_minute()
    wait_for(begin + 0.5 * MINUTE)
    redis_server.client.flushall()
    wait_for(begin + 1.5 * MINUTE)
    worker.terminate(30)
    system.start("worker")
    wait_written(lambda: read(system), begin + 2 * MINUTE)
    found = read(system)["bitcoin"]
    figure("publications in the minutes", str([found.get(begin + n * MINUTE, 0) for n in range(3)]))
    assert {begin, begin + MINUTE, begin + 2 * MINUTE} <= {*found}
    assert found[begin] > MINUTE / 2
    assert_quiet(*system.processes)


def test_minutes_wait_for_a_database_that_is_down(
    build: Build, tmp_path: Path, stack: ExitStack, figure: Figure
) -> None:
    server = Postgres(tmp_path)
    stack.callback(server.end)
    system = build(DATABASE_URL=server.url)
    system.manage("migrate", "--verbosity", "0")
    system.manage("seed_coins")
    system.start("web")
    worker = system.start("worker")
    system.wait_fresh()
    begin = next_minute()
    wait_written(lambda: read_postgres(server), begin)
    server.process.end()
    down = time.time()
    wait_for(down + DATABASE_DOWN)
    system.wait_fresh(5)
    server.start()
    last = int(time.time()) // MINUTE * MINUTE
    wait_written(lambda: read_postgres(server), last)
    found = read_postgres(server)["bitcoin"]
    minutes = range(begin, last + MINUTE, MINUTE)
    figure("minutes that waited", sum(down < at + MINUTE < time.time() for at in minutes))
    assert [at for at in minutes if at not in found] == []
    # Who meets it first tells it for the whole process.
    assert len(worker.lines("WARNING .* connection failed")) >= 1
    assert worker.lines("Traceback") == []
    assert len(worker.lines("WARNING|ERROR")) < 10 + DATABASE_DOWN / 60, worker.said


def test_minutes_wait_for_a_disk_that_is_full(build: Build, small_disk: Path, figure: Figure) -> None:
    system = build(DATABASE_URL=f"sqlite:///{small_disk / 'db.sqlite3'}")
    shutil.copy(system.folder / "db.sqlite3", small_disk)
    worker = system.start("worker")
    wait_until(lambda: worker.lines("price now from"), 20, "prices")
    begin = next_minute()
    wait_for(begin + 0.5 * MINUTE)
    # What was in use is free again when it is closed.
    while time.time() < begin + 1.5 * MINUTE:
        filling = fill(small_disk)
        time.sleep(1)
    filling.unlink()
    wait_written(lambda: read_file(small_disk / "db.sqlite3"), begin + MINUTE)
    found = read_file(small_disk / "db.sqlite3")["bitcoin"]
    figure("publications in the minutes", str([found.get(begin + n * MINUTE, 0) for n in range(2)]))
    assert worker.lines("disk")
    assert min(found.get(begin + n * MINUTE, 0) for n in range(2)) > MINUTE / 2
    assert_quiet(worker)


@pytest.mark.parametrize("offset", [HOUR, -HOUR])
def test_a_clock_that_is_set_doubles_nothing(offset: int, build: Build, tmp_path: Path, figure: Figure) -> None:
    clock = Clock(tmp_path)
    system = build()
    system.start("web")
    worker = system.start("worker", **clock.settings)
    system.wait_fresh()
    begin = next_minute()
    wait_for(begin + 1.2 * MINUTE)
    clock.set(offset)
    wait_for(begin + 2.2 * MINUTE)
    clock.set(0)
    wait_written(lambda: read(system), begin + 3 * MINUTE)
    found = read(system)["bitcoin"]
    figure("publications in the minutes", str([found.get(begin + n * MINUTE, 0) for n in range(4)]))
    # The one in which it was set, and set back, may miss a part.
    assert {begin, begin + MINUTE, begin + 3 * MINUTE} <= {*found}
    assert max(found.values()) <= MINUTE
    assert_quiet(worker)


def test_a_year_of_four_coins_is_fetched_within_the_vendors_limits_and_no_tick_waits(
    build: Build, stack: ExitStack, market: CoinGecko, redis_server: Redis, figure: Figure
) -> None:
    binance, kraken = stack.enter_context(Binance()), stack.enter_context(Kraken())
    market.moves = False
    system = build(
        RATES_SOURCES="coingecko,binance,kraken",
        RATES_BACKFILL="on",
        BINANCE_WS_API_URL=f"{binance.url}/ws-api/v3",
        KRAKEN_WS_URL=f"{kraken.url}/v2",
        BINANCE_API_URL=binance.history_url,
        KRAKEN_API_URL=kraken.history_url,
    )
    system.start("web")
    worker = system.start("worker")
    coins = ["bitcoin", "ethereum", "solana", "stellar"]
    wait_until(lambda: {*coins} <= {*read(system)}, 180, "a first minute")
    began, calls = time.monotonic(), market.calls
    wait_until(lambda: is_complete(system, coins), 180, "a year")
    took = time.monotonic() - began
    figure("fetched within", took, "s")
    figure("requests", len(binance.history.asked) + len(kraken.history.asked) + len(market.history.asked))
    ticks = market.calls - calls
    figure("ticks meanwhile, of one a second", ticks / took)
    assert ticks >= 0.9 * took - 2
    assert not any(re.search("limited", line) for line in worker.lines("history:"))
    assert_quiet(worker)


def is_complete(system: System, coins: list[str]) -> bool:
    """Return whether each coin has its last day in minutes, its last 90 days in hours, and a year of days."""
    wanted = {MINUTE: DAY // MINUTE - 10, HOUR: 90 * 24 - 10, DAY: 365}
    candles = {interval: read(system, interval) for interval in wanted}
    return all(len(candles[interval].get(coin, ())) >= count for interval, count in wanted.items() for coin in coins)


def test_the_history_is_the_same_on_postgresql(tmp_path: Path, stack: ExitStack) -> None:
    """The tests of the history, against a real server."""
    server = Postgres(tmp_path)
    stack.callback(server.end)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/history", "tests/backfill", "tests/api/test_history.py"],
        cwd=ROOT, env=os.environ | {"DATABASE_URL": server.url}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
