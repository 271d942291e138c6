"""
Calls to a source on behalf of staff, between the ticks: never while it is paused, and counted like a tick's calls.

A limit, a refusal or an outage that names its end becomes a pause for every process. Good answers and other failures do
not change the health of the source: they are about a request of staff, and say little about the next tick's.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from math import isinf
from typing import TypeVar

from django.conf import settings

from rates import store
from rates.exceptions import SourceError, SourceLimited, SourceRefused
from rates.sources import pacing
from rates.sources.pacing import Health
from rates.sources.protocols import Source

logger = logging.getLogger(__name__)

T = TypeVar("T")


def call_source(source: Source, cost: int, ask: Callable[[], T]) -> T:
    """
    Return the result of *ask*, which makes *cost* calls to *source*.

    Pauses and the month's credits apply, but not the spacing between two ticks: staff would never get through.

    Raises:
        SourceError: from *ask*, or with the reason why the source may not be called now.
        StoreUnavailable: when Redis cannot be reached: nobody is called if the pauses are not known.
    """
    now = datetime.now(UTC)
    health = pacing.read_health(store.load_healths(), source.NAME, source.setup_fingerprint())
    _check_pause(source.NAME, health, now)
    _check_credits(source, cost, now)
    store.count_calls({source.NAME: cost}, now)
    try:
        return ask()
    except SourceError as error:
        if isinstance(error, SourceLimited | SourceRefused) or error.retry_after:
            _share_pause(source.NAME, health, error, now.timestamp())
        raise


def _check_pause(name: str, health: Health, now: datetime) -> None:
    if left := pacing.pause_left(health, now.timestamp()):
        why = health.error.removeprefix(f"{name}: ")
        raise SourceError(name, f"paused for another {left:.0f} s: {why}")


def _check_credits(source: Source, cost: int, now: datetime) -> None:
    if pacing.monthly_credits(source) and isinf(pacing.credit_spacing(source, cost, store.load_calls(), now)):
        raise SourceError(source.NAME, f"not asked until next month: {source.CREDITS_SETTING} are used up")


def _share_pause(name: str, health: Health, error: SourceError, asked_at: float) -> None:
    took = time.time() - asked_at
    learned = pacing.after_error(health, error, asked_at, settings.RATES_REFRESH_INTERVAL, took)
    store.update_healths(partial(pacing.merge_health, {name: learned}))
    logger.warning("%s; not asked again for %.0f s", error, learned.paused_until - asked_at - took)
