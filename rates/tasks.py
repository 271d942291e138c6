"""
The Celery task that keeps the board fresh; beat sends it, `config/celery.py` says when.

Tested in `tests/test_pipeline.py` and `tests/faults/test_slots.py`.
"""

import logging
import time

from celery import shared_task
from celery.signals import beat_init, worker_init, worker_process_init, worker_process_shutdown, worker_ready
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError

from rates import feed, garbage_collection, store
from rates.exceptions import StoreUnavailable
from rates.history.recorder import recorder
from rates.history_thread import HistoryThread
from rates.outage_log import OutageLog
from rates.start_notes import note_proxies
from rates.telemetry import counts
from rates.telemetry.reports import report_in_thread

logger = logging.getLogger(__name__)

# Seconds after which a task that no worker has taken is dropped, or tasks would pile up for a worker that is too slow.
# The time is set by the sender's clock and checked by the worker's, so these must not differ by more. Tasks that waited
# run nothing twice: each claims only the slot of the moment at which it is taken.
EXPIRES = max(60.0, settings.RATES_REFRESH_INTERVAL)
# How many slots a claim lasts: a late task must not run the same slot again.
SLOTS_CLAIMED = 3


# Says that Redis or the database is down.
_outage_log = OutageLog(logger)
# What this process reports about its last tick.
_last_tick: dict[str, float] = {}
# The thread of the history, in the process that runs the ticks.
_history: list[HistoryThread] = []


@shared_task(  # type: ignore[untyped-decorator]
    name="rates.tasks.refresh_rates", ignore_result=True, acks_late=False, expires=EXPIRES
)
def refresh_rates() -> None:
    """
    Run the tick of the present slot, unless another worker has claimed it.

    A slot is `floor(now / RATES_REFRESH_INTERVAL)`, so each slot runs once, however many beats send this task.
    """
    outcome = "failed"
    try:
        outcome = _run_slot(settings.RATES_REFRESH_INTERVAL)
        if outcome == "run":
            _outage_log.recovered("ticks have an effect again")
    except (StoreUnavailable, DatabaseError) as error:
        _outage_log.failed("tick without effect: %s", error)
    finally:
        counts.ticks.labels(outcome).inc()


def _run_slot(interval: float) -> str:
    """Return the outcome: `run` by this process, or `taken` by another one."""
    if not store.claim_slot(int(time.time() // interval), SLOTS_CLAIMED * interval):
        return "taken"
    started = time.monotonic()
    with counts.tick_time.time():
        tick = feed.run_tick()
    counts.last_tick.set_to_current_time()
    _last_tick.update(tick_seconds=round(time.monotonic() - started, 4), seq=tick.saved.snapshot.seq)
    return "run"


@worker_ready.connect  # type: ignore[untyped-decorator]
def refresh_at_start(**_kwargs: object) -> None:
    """Fetch the first prices when the worker starts, not one interval later."""
    refresh_rates.delay()
    # After the fork, because it has threads.
    note_proxies()


@worker_init.connect  # type: ignore[untyped-decorator]
def prepare_to_fork(**_kwargs: object) -> None:
    """
    Load what the first tick would, which must not spend its deadline on imports.

    It stays in pages that are shared with the processes of the pool and of beat: a collection would write them.
    """
    get_channel_layer()
    if settings.RATES_SOURCES != ["simulated"]:
        from rates.outbound import http  # noqa: F401, PLC0415 - 4 MB that made-up prices do without
    garbage_collection.freeze_startup_heap()


@worker_process_init.connect  # type: ignore[untyped-decorator]
def start_process(**_kwargs: object) -> None:
    """Prepare the child process, which runs the ticks, and report from it; its parent only hands them over."""
    garbage_collection.freeze_startup_heap()
    counts.start_at_zero(counts.answers, settings.RATES_SOURCES, ("answered", *counts.FAILURES))
    report_in_thread("worker", _last_tick)
    _history.append(HistoryThread())
    _history[-1].start()


@worker_process_shutdown.connect  # type: ignore[untyped-decorator]
def end_process(**_kwargs: object) -> None:
    """Leave nothing behind of what this process has published."""
    recorder().flush()
    for thread in _history:
        thread.end()


@beat_init.connect  # type: ignore[untyped-decorator]
def report_beat(**_kwargs: object) -> None:
    """Report that beat is running, in its own process or in a worker's (`-B`)."""
    report_in_thread("beat", {})
