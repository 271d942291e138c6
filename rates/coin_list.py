"""The coins on the board, also while the database cannot be read: prices do not stop because nobody can edit them."""

import logging
import time

from django.db import DatabaseError

from rates.models import Coin

logger = logging.getLogger(__name__)

# Seconds between two log lines about a database that stays away.
QUIET = 60.0


class CoinList:
    """What this process read last, and when it last complained that it could not."""

    def __init__(self) -> None:
        self._coins: list[Coin] | None = None
        self._complained_at = float("-inf")

    def read(self) -> list[Coin]:
        """
        Return the enabled coins, in order; those of the last time while the database cannot be read.

        Raises:
            DatabaseError: when it could not be read yet either.
        """
        try:
            self._coins = list(Coin.objects.enabled())
        except DatabaseError as error:
            if self._coins is None:
                raise
            self._complain(error)
        return list(self._coins)

    def _complain(self, error: DatabaseError) -> None:
        if time.monotonic() - self._complained_at >= QUIET:
            self._complained_at = time.monotonic()
            logger.warning("the coin list cannot be read, the last one is used: %s", str(error).partition("\n")[0])


coin_list = CoinList()
