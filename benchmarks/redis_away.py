"""
What a tick waits for Redis: `python -m benchmarks.redis_away`.

Between the service and its Redis is a proxy that passes everything on after half of *seconds*, in both directions. The
sources are stand-ins on this machine, so a tick takes what its round trips take, one after the other. In the second
row the first of the sources refuses, so that the others are asked in a second round.
"""

import statistics
import sys
import time
from multiprocessing import get_context

from benchmarks.feed import service
from benchmarks.tick import run_vendors

AWAY = 0.2
WARM_UP, TICKS = 2, 5
NOBODY = "http://127.0.0.1:1/"


def run_ticks() -> str:
    """Run ticks as a worker does; return how long one took, and in how many round trips."""
    from django.conf import settings  # noqa: PLC0415 - Django reads its settings first

    from rates import feed, store  # noqa: PLC0415

    took, answers = [], {}
    for number in range(WARM_UP + TICKS):
        time.sleep(3)
        began = time.monotonic()
        store.claim_slot(number, 60)
        answers = feed.run_tick().answers
        took.append(time.monotonic() - began)
    median = statistics.median(took[WARM_UP:])
    asked = len(settings.RATES_SOURCES) - sum(isinstance(answer, Exception) for answer in answers.values())
    return f"{asked} | {median:.2f} s | {median / AWAY:.1f}"


def measure(coins: int, refusing: bool) -> None:
    """Print one row."""
    context = get_context("fork")
    here, there = context.Pipe()
    vendors = context.Process(target=run_vendors, args=(coins, there), daemon=True)
    vendors.start()
    coingecko, binance, kraken = here.recv()
    sources = {"COINGECKO_API_URL": NOBODY if refusing else coingecko, "BINANCE_WS_API_URL": binance}
    times = {"RATES_REFRESH_INTERVAL": "5", "RATES_STALE_AFTER": "6"}
    with service(coins, AWAY, RATES_STREAM="off", KRAKEN_WS_URL=kraken, **times, **sources):
        print(f"| {coins} | {run_ticks()} |", flush=True)
    vendors.kill()


if __name__ == "__main__":
    measure(int(sys.argv[1]), len(sys.argv) > 2)
