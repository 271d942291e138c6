"""
The coins on the board, also while the database is down: prices go on, though nobody can edit the list.

The last list is kept in this process and in Redis, for processes that start meanwhile.
"""

import json
import logging
import time
from collections.abc import Iterable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple, cast

from django.core import serializers
from django.core.serializers.base import DeserializationError
from django.db import DatabaseError, connection

from rates.exceptions import StoreUnavailable, one_line
from rates.models import Coin
from rates.outage_log import OutageLog
from rates.store.database import database_thread
from rates.store.keys import COINS
from rates.store.redis_client import client, redis_errors

logger = logging.getLogger(__name__)

# Seconds after a failure during which the database is not asked: its deadline must not be waited for again in the same
# tick, nor each time that a publisher decides again because another one was faster.
RETRY_AFTER = 5.0
# Seconds after which the same list is copied to Redis again.
SAVE_INTERVAL = 30.0
VERSION = 1


class _Known(NamedTuple):
    """
    The rows of the table that were read last, and the coins that they are: to make 300 of them takes 3 ms.

    *version* is that of the database when it was asked for them; None where it does not tell.
    """

    rows: list[tuple[Any, ...]]
    coins: list[Coin]
    version: tuple[Any, ...] | None = None


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


def _find_version() -> tuple[Any, ...] | None:
    """
    Return what is another value once anything in an SQLite database has changed; None for other databases.

    Also None within a transaction: what it has changed may be undone, and the value would be the same again.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return None
    with connection.cursor() as cursor:
        # Changes when another connection commits; `total_changes` counts what this one does.
        told = cursor.execute("PRAGMA data_version").fetchone()
    sqlite = connection.connection
    return sqlite, told, sqlite.total_changes


def _make_coin(row: Sequence[Any]) -> Coin:
    fields = Coin._meta.concrete_fields
    values = [field.to_python(value) for field, value in zip(fields, row, strict=True)]
    return Coin.from_db(None, [field.attname for field in fields], values)


def _ask(known: _Known | None) -> _Known:
    """Return the list of now; the coins of *known* if they are the same."""
    # Found before the rows are read, so that a change in between is noticed the next time.
    version = _find_version()
    if known is not None and version is not None and version == known.version:
        return known
    rows = database_thread.ask(_read_rows)
    if known is not None and rows == known.rows:
        return known._replace(version=version)
    return _Known(rows, [_make_coin(row) for row in rows], version)


class CoinList:
    """
    The list that this process last knew.

    Attributes:
        fault: why the list cannot be read at present; empty when it can.
    """

    def __init__(self) -> None:
        self.fault = ""
        self._known: _Known | None = None
        self._saved: list[Coin] | None = None
        self._read_at = float("-inf")
        self._failed_at = float("-inf")
        self._saved_at = float("-inf")
        self._log = OutageLog(logger)

    def read(self) -> list[Coin]:
        """
        Return the enabled coins, in order; while the database is down, those that were read last by any process.

        They are the same objects as long as nothing was edited, so nobody may change them.

        Raises:
            DatabaseError: when the database is down and nobody knows the list.
        """
        known = self._known
        if known is not None and time.monotonic() - self._failed_at < RETRY_AFTER:
            return list(known.coins)
        try:
            known = _ask(known)
        except DatabaseError as error:
            known = self._use_last(error)
        else:
            self._known, self._read_at, self.fault = known, time.time(), ""
            self._log.recovered("the coin list can be read again")
        self._save(known)
        # Not read from `self._known` again: another thread may have replaced it by an older list.
        return list(known.coins)

    def _use_last(self, error: DatabaseError) -> _Known:
        self.fault = one_line(error)
        read_at, coins = _load()
        if coins is not None and read_at > self._read_at:
            self._known, self._read_at = _Known([], coins), read_at
        if self._known is None:
            raise error
        self._failed_at = time.monotonic()
        self._log.failed("the coin list cannot be read, the last one is used: %s", error)
        return self._known

    def _save(self, known: _Known) -> None:
        """Copy an edited list to Redis, and again from time to time, because Redis may lose it."""
        if known.coins is self._saved and time.monotonic() - self._saved_at < SAVE_INTERVAL:
            return
        self._saved, self._saved_at = known.coins, time.monotonic()
        copy = {"v": VERSION, "read_at": self._read_at, "coins": serializers.serialize("python", known.coins)}
        try:
            with redis_errors():
                client().set(COINS, json.dumps(copy))
        except StoreUnavailable as error:
            # Told by whoever publishes.
            logger.debug("the coin list cannot be kept in Redis: %s", error)

    def confirm_pairs(self, proven: Iterable[tuple[str, str]]) -> None:
        """Keep in the database that the pair of each (symbol, source) is the coin's; the board knows it anyway."""
        coins = {coin.symbol: coin for coin in self._known.coins} if self._known else {}
        try:
            for symbol, source in proven:
                # Another thread may have read a list that lacks them by now.
                if symbol in coins and source in coins[symbol].pairs:
                    database_thread.ask(partial(_confirm_pair, coins[symbol], source))
        except DatabaseError as error:
            logger.warning("verified pairs cannot be kept: %s", str(error).partition("\n")[0])


def _load() -> tuple[float, list[Coin] | None]:
    """Return when the list in Redis was read, as Unix time, and its coins; None where there is none to be used."""
    try:
        with redis_errors():
            copy = json.loads(client().get(COINS) or "{}")
        if copy.get("v") != VERSION:
            return 0.0, None
        found = serializers.deserialize("python", copy["coins"], ignorenonexistent=True)
        return copy["read_at"], [cast("Coin", each.object) for each in found]
    except (StoreUnavailable, DeserializationError) as error:
        logger.debug("the coin list in Redis cannot be read: %s", error)
        return 0.0, None


def _confirm_pair(coin: Coin, source: str) -> None:
    """Mark the pair as verified, unless the coin was edited since; without a signal, for nothing looks different."""
    name, field = coin.pairs[source].name, f"{source}_symbol"
    same = Coin.objects.filter(pk=coin.pk, coingecko_id=coin.coingecko_id, **{field: getattr(coin, field)})
    if same.update(**{field: name, f"{source}_verified": True}):
        logger.info("%s: %s is this coin's pair, its price agrees", coin.symbol, name)


coin_list = CoinList()
