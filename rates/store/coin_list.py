"""The coins on the board, also while the database cannot be read: prices do not stop because nobody can edit them."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection, transaction

from rates.models import Coin

logger = logging.getLogger(__name__)

# Seconds between two log lines about a database that stays away.
LOG_INTERVAL = 60.0
# Seconds that a database which failed is left alone: no failure may cost its time-out again in the same tick, nor each
# time that a publisher decides anew because others went on.
RETRY_AFTER = 5.0
# Milliseconds that PostgreSQL may take for the list; a tick has a few seconds for everything.
DEADLINE = 1000


class CoinList:
    """What this process read last, when that last failed, and when it last complained of it."""

    def __init__(self) -> None:
        self._coins: list[Coin] | None = None
        self._failed_at = float("-inf")
        self._complained_at = float("-inf")

    def read(self) -> list[Coin]:
        """
        Return the enabled coins, in order; those of the last time while the database cannot be read.

        Raises:
            DatabaseError: when it could not be read yet either.
        """
        if self._coins is not None and time.monotonic() - self._failed_at < RETRY_AFTER:
            return list(self._coins)
        try:
            with _deadline():
                self._coins = coins = list(Coin.objects.enabled())
        except DatabaseError as error:
            if self._coins is None:
                raise
            self._failed_at = time.monotonic()
            self._complain(error)
            coins = self._coins
        # Never what another thread has read meanwhile, which may be older.
        return list(coins)

    def _complain(self, error: DatabaseError) -> None:
        if time.monotonic() - self._complained_at >= LOG_INTERVAL:
            self._complained_at = time.monotonic()
            logger.warning("the coin list cannot be read, the last one is used: %s", str(error).partition("\n")[0])


@contextmanager
def _deadline() -> Iterator[None]:
    """
    Give up a query of PostgreSQL's that takes too long, as behind a migration that waits for a transaction left open.

    For this query alone: staff and migrations wait for as long as they need. SQLite's readers wait for nobody.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {DEADLINE}")
        yield


coin_list = CoinList()
