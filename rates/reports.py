"""
What each process says of itself, through Redis, so that any web process can show all of them.

A report is renewed every few seconds; one that is not was made by a process that is gone, and is dropped.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Thread
from typing import Any

import rates
from rates import counts, store
from rates.exceptions import StoreUnavailable

# Seconds.
RENEW = 5.0
GONE_AFTER = 30.0
# Hosts' clocks differ, so a report that looks old stays for longer than it counts.
DROPPED_AFTER = 600.0
# What a report holds besides the facts.
AT, VERSION, SAMPLES = "at", "version", "samples"

Facts = Mapping[str, Any]


def process_name(kind: str) -> str:
    """Return this process's name: what it is, its host, its process id."""
    return f"{kind}:{socket.gethostname()}:{os.getpid()}"


def report(kind: str, facts: Facts) -> None:
    """
    Store *facts* about this process for people, the samples that `counts` has for machines, and the time.

    Raises:
        StoreUnavailable: when Redis cannot be reached.
    """
    added = {AT: time.time(), VERSION: rates.__version__, SAMPLES: counts.samples(kind)}
    store.report_process(process_name(kind), {**facts, **added})


def drop_gone(now: float) -> None:
    """
    Drop the reports of processes that are gone for long, or every restart would leave one more.

    Raises:
        StoreUnavailable: when Redis cannot be reached.
    """
    reports = store.load_processes()
    store.forget_processes(name for name, facts in reports.items() if now - facts[AT] > DROPPED_AFTER)


async def report_forever(kind: str, facts: Callable[[], Facts]) -> None:
    """Report every few seconds until cancelled; a Redis that is away is somebody else's log line."""
    dropped_at = float("-inf")
    while True:
        try:
            await asyncio.to_thread(report, kind, facts())
            if time.monotonic() - dropped_at > DROPPED_AFTER:
                await asyncio.to_thread(drop_gone, time.time())
                dropped_at = time.monotonic()
        except StoreUnavailable:
            await asyncio.sleep(RENEW)
        await asyncio.sleep(RENEW)


def report_in_thread(kind: str, facts: Facts) -> None:
    """Report *facts*, as they are then, until this process ends; for where there is no event loop to do it."""
    Thread(target=_keep_reporting, args=(kind, facts), name="reports", daemon=True).start()


def _keep_reporting(kind: str, facts: Facts) -> None:
    while True:
        with suppress(StoreUnavailable):
            report(kind, facts)
        time.sleep(RENEW)


def running(processes: Mapping[str, Facts], now: float) -> dict[str, Facts]:
    """Return the reports of the processes that still report, by name."""
    return {name: facts for name, facts in sorted(processes.items()) if abs(now - facts[AT]) <= GONE_AFTER}
