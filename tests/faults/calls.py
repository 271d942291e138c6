"""
Every kind of call that our processes make to Redis, over and over: `python -m tests.faults.calls`.

Says for each how long it took, whether it failed or not: ``<name> <number> seconds``.
"""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

import django

django.setup()

from rates import feed, store  # noqa: E402 - models need the loaded apps
from rates.exceptions import StoreUnavailable  # noqa: E402 - models need the loaded apps

CALLS: dict[str, Callable[[], object]] = {
    "load_header": store.load_header,
    "load_snapshot": store.load_snapshot,
    "load_overview": lambda: store.load_overview(["BTC", "ETH"]),
    "load_histories": lambda: store.load_histories(["BTC"]),
    "publish_coins": feed.publish_coins,
    "report_process": lambda: store.report_process("test:host:1", {"at": 0}),
    "claim_slot": lambda: store.claim_slot(1, 1),
    "acquire_leadership": lambda: store.acquire_leadership("test", 0.1),
}


def call_forever(name: str, call: Callable[[], object]) -> None:
    """Make one call after the other."""
    while True:
        began = time.monotonic()
        with suppress(StoreUnavailable):
            call()
        # In one piece, because the calls run side by side.
        sys.stdout.write(f"{name} {time.monotonic() - began:.2f} seconds\n")
        sys.stdout.flush()
        time.sleep(0.2)


if __name__ == "__main__":
    for item in CALLS.items():
        Thread(target=call_forever, args=item, daemon=True).start()
    time.sleep(600)
