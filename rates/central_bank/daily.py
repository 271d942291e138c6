"""
The file is asked for twice a day, kept in Redis, and told to every tick.

It is asked for by the thread of the history, so that no tick waits for it.
"""

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings

from rates import store
from rates.central_bank import file
from rates.currencies import CENTRAL_BANK, measured
from rates.exceptions import SourceError
from rates.sources import pacing
from rates.sources.pacing import Health
from rates.types import Rate

logger = logging.getLogger(__name__)

# When it is asked for, after midnight UTC: the file is published at about 16:00 Frankfurt time.
ASKED_AT = (timedelta(hours=15, minutes=30), timedelta(hours=17, minutes=30))
TIMEOUT = 5.0
# Seconds until the next attempt after a failure that has no pause of its own.
RETRY_AFTER = 600.0


def is_used() -> bool:
    """Return whether the bank is asked: never beside simulated prices."""
    return bool(settings.ECB_RATES_URL) and settings.RATES_SOURCES != ["simulated"]


def read_rates(text: str | None, now: datetime) -> list[Rate]:
    """Return what one unit of the base is worth by *text*, the newest file, for the currencies that are offered."""
    codes = measured() if is_used() else []
    return file.read_rates(text, codes, now) if text and codes else []


def refresh(now: datetime) -> None:
    """
    Ask for the file if it is due; a failure is logged, shared as a pause, and tried again.

    Raises:
        StoreUnavailable: when Redis cannot be reached.
    """
    if not is_used() or not measured():
        return
    health = pacing.read_health(store.load_healths(), CENTRAL_BANK, file.setup_fingerprint())
    if not _is_due(health, now):
        return
    store.count_calls({CENTRAL_BANK: 1}, now)
    learned = _ask(health, now)
    store.update_healths(partial(pacing.merge_health, {CENTRAL_BANK: learned}))


def _is_due(health: Health, now: datetime) -> bool:
    answered = last_time(now).timestamp() <= health.answered_at <= now.timestamp() + pacing.MAX_CLOCK_SKEW
    wait = RETRY_AFTER if health.failures else 0.0
    return not answered and pacing.may_ask(health, now.timestamp(), 0.0, wait)


def last_time(now: datetime) -> datetime:
    """Return the last moment before *now* at which the file was to be asked for."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    times: Sequence[datetime] = [midnight - timedelta(days=1) + ASKED_AT[-1], *(midnight + at for at in ASKED_AT)]
    return max(moment for moment in times if moment <= now)


def _ask(health: Health, now: datetime) -> Health:
    asked_at, started = now.timestamp(), time.monotonic()
    try:
        store.save_bank_file(file.fetch_file(TIMEOUT))
    except SourceError as error:
        if not health.failures:
            logger.warning("%s", error)
        return pacing.after_error(health, error, asked_at, RETRY_AFTER, time.monotonic() - started)
    if health.failures:
        logger.info("%s: answers again", CENTRAL_BANK)
    return pacing.after_answer(health, asked_at, settings.RATES_REFRESH_INTERVAL)
