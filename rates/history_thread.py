"""
The thread that writes published minutes to the database, and fetches what is missing and what comes once a day.

It runs in each worker's child, beside the ticks; of all these threads the leader works, by a lease in Redis. If the
database is down, only this thread waits for it.

Tested in `tests/history/test_recording.py`.
"""

import logging
import secrets
import time
from datetime import UTC, datetime
from threading import Event, Thread

from django.db import DatabaseError, close_old_connections

from rates import store
from rates.backfill.gap_filler import GapFiller
from rates.central_bank import daily
from rates.exceptions import StoreUnavailable
from rates.history import writer
from rates.history.candles import HOUR
from rates.history.day_stats import DayTracker
from rates.outage_log import OutageLog

logger = logging.getLogger(__name__)

# Seconds.
PAUSE = 2.0
LEASE = 30.0
AFTER_INTERNAL_ERROR = 60.0
# How long a process that ends waits for this thread, which may wait for a vendor.
END_WITHIN = 2.0
# How long the leader keeps its connection to the database: to open one for each minute, which in SQLite ends by moving
# all that was written into the file, would cost half as much again as the writing.
CONNECTION_KEPT = 600.0
# How long gaps are filled in one turn; with a slow answer less than the lease.
FILL_FOR = 3.0


class HistoryThread:
    """Works while it is the leader, until *stop* is set."""

    def __init__(self) -> None:
        self.stop = Event()
        self._thread = Thread(target=self.run, name="history", daemon=True)
        self._token = secrets.token_hex(8)
        self._filler = GapFiller(self.stop.wait)
        self._days = DayTracker()
        self._cleaned_at = 0.0
        self._reconnect_at = float("-inf")
        self._log = OutageLog(logger)

    def start(self) -> None:
        """Start it in this process, until the process ends."""
        self._thread.start()

    def end(self) -> None:
        """Stop it, and wait a moment until the lease is released: the next leader would wait for it to expire."""
        self.stop.set()
        self._thread.join(END_WITHIN)

    def run(self) -> None:
        """Work until *stop* is set, then release the lease."""
        while not self.stop.wait(PAUSE):
            self.run_once()
        close_old_connections()
        try:
            store.release_leadership(self._token, store.HISTORY_LEADER)
        except StoreUnavailable as error:
            logger.debug("the lease of the history expires by itself: %s", error)

    def run_once(self) -> None:
        """Take one turn if this is the leader; what fails is tried again in the next one, with another connection."""
        connected = False
        try:
            if store.acquire_leadership(self._token, LEASE, store.HISTORY_LEADER):
                self._work(time.time())
                connected = time.monotonic() < self._reconnect_at
            self._log.recovered("history: candles are stored again")
        except (DatabaseError, StoreUnavailable) as error:
            self._log.failed("history: candles wait: %s", error)
        except Exception:
            # Without this thread there is no history, so it must not end.
            logger.exception("history: a turn met an internal error")
            self.stop.wait(AFTER_INTERNAL_ERROR)
        finally:
            if not connected:
                close_old_connections()
                self._reconnect_at = time.monotonic() + CONNECTION_KEPT

    def _work(self, now: float) -> None:
        writer.write_closed(now)
        # Each hour, and after a step of the clock.
        if abs(now - self._cleaned_at) >= HOUR:
            writer.delete_old(now)
            self._cleaned_at = now
        self._days.refresh(now)
        daily.refresh(datetime.fromtimestamp(now, UTC))
        self._filler.work(FILL_FOR)
