"""
The thread that keeps the history: it writes what was published to the database, and fetches what is missing.

It runs beside the ticks in each worker's child, so it needs no process of its own; of all these threads the one that
holds the lease in Redis works. A database that is down makes it wait and nobody else.

Tested in `tests/history/test_recording.py`.
"""

import logging
import secrets
import time
from threading import Event, Thread

from django.db import DatabaseError, close_old_connections

from rates import store
from rates.exceptions import StoreUnavailable
from rates.history import writer
from rates.history.candles import HOUR
from rates.history.filler import Filler

logger = logging.getLogger(__name__)

# Seconds.
PAUSE = 2.0
LEASE = 30.0
LOG_INTERVAL = 60.0
# How long the past is fetched before the next look at what was published; less than the lease, with a slow answer.
FILL_FOR = 3.0


class Keeper:
    """Works whenever it holds the lease, until *stop* is set."""

    def __init__(self) -> None:
        self.stop = Event()
        self._token = secrets.token_hex(8)
        self._filler = Filler(self.stop.wait)
        self._cleaned_at = 0.0
        self._complained_at = float("-inf")

    def run(self) -> None:
        """Keep the history until *stop* is set; the lease is free afterwards."""
        while not self.stop.wait(PAUSE):
            self.take_turn()
        try:
            store.release_leadership(self._token, store.HISTORY_LEADER)
        except StoreUnavailable as error:
            logger.debug("the lease of the history runs out by itself: %s", error)

    def take_turn(self) -> None:
        """Work once if it is our turn; what fails is tried again with the next one."""
        try:
            if store.acquire_leadership(self._token, LEASE, store.HISTORY_LEADER):
                self._work(time.time())
        except (DatabaseError, StoreUnavailable) as error:
            self._complain(error)
        except Exception:
            # The next turn may do better, and without this thread there is no history.
            logger.exception("history: a turn met an internal error")
            self.stop.wait(LOG_INTERVAL)
        finally:
            close_old_connections()

    def _work(self, now: float) -> None:
        writer.write_closed(now)
        # Each hour, and again after a step of the clock.
        if abs(now - self._cleaned_at) >= HOUR:
            writer.delete_old(now)
            self._cleaned_at = now
        self._filler.work(FILL_FOR)

    def _complain(self, error: Exception) -> None:
        if time.monotonic() - self._complained_at >= LOG_INTERVAL:
            self._complained_at = time.monotonic()
            logger.warning("history: candles wait: %s", str(error).partition("\n")[0])


def keep_in_thread() -> Keeper:
    """Keep the history in a thread of this process, until its end."""
    keeper = Keeper()
    Thread(target=keeper.run, name="history", daemon=True).start()
    return keeper
