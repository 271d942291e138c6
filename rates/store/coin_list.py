"""The coins on the board, also while the database is down: prices go on, though nobody can edit the list."""

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection, transaction

from rates.models import Coin

logger = logging.getLogger(__name__)

# Seconds between two log lines about a database that is down.
LOG_INTERVAL = 60.0
# Seconds after a failure during which the database is not asked: its timeout must not be waited for again in the same
# tick, nor each time that a publisher decides again because another one was faster.
RETRY_AFTER = 5.0
# Milliseconds that PostgreSQL may take for the list; a tick has a few seconds in total.
DEADLINE = 1000


class CoinList:
    """The list that this process last read, when reading last failed, and when that was last logged."""

    def __init__(self) -> None:
        self._coins: list[Coin] | None = None
        self._failed_at = float("-inf")
        self._logged_at = float("-inf")

    def read(self) -> list[Coin]:
        """
        Return the enabled coins, in order; while the database is down, those that were read last.

        Raises:
            DatabaseError: when the database is down and the list was never read.
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
            self._log_failure(error)
            coins = self._coins
        # Not `self._coins`: another thread may have replaced it by an older list.
        return list(coins)

    def confirm_pairs(self, proven: Iterable[tuple[str, str]]) -> None:
        """Keep in the database that the pair of each (symbol, source) is the coin's; the board knows it anyway."""
        coins = {coin.symbol: coin for coin in self._coins or ()}
        try:
            for symbol, source in proven:
                # Another thread may have read a list that lacks them by now.
                if symbol in coins and source in coins[symbol].pairs:
                    _confirm_pair(coins[symbol], source)
        except DatabaseError as error:
            logger.warning("verified pairs cannot be kept: %s", str(error).partition("\n")[0])

    def _log_failure(self, error: DatabaseError) -> None:
        if time.monotonic() - self._logged_at >= LOG_INTERVAL:
            self._logged_at = time.monotonic()
            logger.warning("the coin list cannot be read, the last one is used: %s", str(error).partition("\n")[0])


def _confirm_pair(coin: Coin, source: str) -> None:
    """Mark the pair as verified, unless the coin was edited since; without a signal, for nothing looks different."""
    name, field = coin.pairs[source].name, f"{source}_symbol"
    same = Coin.objects.filter(pk=coin.pk, coingecko_id=coin.coingecko_id, **{field: getattr(coin, field)})
    if same.update(**{field: name, f"{source}_verified": True}):
        logger.info("%s: %s is this coin's pair, its price agrees", coin.symbol, name)


@contextmanager
def _deadline() -> Iterator[None]:
    """
    Cancel a query that takes PostgreSQL too long, for instance behind a migration that waits for an open transaction.

    For this query alone: staff and migrations may wait as long as they need. Readers of SQLite never wait.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {DEADLINE}")
        yield


coin_list = CoinList()
