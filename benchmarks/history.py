"""
What the history costs, with a year of 300 coins: `python -m benchmarks.history [sqlite] [postgresql]`.

Makes the year (minutes of 7 days, hours, days) by the code that records it, with prices of 14 digits as they come from
Binance by way of a measured USDT/USD, then measures each bar and prints it with its ratio: below 1 it holds. Processor
times are this process's own, so a busy machine changes them little. The year takes some minutes to make.
"""

import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks import history_beside
from benchmarks.feed import run_each, service, symbols

COINS = 300
MINUTES, HOURS, DAYS = 7 * 1440, 365 * 24, 365
# Seconds between two publications while streams deliver, and how many of the coins each of them moves.
PUBLISHED_EVERY, MOVED = 1.0, 300
REPEATS = 20
REST = 0.1
SETTINGS = {"RATES_SOURCES": "simulated", "RATES_BACKFILL": "off", "RATES_API_RATE": "1000000000", "LOG_LEVEL": "ERROR"}
random.seed(20261130)


@contextmanager
def database(kind: str) -> Iterator[str]:
    """Yield the address of an empty database."""
    with tempfile.TemporaryDirectory(prefix="rates-history-") as folder, ExitStack() as stack:
        if kind == "sqlite":
            yield f"sqlite:///{folder}/history.sqlite3"
            return
        from tests.faults.postgres import Postgres  # noqa: PLC0415 - needs PostgreSQL's programs

        server = Postgres(Path(folder))
        stack.callback(server.end)
        yield server.url


def price_text(base: Decimal) -> Decimal:
    """Return a price near *base* with eight decimals, none of them zero at the end."""
    return (base * Decimal(1 + random.uniform(-0.002, 0.002))).quantize(Decimal("1e-8"))


def make_candles(base: Decimal, interval: int, count: int, now: int) -> list[Any]:
    """Return *count* candles of *interval* that are over at *now*."""
    from rates.history.candles import Candle  # noqa: PLC0415 - Django reads its settings first

    candles = []
    for number in range(count, 0, -1):
        low, opened, close, high = sorted(price_text(base) for _ in range(4))
        candles.append(Candle((now // interval - number) * interval, opened, high, low, close, 72, "binance", False))
    return candles


def make_year(now: int) -> None:
    """Store the year of every coin, a day at a time for all of them, as it is written in life."""
    from rates.history import archive  # noqa: PLC0415
    from rates.history.archive import Instrument  # noqa: PLC0415
    from rates.models import Series  # noqa: PLC0415

    bases = {name: Decimal(random.choice(("67195.12", "3450.32", "148.34", "0.10423"))) for name in symbols(COINS)}
    for interval, count in ((60, MINUTES), (3600, HOURS), (86400, DAYS)):
        step = max(1, 86400 // interval // 6)
        for left in range(count, 0, -step):
            until = now - max(0, left - step) * interval
            batch = {
                Instrument(name.lower(), "usd"): make_candles(base, interval, min(step, left), until)
                for name, base in bases.items()
            }
            archive.write_candles(interval, batch)
    Series.objects.filter(interval=60).update(merged_until=now // 3600 * 3600)
    Series.objects.filter(interval=3600).update(merged_until=now // 86400 * 86400)


def cpu_ms(work: Callable[[], Any], rest: float = 0.0) -> float:
    """Return the processor time of *work* in milliseconds, median of some runs, each after *rest* seconds."""
    work()
    taken = []
    for _ in range(REPEATS):
        time.sleep(rest)
        began = time.process_time()
        work()
        taken.append((time.process_time() - began) * 1000)
    return statistics.median(taken)


def report(name: str, value: float, bar: float, unit: str) -> None:
    """Print one line of the table."""
    print(f"| {name} | {value:,.2f} {unit} | {bar:g} {unit} | {value / bar:.2f} |", flush=True)


def measure_size() -> None:
    """Print what a coin takes of the database."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            size = os.path.getsize(connection.settings_dict["NAME"])
        else:
            cursor.execute("SELECT pg_total_relation_size('rates_candle')")
            # There is no bar for PostgreSQL, whose rows have 24 bytes more each.
            print(f"| database, a coin | {cursor.fetchone()[0] / COINS / 1e6:.2f} MB | | |", flush=True)
            return
    report("database, a coin", size / COINS / 1e6, 1.5, "MB")


def measure_reading(now: int) -> None:
    """Print what questions cost, through the whole of Django."""
    from django.test import Client  # noqa: PLC0415

    client = Client(headers={"host": "localhost"})
    name = symbols(COINS)[7]

    def get(query: str) -> bytes:
        answer = client.get(f"/api/rates/{name}/candles?{query}")
        assert answer.status_code == 200, answer.content
        return bytes(answer.content)

    def count(body: bytes) -> int:
        return len(json.loads(body)["candles"])

    day = f"interval=1m&limit=5000&start={iso(now - 86400)}"
    assert count(get(day)) >= 1439
    report("24 h of minutes, answered", cpu_ms(lambda: get(day)), 15, "ms")
    # Meanwhile others have the processor and its caches, as between the questions of a quiet service.
    print(f"| the same, each after {REST} s of rest | {cpu_ms(lambda: get(day), REST):.2f} ms | | |", flush=True)
    assert count(get("interval=1d&limit=365")) == 365
    report("1 y of days, answered", cpu_ms(lambda: get("interval=1d&limit=365")), 5, "ms")
    wanted = [
        {"symbol": random.choice(symbols(50)), "time": iso(random.uniform(now - 360 * 86400, now))} for _ in range(1000)
    ]
    body = json.dumps({"wanted": wanted})

    def ask() -> list[Any]:
        answer = client.post("/api/rates/at", body, content_type="application/json")
        return list(json.loads(answer.content)["prices"])

    assert all("price" in price for price in ask())
    report("1,000 prices at a time, of 50 coins", cpu_ms(ask), 120, "ms")


def iso(seconds: float) -> str:
    """Return a Unix time as the API reads it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def publications(begin: int, seconds: int) -> Iterator[Any]:
    """Yield so many seconds of publications from the Unix time *begin* on, in each of which coins have moved."""
    from rates.store import Saved  # noqa: PLC0415
    from rates.types import CoinState, Rate, Snapshot, time_text  # noqa: PLC0415

    names = symbols(COINS)
    prices = dict.fromkeys(names, Decimal("67195.12345678"))
    for number in range(int(seconds / PUBLISHED_EVERY)):
        at = datetime.fromtimestamp(begin + number * PUBLISHED_EVERY, UTC)
        prices |= {name: price_text(prices[name]) for name in random.sample(names, MOVED)}
        states = {
            name: CoinState(name.lower(), "", "usd", shown=Rate(name, price, None, None, "binance", at, at))
            for name, price in prices.items()
        }
        snapshot = Snapshot("epoch", number, time_text(at), {})
        yield Saved(snapshot, frozenset(), frozenset(), (), (), states, (), True)


def bytes_written() -> int:
    """Return how much this process has written to files, or PostgreSQL to its log, until now."""
    from django.db import connection  # noqa: PLC0415

    if connection.vendor == "sqlite":
        return int(Path("/proc/self/io").read_text().split("wchar:")[1].split()[0])
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
        return int(cursor.fetchone()[0])


def measure_recording() -> None:
    """Print what an hour of publications costs, from the publication to the database."""
    from django.db import connection  # noqa: PLC0415

    from rates.history import writer  # noqa: PLC0415
    from rates.history.recorder import FLUSH_INTERVAL, Recorder  # noqa: PLC0415

    recorder, seconds, used = Recorder(), 3600, 0.0
    # The hour that comes.
    hour = (int(time.time()) // 3600 + 1) * 3600
    for number, saved in enumerate(publications(hour, seconds)):
        began = time.process_time()
        recorder.record(saved)
        # As in life: it reports a new minute by itself, and then every so many seconds.
        if number % int(FLUSH_INTERVAL) == 0 and number % 60:
            recorder.flush()
        used += time.process_time() - began
    recorder.flush()
    written, began = bytes_written(), time.process_time()
    for minute in range(seconds // 60 + 2):
        # A minute at a time, as in life.
        writer.write_closed(hour + 60 * minute + writer.GRACE)
    writing, written = time.process_time() - began, bytes_written() - written
    report("recording, a coin and hour", (used + writing) * 1000 / COINS, 5, "ms")
    print(f"| of which: beside publications {used * 1000 / COINS:.2f} ms, to {connection.vendor} "
          f"{writing * 1000 / COINS:.2f} ms; {written / 60 / 1e6:.2f} MB written a minute | | | |")  # fmt: skip


def measure_beside() -> None:
    """Print what a tick and an answer take beside the recording."""
    report("a tick with the history, times one without", history_beside.compare_ticks(), 1.05, "×")
    report("`/api/rates` beside the recording, times without", history_beside.compare_answers(), 1.05, "×")


def measure(kind: str) -> None:
    """Make the year and print the table of one database."""
    with (
        database(kind) as address,
        service(COINS, DATABASE_URL=address, **SETTINGS),
    ):
        from rates import garbage_collection  # noqa: PLC0415

        now, began = int(time.time()), time.monotonic()
        make_year(now)
        garbage_collection.freeze_startup_heap()
        print(f"\n{kind}: {COINS} coins, a year, made in {time.monotonic() - began:.0f} s\n")
        print("| bar | measured | at most | ratio |\n|---|---|---|---|", flush=True)
        measure_size()
        measure_reading(now)
        measure_recording()
        measure_beside()


def main(kinds: Sequence[str]) -> None:
    """Measure each database in a process of its own."""
    if len(kinds) == 1:
        measure(kinds[0])
        return
    run_each("benchmarks.history", [[kind] for kind in kinds or ("sqlite", "postgresql")])


if __name__ == "__main__":
    main(sys.argv[1:])
