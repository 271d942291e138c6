"""The Celery task that keeps the board fresh; beat sends it, `config/celery.py` says when."""

import logging
import time

from celery import shared_task
from celery.signals import worker_ready
from django.conf import settings

from rates import feed, reports, store
from rates.exceptions import StoreUnavailable

logger = logging.getLogger(__name__)

# Seconds between two log lines about a Redis that stays away.
QUIET = 60.0
# A slot's claim outlives the slot: a late message of the same slot must not run again.
SLOTS_CLAIMED = 3


class _Outage:
    """When this process last complained about Redis; one line a minute is enough."""

    complained_at = float("-inf")

    def complain(self, error: StoreUnavailable) -> None:
        if time.monotonic() - self.complained_at >= QUIET:
            self.complained_at = time.monotonic()
            logger.warning("tick without effect: %s", error)


_outage = _Outage()


@shared_task(name="rates.tasks.refresh_rates", ignore_result=True, acks_late=False)  # type: ignore[untyped-decorator]
def refresh_rates() -> None:
    """
    Run the tick of the present slot, unless another worker has it.

    A slot is `floor(now / RATES_REFRESH_INTERVAL)`, so however many beats send this task, one run per slot has effect.
    """
    interval = settings.RATES_REFRESH_INTERVAL
    try:
        if store.claim_slot(int(time.time() // interval), SLOTS_CLAIMED * interval):
            started = time.monotonic()
            tick = feed.take_tick()
            seconds = round(time.monotonic() - started, 4)
            reports.report("worker", {"tick_seconds": seconds, "seq": tick.saved.snapshot.seq})
    except StoreUnavailable as error:
        _outage.complain(error)


@worker_ready.connect  # type: ignore[untyped-decorator]
def refresh_at_start(**_kwargs: object) -> None:
    """Fetch the first price when the worker starts, not one interval later."""
    refresh_rates.apply_async(expires=settings.RATES_REFRESH_INTERVAL)
