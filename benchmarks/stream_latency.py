"""
From an event of an exchange to the frame on the socket: `python -m benchmarks.stream_latency [CASE] [--beside FOLDER]`.

A server that speaks Binance's stream protocol sends events with unique prices, evenly spaced; a socket of the plain
dialect records when each price arrives. `stream_rates` and one web process run as in production. An event that was
superseded by a newer one of its coin before the next publication is not counted.

A CASE is `COINS EVENTS_PER_SECOND RATES_STREAM_INTERVAL`. With a FOLDER, a checkout of another version with its own
`.venv`, both are measured in turns, and the ratio of their CPU time for each publication follows: on a busy machine
there are fewer of them than the interval allows.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from benchmarks.fan_out import running
from benchmarks.feed import service, symbols
from tests.ports import free_port
from tests.stand_ins.kraken import Kraken

CASES = [["4", "4", "1"], ["4", "4", "0.1"], ["300", "1000", "1"], ["300", "1000", "0.1"]]
HEAD = "| coins | events per second | RATES_STREAM_INTERVAL | median | 95 % within | prices | CPU | a publication |"
HERE = Path(__file__).resolve().parent.parent
FIRST_EVENT, WARM_UP, SECONDS = 3, 8, 40
ROUNDS, ROUND_SECONDS = 2, 12
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Exchange:
    """Sends *rate* events a second about its coins in turn, each with a unique price."""

    def __init__(self, coins: int, rate: float) -> None:
        self.sent: dict[str, float] = {}
        self.publications = 0
        self._symbols = symbols(coins)
        self._rate = rate

    async def talk(self, connection: ServerConnection) -> None:
        """Send events until the connection ends; requests are not answered."""
        with suppress(ConnectionClosed):
            # Until Kraken has told what a USDT is worth; else each coin is in dispute, and nobody is there to end that.
            await asyncio.sleep(FIRST_EVENT)
            number, began = 0, time.monotonic()
            while True:
                number += 1
                await asyncio.sleep(
                    began + number / self._rate - time.monotonic() + random.uniform(0, 0.2 / self._rate)
                )
                await connection.send(self._event(self._symbols[number % len(self._symbols)], number))

    def _event(self, symbol: str, number: int) -> str:
        price = f"{1000 + Decimal(number % 10**6) / 10**6}"
        self.sent[symbol + price] = time.monotonic()
        data = {"e": "24hrMiniTicker", "E": int(time.time() * 1000), "s": f"{symbol}USDT", "c": price, "o": "999"}
        return json.dumps({"stream": f"{symbol.lower()}usdt@miniTicker", "data": {**data, "v": "1", "q": "1"}})


async def listen(port: int, exchange: Exchange, delays: list[float]) -> None:
    """Record how long each new price took to reach the socket."""
    seen: dict[str, str] = {}
    async with connect(f"ws://127.0.0.1:{port}/ws/rates", compression=None, max_size=None, proxy=None) as client:
        async for frame in client:
            now = time.monotonic()
            exchange.publications += 1
            for symbol, price in json.loads(frame, parse_float=str, parse_int=str).items():
                if seen.get(symbol) != price:
                    seen[symbol] = price
                    delays.append((now - exchange.sent[symbol + price]) * 1000)


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


async def measure(port: int, stream_pid: int, exchange: Exchange, seconds: float) -> str:
    """Listen for a while; return the figures."""
    delays: list[float] = []
    listener = asyncio.create_task(listen(port, exchange, delays))
    await asyncio.sleep(WARM_UP)
    delays.clear()
    exchange.publications = 0
    used, began = cpu_seconds(stream_pid), time.monotonic()
    await asyncio.sleep(seconds)
    used = cpu_seconds(stream_pid) - used
    share, each = used / (time.monotonic() - began), used / exchange.publications * 1000
    listener.cancel()
    middle, late = statistics.median(delays), statistics.quantiles(delays, n=20)[-1]
    return f"{middle:,.0f} ms | {late:,.0f} ms | {len(delays):,} | {share:.1%} | {each:.1f} ms"


async def run(exchange: Exchange, exchange_port: int, port: int, seconds: float) -> str:
    """Start the exchange and the processes, and measure."""
    python = sys.executable
    async with serve(exchange.talk, "127.0.0.1", exchange_port, compression=None, ping_interval=None):
        with (
            running([python, "manage.py", "serve"], port),
            running([python, "manage.py", "stream_rates"], port) as stream,
        ):
            return await measure(port, stream.pid, exchange, seconds)


def measure_case(coins: int, rate: float, interval: str, seconds: float) -> str:
    """Measure one case; Kraken is there for the value of a USDT."""
    exchange_port = free_port()
    with Kraken(unknown=frozenset(symbols(coins))) as kraken:
        kraken.prices["USDT"] = Decimal(1)
        with service(
            coins,
            BINANCE_STREAM_URL=f"ws://127.0.0.1:{exchange_port}",
            KRAKEN_WS_URL=f"{kraken.url}/v2",
            RATES_STREAM_INTERVAL=interval,
        ) as port:
            return asyncio.run(run(Exchange(coins, rate), exchange_port, port, seconds))


def run_version(folder: Path, case: list[str], seconds: float) -> str:
    """Return the figures of the version in *folder*, as cells of a table."""
    # -P: beside this file is another `dashboard`.
    command = [folder / ".venv/bin/python", "-P", __file__, *case, "--seconds", str(seconds)]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def compare(case: list[str], beside: Path) -> None:
    """Measure both versions in turns; print all rounds, and the ratio of the medians."""
    shares: dict[Path, list[float]] = {HERE: [], beside: []}
    for _ in range(ROUNDS):
        for folder, measured in shares.items():
            line = run_version(folder, case, ROUND_SECONDS).strip()
            print(f"{line} {'this version' if folder == HERE else folder.name}", flush=True)
            measured.append(float(line.rstrip("| ms").rpartition("|")[2]))
    print(f"ratio {statistics.median(shares[HERE]) / statistics.median(shares[beside]):.2f}")


def main() -> None:
    """Measure one case, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", nargs="*")
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--seconds", type=float)
    options = parser.parse_args()
    if options.seconds:
        coins, rate, interval = options.case
        figures = measure_case(int(coins), float(rate), interval, options.seconds)
        print(f"| {coins} | {rate} | {interval} | {figures} |", flush=True)
        return
    print(f"{HEAD}\n|{'---|' * HEAD.count(' |')}", flush=True)
    for case in [options.case] if options.case else CASES:
        if options.beside:
            compare(case, options.beside.resolve())
        else:
            print(run_version(HERE, case, SECONDS), end="", flush=True)


if __name__ == "__main__":
    main()
