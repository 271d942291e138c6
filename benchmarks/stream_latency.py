"""
From an event of an exchange to the frame on the socket: `python -m benchmarks.stream_latency`.

A server that speaks Binance's stream protocol sends events with unique prices, evenly spaced; a socket of the plain
dialect records when each price arrives. `stream_rates` and one web process run as in production. An event that was
superseded by a newer one of its coin before the next publication is not counted.

One case only: `python -m benchmarks.stream_latency COINS EVENTS_PER_SECOND RATES_STREAM_INTERVAL`.
"""

import asyncio
import json
import os
import random
import statistics
import sys
import time
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from benchmarks.fan_out import running
from benchmarks.feed import run_each, service, symbols
from tests.ports import free_port
from tests.stand_ins.kraken import Kraken

CASES = [["4", "4", "1"], ["4", "4", "0.1"], ["300", "1000", "1"], ["300", "1000", "0.1"]]
WARM_UP, SECONDS = 8, 40
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Exchange:
    """Sends *rate* events a second about its coins in turn, each with a unique price."""

    def __init__(self, coins: int, rate: float) -> None:
        self.sent: dict[str, float] = {}
        self._symbols = symbols(coins)
        self._rate = rate

    async def talk(self, connection: ServerConnection) -> None:
        """Send events until the connection ends; requests are not answered."""
        with suppress(ConnectionClosed):
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
            for symbol, price in json.loads(frame, parse_float=str, parse_int=str).items():
                if seen.get(symbol) != price:
                    seen[symbol] = price
                    delays.append((now - exchange.sent[symbol + price]) * 1000)


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


async def measure(port: int, stream_pid: int, exchange: Exchange) -> str:
    """Listen for a while; return the figures."""
    delays: list[float] = []
    listener = asyncio.create_task(listen(port, exchange, delays))
    await asyncio.sleep(WARM_UP)
    delays.clear()
    used, began = cpu_seconds(stream_pid), time.monotonic()
    await asyncio.sleep(SECONDS)
    share = (cpu_seconds(stream_pid) - used) / (time.monotonic() - began)
    listener.cancel()
    middle, late = statistics.median(delays), statistics.quantiles(delays, n=20)[-1]
    return f"{middle:,.0f} ms | {late:,.0f} ms | {len(delays):,} | {share:.1%}"


async def run(exchange: Exchange, exchange_port: int, port: int) -> str:
    """Start the exchange and the processes, and measure."""
    python = sys.executable
    async with serve(exchange.talk, "127.0.0.1", exchange_port, compression=None, ping_interval=None):
        with (
            running([python, "manage.py", "serve"], port),
            running([python, "manage.py", "stream_rates"], port) as stream,
        ):
            return await measure(port, stream.pid, exchange)


def measure_case(coins: int, rate: float, interval: str) -> str:
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
            return asyncio.run(run(Exchange(coins, rate), exchange_port, port))


def main() -> None:
    """Measure one case, or all of them."""
    if len(sys.argv) == 1:
        print("| coins | events per second | RATES_STREAM_INTERVAL | median | 95 % within | prices | CPU |")
        print("|---|---|---|---|---|---|---|", flush=True)
        run_each("benchmarks.stream_latency", CASES)
        return
    coins, rate, interval = sys.argv[1:]
    print(f"| {coins} | {rate} | {interval} | {measure_case(int(coins), float(rate), interval)} |", flush=True)


if __name__ == "__main__":
    main()
