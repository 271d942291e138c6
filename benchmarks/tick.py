"""
What a tick costs: `python -m benchmarks.tick`.

Complete ticks, one after the other: three sources that answer (stand-ins in a separate process, whose prices move),
judgement, history, publication. Prints the CPU time of this process, which does the work of a worker, without the waits
for the network. One size only: `python -m benchmarks.tick COINS`.
"""

import os
import signal
import statistics
import sys
import time
from decimal import Decimal
from multiprocessing import get_context
from multiprocessing.connection import Connection

from benchmarks.feed import run_each, service, symbols
from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko
from tests.stand_ins.kraken import Kraken

CASES = [["4"], ["100"], ["300"]]
WARM_UP, TICKS = 5, 30


def run_vendors(coins: int, addresses: Connection) -> None:
    """Run the three vendors until killed; send their addresses."""
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


def run_ticks(pause: float) -> str:
    """Run ticks; return the figures."""
    from rates import feed, garbage_collection, store  # noqa: PLC0415 - Django reads its settings first

    garbage_collection.freeze_startup_heap()
    cpu, wall, answered = [], [], 0
    for number in range(WARM_UP + TICKS):
        if number == WARM_UP:
            before = store.client().info("clients")["connected_clients"]
        time.sleep(pause)
        used, began = time.process_time(), time.monotonic()
        answers = feed.run_tick().answers
        if number >= WARM_UP:
            cpu.append((time.process_time() - used) * 1000)
            wall.append((time.monotonic() - began) * 1000)
            answered += sum(isinstance(answer, list) for answer in answers.values())
    grown = store.client().info("clients")["connected_clients"] - before
    late, took = statistics.quantiles(cpu, n=20)[-1], statistics.median(wall)
    return f"{statistics.median(cpu):.1f} ms | {late:.1f} ms | {took:.0f} ms | {answered / TICKS:.1f} | {grown:+d}"


def measure(coins: int) -> str:
    """Start the vendors and the service, and measure."""
    context = get_context("fork")
    here, there = context.Pipe()
    vendors = context.Process(target=run_vendors, args=(coins, there), daemon=True)
    vendors.start()
    coingecko, binance, kraken = here.recv()
    settings = {"COINGECKO_API_URL": coingecko, "BINANCE_WS_API_URL": binance, "KRAKEN_WS_URL": kraken}
    # The other sources are asked at half the time after which a price is stale: here, with every tick.
    with service(coins, RATES_STREAM="off", RATES_REFRESH_INTERVAL="2", RATES_STALE_AFTER="3", **settings):
        figures = run_ticks(pause=1.5)
    os.kill(vendors.pid or 0, signal.SIGKILL)
    return figures


def main() -> None:
    """Measure one size, or all of them."""
    if len(sys.argv) == 1:
        print("| coins | CPU, median | CPU, 95 % within | with the network | answers per tick | Redis connections |")
        print("|---|---|---|---|---|---|", flush=True)
        run_each("benchmarks.tick", CASES)
        return
    print(f"| {sys.argv[1]} | {measure(int(sys.argv[1]))} |", flush=True)


if __name__ == "__main__":
    main()
