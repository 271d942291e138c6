"""The coins on the board, also while the database is down: prices go on, though nobody can edit the list."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

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


class _Known(NamedTuple):
    """The rows of the table that were read last, and the coins that they are: to make 300 of them takes 3 ms."""

    rows: list[tuple[Any, ...]]
    coins: list[Coin]


@cache
def _query() -> tuple[str, tuple[Any, ...]]:
    """Return the query of the enabled coins and its parameters, made once: that takes as long as to read 300 rows."""
    sql, params = Coin.objects.enabled().query.sql_with_params()
    return sql, tuple(params)


def _read_rows() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(*_query())
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _make_coin(row: Sequence[Any]) -> Coin:
    fields = Coin._meta.concrete_fields
    values = [field.to_python(value) for field, value in zip(fields, row, strict=True)]
    return Coin.from_db(None, [field.attname for field in fields], values)


class CoinList:
    """The list that this process last read, when reading last failed, and when that was last logged."""

    def __init__(self) -> None:
        self._known: _Known | None = None
        self._failed_at = float("-inf")
        self._logged_at = float("-inf")

    def read(self) -> list[Coin]:
        """
        Return the enabled coins, in order; while the database is down, those that were read last.

        They are the same objects as long as nothing was edited, so nobody may change them.

        Raises:
            DatabaseError: when the database is down and the list was never read.
        """
        known = self._known
        if known is not None and time.monotonic() - self._failed_at < RETRY_AFTER:
            return list(known.coins)
        try:
            with _deadline():
                rows = _read_rows()
        except DatabaseError as error:
            if known is None:
                raise
            self._failed_at = time.monotonic()
            self._log_failure(error)
            return list(known.coins)
        if known is None or rows != known.rows:
            # Not read from `self._known` again: another thread may have replaced it by an older list.
            self._known = known = _Known(rows, [_make_coin(row) for row in rows])
        return list(known.coins)

    def confirm_pairs(self, proven: Iterable[tuple[str, str]]) -> None:
        """Keep in the database that the pair of each (symbol, source) is the coin's; the board knows it anyway."""
        coins = {coin.symbol: coin for coin in self._known.coins} if self._known else {}
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
