"""
What each process says of itself, through Redis, so that any web process can show all of them.

A report is renewed every few seconds; one that is not was made by a process that is gone.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

from rates import store
from rates.exceptions import StoreUnavailable

# Seconds.
RENEW = 5.0
GONE_AFTER = 30.0

Facts = Mapping[str, Any]


def process_name(kind: str) -> str:
    """Return this process's name: what it is, its host, its process id."""
    return f"{kind}:{socket.gethostname()}:{os.getpid()}"


def report(kind: str, facts: Facts) -> None:
    """
    Store *facts* about this process, with the time.

    Raises:
        StoreUnavailable: when Redis cannot be reached.
    """
    store.report_process(process_name(kind), {**facts, "at": time.time()})


async def report_forever(kind: str, facts: Callable[[], Facts]) -> None:
    """Report every few seconds until cancelled; a Redis that is away is somebody else's log line."""
    while True:
        try:
            await asyncio.to_thread(report, kind, facts())
        except StoreUnavailable:
            await asyncio.sleep(RENEW)
        await asyncio.sleep(RENEW)


def running(processes: Mapping[str, Facts], now: float) -> dict[str, Facts]:
    """Return the reports of the processes that still report, by name."""
    return {name: facts for name, facts in sorted(processes.items()) if abs(now - facts["at"]) <= GONE_AFTER}
