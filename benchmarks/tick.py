"""
What a tick costs: `python -m benchmarks.tick [COINS] [--beside FOLDER [--its-coins N]]`.

Complete ticks, one after the other: three sources that answer (stand-ins in a separate process, whose prices move),
judgement, history, publication. Prints the CPU time of the one process that does the work of a worker, without the
waits for the network. With a FOLDER, a checkout of another version with its own `.venv`, the ticks of both alternate,
and the ratio of the medians follows. Without COINS it measures all sizes.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.feed import service, symbols

HERE = Path(__file__).resolve().parent.parent
SIZES = [4, 100, 300]
WARM_UP, TICKS = 5, 30
# Seconds from one tick to the next: more than half of RATES_STALE_AFTER, so that every source is asked in every tick.
PAUSE = 1.5
TIMES = {"RATES_REFRESH_INTERVAL": "2", "RATES_STALE_AFTER": "2.5", "RATES_STREAM": "off"}
HEAD = "| coins | CPU, median | CPU, 95 % within | with the network | answers per tick | Redis connections | ratio |"


def run_vendors(coins: int, addresses: Connection) -> None:
    """Run the three vendors until killed; send their addresses."""
    from tests.stand_ins.binance import Binance  # noqa: PLC0415 - the version beside has others
    from tests.stand_ins.coingecko import CoinGecko  # noqa: PLC0415
    from tests.stand_ins.kraken import Kraken  # noqa: PLC0415

    names = symbols(coins)
    prices = {name: Decimal("63250.12") + number for number, name in enumerate(names)} | {"USDT": Decimal("1.0001")}
    ids = {name.lower(): name for name in names} | {"tether": "USDT"}
    with (
        CoinGecko(prices=prices, ids=ids, moves=True) as coingecko,
        Binance(prices=prices, moves=True) as binance,
        Kraken(prices=prices, moves=True) as kraken,
    ):
        addresses.send((coingecko.url, f"{binance.url}/ws-api/v3", f"{kraken.url}/v2"))
        signal.pause()


@contextmanager
def vendors(coins: int) -> Iterator[dict[str, str]]:
    """Run the vendors in a process; the value are the settings that lead to them."""
    context = get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=run_vendors, args=(coins, there), daemon=True)
    process.start()
    names = ("COINGECKO_API_URL", "BINANCE_WS_API_URL", "KRAKEN_WS_URL")
    try:
        yield dict(zip(names, here.recv(), strict=True))
    finally:
        process.kill()


def serve_ticks(coins: int) -> None:
    """Run a tick for each line on standard input, and print what it took; the settings are in the environment."""
    with service(coins, **TIMES):
        from rates import feed, store  # noqa: PLC0415 - Django reads its settings first

        # Its names in 0846c17.
        run_tick = feed.run_tick if hasattr(feed, "run_tick") else feed.take_tick
        try:
            from rates.garbage_collection import freeze_startup_heap  # noqa: PLC0415
        except ImportError:
            from rates.garbage import settle as freeze_startup_heap  # noqa: PLC0415
        freeze_startup_heap()
        for _ in sys.stdin:
            used, began = time.process_time(), time.monotonic()
            answers = run_tick().answers
            cpu, wall = time.process_time() - used, time.monotonic() - began
            answered = sum(isinstance(answer, list) for answer in answers.values())
            connections = store.client().info("clients")["connected_clients"]
            print(json.dumps([cpu * 1000, wall * 1000, answered, connections]), flush=True)


class Worker:
    """A process of the version in *folder* that runs ticks when it is told to."""

    def __init__(self, folder: Path, coins: int, addresses: dict[str, str]) -> None:
        self.name = "this version" if folder == HERE else folder.name
        self.coins = coins
        self.ticks: list[Any] = []
        # -P: beside this file is another `dashboard`.
        command = [str(folder / ".venv/bin/python"), "-P", __file__, str(coins), "--serve"]
        environment = os.environ | addresses | {"PYTHONPATH": str(folder)}
        self._process = subprocess.Popen(
            command, cwd=folder, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def tick(self) -> None:
        """Run one tick."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self.ticks.append(json.loads(self._process.stdout.readline()))

    def end(self) -> None:
        """End the process, and its Redis with it."""
        self._process.communicate()

    @property
    def cpu(self) -> float:
        """The median of the CPU time of its ticks, in milliseconds."""
        return statistics.median(tick[0] for tick in self.ticks[WARM_UP:])

    def describe(self) -> str:
        """Return the figures of its ticks as cells of a table."""
        cpu, wall, answered, connections = zip(*self.ticks[WARM_UP:], strict=True)
        late, grown = statistics.quantiles(cpu, n=20)[-1], connections[-1] - connections[0]
        took, answers = statistics.median(wall), statistics.mean(answered)
        ours = f"{self.coins}, {self.name} | {self.cpu:.1f} ms | {late:.1f} ms"
        return f"{ours} | {took:.0f} ms | {answers:.1f} | {grown:+d}"


def measure(coins: int, beside: Path | None, its_coins: int | None) -> None:
    """Measure one size, in alternating ticks if there is a version *beside*; print the lines of the table."""
    with vendors(max(coins, its_coins or 0)) as addresses:
        folders = [(HERE, coins), *([(beside, its_coins or coins)] if beside else [])]
        workers = [Worker(folder, number, addresses) for folder, number in folders]
        for _ in range(WARM_UP + TICKS):
            for worker in workers:
                worker.tick()
                time.sleep(PAUSE / len(workers))
        for worker in workers:
            ratio = f"{worker.cpu / workers[-1].cpu:.2f}" if beside else ""
            print(f"| {worker.describe()} | {ratio} |", flush=True)
            worker.end()


def main() -> None:
    """Measure one size, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("coins", type=int, nargs="?")
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--its-coins", type=int)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve_ticks(options.coins)
        return
    print(f"{HEAD}\n|{'---|' * HEAD.count(' |')}", flush=True)
    for coins in [options.coins] if options.coins else SIZES:
        measure(coins, options.beside and options.beside.resolve(), options.its_coins)


if __name__ == "__main__":
    main()
