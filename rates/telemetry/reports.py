"""
What each process reports about itself through Redis, so that any web process can show all of them.

A report is renewed every few seconds; if it is not, its process has ended, and it is deleted. With each report the
process compares its clock with that of Redis: ages, slots and pauses are measured by each process's own clock.

Tested in `tests/api/test_metrics.py` and `tests/test_processes.py`.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from threading import Thread
from typing import Any

import rates
from rates import store
from rates.exceptions import StoreUnavailable
from rates.outage_log import OutageLog, current_faults, tell_refusals
from rates.store.coin_list import coin_list
from rates.telemetry import counts

logger = logging.getLogger(__name__)

# Seconds.
REPORT_INTERVAL = 5.0
GONE_AFTER = 30.0
# Clocks differ between hosts, so an old report is kept for longer than it is shown.
DROPPED_AFTER = 600.0
# A larger difference is logged; at a minute, ticks are dropped and pauses are not kept.
MAX_CLOCK_DIFFERENCE = 5.0
# The fields of a report besides the facts.
AT_FIELD, VERSION_FIELD, SAMPLES_FIELD = "at", "version", "samples"

Facts = Mapping[str, Any]


class Clock:
    """Compares this host's clock with that of Redis: one log line when they differ, and one when they agree again."""

    agrees = True

    def compare(self, before: float, theirs: float, after: float) -> None:
        """Compare Redis' clock, which showed *theirs* at some moment between *before* and *after* by ours."""
        ahead = max(0.0, before - theirs) or min(0.0, after - theirs)
        agrees = abs(ahead) <= MAX_CLOCK_DIFFERENCE
        if self.agrees and not agrees:
            side = "ahead of" if ahead > 0 else "behind"
            logger.warning("the clock of this host is %.0f s %s that of Redis; set them by NTP", abs(ahead), side)
        elif agrees and not self.agrees:
            logger.info("the clock of this host agrees with that of Redis again")
        self.agrees = agrees


_clock = Clock()
_outage_log = OutageLog(logger)
# What is logged while Redis refuses reports, and what when it takes them again. A worker with -B has both in one log.
REFUSED, ACCEPTED = "{kind}: missing in /metrics and in the admin: %s", "{kind}: in /metrics again"


def process_name(kind: str) -> str:
    """Return this process's name: kind, host, process id."""
    return f"{kind}:{socket.gethostname()}:{os.getpid()}"


def report(kind: str, facts: Facts) -> None:
    """
    Store *facts* about this process for people, the samples of `counts` for machines, and the time.

    Raises:
        StoreUnavailable: when Redis cannot be reached.
    """
    samples = counts.samples(kind)
    now = time.time()
    added = {AT_FIELD: now, VERSION_FIELD: rates.__version__, SAMPLES_FIELD: samples}
    if coin_list.fault:
        added["coin_list"] = f"the last one is used: {coin_list.fault}"
    if faults := current_faults():
        added["faults"] = "; ".join(faults)
    _clock.compare(now, store.report_process(process_name(kind), {**facts, **added}), time.time())
    _outage_log.recovered(ACCEPTED.format(kind=kind))


def drop_old_reports(now: float) -> None:
    """
    Delete the reports of processes that ended long ago, or every restart would leave one more.

    Raises:
        StoreUnavailable: when Redis cannot be reached.
    """
    reports = store.load_processes()
    store.forget_processes(name for name, facts in reports.items() if now - facts[AT_FIELD] > DROPPED_AFTER)


def try_report(kind: str, facts: Facts) -> None:
    """Report, and tell what has been refused to this process; log it when that fails."""
    tell_refusals(logger)
    try:
        report(kind, facts)
    except StoreUnavailable as error:
        _outage_log.failed(REFUSED.format(kind=kind), error)


async def report_forever(kind: str, facts: Callable[[], Facts]) -> None:
    """Report every few seconds until cancelled."""
    dropped_at = float("-inf")
    while True:
        try:
            await asyncio.to_thread(try_report, kind, facts())
            if time.monotonic() - dropped_at > DROPPED_AFTER:
                await asyncio.to_thread(drop_old_reports, time.time())
                dropped_at = time.monotonic()
        except StoreUnavailable as error:
            _outage_log.failed(REFUSED.format(kind=kind), error)
        await asyncio.sleep(REPORT_INTERVAL)


def report_in_thread(kind: str, facts: Facts) -> None:
    """Report the present *facts* every few seconds until this process ends, where there is no event loop."""
    Thread(target=_keep_reporting, args=(kind, facts), name="reports", daemon=True).start()


def _keep_reporting(kind: str, facts: Facts) -> None:
    while True:
        try_report(kind, facts)
        time.sleep(REPORT_INTERVAL)


def running(processes: Mapping[str, Facts], now: float) -> dict[str, Facts]:
    """Return the reports of the processes that still report, by name."""
    return {name: facts for name, facts in sorted(processes.items()) if abs(now - facts[AT_FIELD]) <= GONE_AFTER}
