"""
Our coins by CoinGecko's ids, by name and by symbol.

Tested in `tests/coingecko_api/test_simple_price.py` and `tests/coingecko_api/test_lists.py`.
"""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from django.db import DatabaseError

from rates.models import Coin
from rates.symbols import fold

logger = logging.getLogger(__name__)

# Seconds for which a process uses the list that it has read.
READ_INTERVAL = 5.0


class Listed(NamedTuple):
    """
    A coin on the board: CoinGecko's id, our symbol (``BTC``) and name.

    Attributes:
        place: beginning with 0.
        logo: where it is, below the address of the service; empty without one.
    """

    coin_id: str
    symbol: str
    name: str
    place: int
    logo: str = ""


class Catalog(NamedTuple):
    """The coins on the board, in its order, by id; and their ids by folded symbol and name."""

    coins: Mapping[str, Listed]
    by_symbol: Mapping[str, str]
    by_name: Mapping[str, str]

    def find(self, texts: Iterable[str], kind: str) -> list[Listed]:
        """Return the coins that *texts* name by their `ids`, `names` or `symbols`, each once; others are left out."""
        ids: Mapping[str, str] = {"names": self.by_name, "symbols": self.by_symbol}.get(kind, {})
        found = (text.lower() if kind == "ids" else ids.get(fold(text), "") for text in texts)
        return [self.coins[coin_id] for coin_id in dict.fromkeys(found) if coin_id in self.coins]


def make_catalog(rows: Sequence[tuple[str, ...]]) -> Catalog:
    """Return the catalog of coins, each (id, symbol, name) and perhaps where its logo is, in board order."""
    coins = {row[0]: Listed(row[0], row[1], row[2], place, *row[3:]) for place, row in enumerate(rows)}
    # Of two coins with one name, the first on the board is meant.
    names = {fold(name): coin_id for coin_id, _, name, *_logo in reversed(rows)}
    return Catalog(coins, {fold(symbol): coin_id for coin_id, symbol, *_ in rows}, names)


class CatalogReader:
    """What this process has read last."""

    def __init__(self) -> None:
        self._due = float("-inf")
        self.catalog: Catalog | None = None

    def fresh(self) -> Catalog | None:
        """Return what was read lately; None when it is time to read again."""
        return self.catalog if time.monotonic() < self._due else None

    def read(self) -> Catalog:
        """
        Return the coins; while the database is down, those that were read last.

        Raises:
            DatabaseError: when the database is down and they were never read.
        """
        if (catalog := self.fresh()) is not None:
            return catalog
        try:
            rows = [(c.coingecko_id, c.symbol, c.name, c.logo_path) for c in Coin.objects.enabled()]
        except DatabaseError as error:
            if self.catalog is None:
                raise
            logger.debug("the coins cannot be read, the last ones are used: %s", error)
        else:
            if self.catalog is None or rows != [
                (c.coin_id, c.symbol, c.name, c.logo) for c in self.catalog.coins.values()
            ]:
                self.catalog = make_catalog(rows)
        self._due = time.monotonic() + READ_INTERVAL
        return self.catalog


@cache
def catalog_reader() -> CatalogReader:
    """Return this process's reader."""
    return CatalogReader()
