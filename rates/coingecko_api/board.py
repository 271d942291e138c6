"""
The published board as programs of CoinGecko read it: every coin by id, in every currency that has a worth.

    Snapshot (as published) ─┐
    Catalog (ids) ───────────┼─► Board ─► price, volume, market cap in any currency
    market caps ─────────────┘

A figure in the base currency has the digits of the board; others are derived as `rates.currencies` derives prices.

Tested in `tests/coingecko_api/test_simple_price.py`.
"""

import json
import logging
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings

from rates import publication, store
from rates.coingecko_api.catalog import Catalog, Listed, catalog_reader
from rates.currencies import COIN_IDS, PARTS_OF_BTC, derive_price, divide, list_currencies
from rates.exceptions import StoreUnavailable
from rates.fanout.hub import get_hub
from rates.types import Currency, Snapshot, read_time, round_places

logger = logging.getLogger(__name__)

# Seconds for which a process uses the market caps that it has read.
READ_INTERVAL = 30.0
# Digits of what is no price: volumes, changes.
CONVERTED = Context(prec=17)
BITCOIN = COIN_IDS["btc"]
# Every currency that is a coin or a part of one: its id, and how many units make one.
COIN_UNITS = {
    **{code: (coin_id, Decimal(1)) for code, coin_id in COIN_IDS.items()},
    **{code: (BITCOIN, Decimal(10) ** places) for code, places in PARTS_OF_BTC.items()},
}


@dataclass(frozen=True, slots=True)
class Quote:
    """
    What the board says of one coin, in the base currency; None is what is not known.

    Attributes:
        observed_at: when the source computed the price.
        market_cap: as CoinGecko told it lately.
    """

    coin: Listed
    price: Decimal | None
    change_pct: Decimal | None
    volume: Decimal | None
    high: Decimal | None
    low: Decimal | None
    observed_at: datetime | None
    stale: bool
    disputed: bool
    market_cap: Decimal | None

    def marks_in(self, worths: Iterable["Worth"]) -> tuple[bool, bool]:
        """Return whether the price is stale, and whether it is disputed, in currencies that are worth *worths*."""
        told = list(worths)
        return self.stale or any(w.stale for w in told), self.disputed or any(w.disputed for w in told)


class Worth(NamedTuple):
    """
    What one unit of the base currency is worth in another one.

    Attributes:
        change_pct: how that changed in 24 hours, in percent; None if it is not known.
        coin_id, units: the coin that the currency is or is a part of, and how many make one; no id for money.
    """

    per_base: Decimal
    change_pct: Decimal | None
    stale: bool
    disputed: bool
    coin_id: str = ""
    units: Decimal = Decimal(1)


BASE = Worth(Decimal(1), Decimal(0), stale=False, disputed=False)


@dataclass(frozen=True, slots=True)
class Board:
    """
    The board at one publication.

    Attributes:
        quotes: every coin by CoinGecko's id, in board order.
        worths: every currency that prices can be told in now, by code.
        catalog: the coins by name and symbol.
    """

    quotes: Mapping[str, Quote]
    worths: Mapping[str, Worth]
    catalog: Catalog

    def convert(self, value: Decimal | None, currency: str) -> Decimal | None:
        """Return *value*, which is in the base currency, in *currency*."""
        worth = self.worths[currency]
        return value if value is None or worth is BASE else derive_price(value, worth.per_base)

    def price(self, quote: Quote, currency: str) -> Decimal | None:
        """Return the price of a coin in *currency*; that of a coin in itself is exact."""
        worth = self.worths[currency]
        if worth.coin_id == quote.coin.coin_id:
            return worth.units
        return self.convert(quote.price, currency)

    def change_pct(self, quote: Quote, currency: str) -> Decimal | None:
        """Return the change over 24 hours in percent; None unless that of the currency is known too."""
        worth = self.worths[currency]
        if worth is BASE or quote.change_pct is None or worth.change_pct is None:
            return quote.change_pct if worth is BASE else None
        if worth.coin_id == quote.coin.coin_id:
            return Decimal(0)
        return CONVERTED.multiply(100, (1 + quote.change_pct / 100) * (1 + worth.change_pct / 100) - 1)

    def price_before(self, quote: Quote, currency: str) -> Decimal | None:
        """Return the price 24 hours ago, by the change since then."""
        price, change = self.price(quote, currency), self.change_pct(quote, currency)
        if price is None or change is None or change <= -100:
            return None
        return CONVERTED.divide(price, 1 + change / 100)


def make_board(snapshot: Snapshot, catalog: Catalog, market_caps: Mapping[str, Decimal]) -> Board:
    """Return the board of *snapshot*, with the *market_caps* by id; when nobody publishes, every price is stale."""
    shown = publication.mark_stale(snapshot) if publication.is_late(snapshot) else snapshot
    listed = [coin for coin in catalog.coins.values() if coin.symbol in shown.fragments]
    quotes = {c.coin_id: _read(c, json.loads(shown.fragments[c.symbol].json), market_caps) for c in listed}
    measured = {c.code: _read_worth(c, quotes) for c in list_currencies(snapshot)[1:]}
    return Board(quotes, {settings.QUOTE_CURRENCY: BASE, **measured, **_derive_worths(quotes, measured)}, catalog)


def _read(coin: Listed, row: Mapping[str, Any], market_caps: Mapping[str, Decimal]) -> Quote:
    return Quote(
        coin=coin,
        price=_decimal(row["price"]),
        change_pct=_decimal(row["change_24h_pct"]),
        volume=_decimal(row["volume_24h"]),
        high=_decimal(row.get("high_24h")),
        low=_decimal(row.get("low_24h")),
        observed_at=read_time(row["observed_at"]) if row["observed_at"] else None,
        stale=row["stale"],
        disputed=row["disputed"],
        market_cap=market_caps.get(coin.coin_id),
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _read_worth(currency: Currency, quotes: Mapping[str, Quote]) -> Worth:
    coin_id, units = COIN_UNITS.get(currency.code, ("", Decimal(1)))
    worth = Worth(Decimal(currency.per_base), _decimal(currency.change_24h_pct), currency.stale, currency.disputed)
    return worth._replace(coin_id=coin_id, units=units) if coin_id in quotes else worth


def _derive_worths(quotes: Mapping[str, Quote], known: Collection[str]) -> dict[str, Worth]:
    """Return what the base is worth in the coins of the board that CoinGecko has as currencies and are not *known*."""
    derived = {}
    for code, (coin_id, units) in COIN_UNITS.items():
        quote = quotes.get(coin_id)
        if quote and quote.price is not None and code not in {settings.QUOTE_CURRENCY, *known}:
            derived[code] = _coin_worth(quote, quote.price, units)
    return derived


def _coin_worth(quote: Quote, price: Decimal, units: Decimal) -> Worth:
    change = quote.change_pct
    inverse = None if change is None or change <= -100 else CONVERTED.divide(-100 * change, 100 + change)
    return Worth(divide(units, price), inverse, quote.stale, quote.disputed, quote.coin.coin_id, units)


def round_price(price: Decimal, precision: int | None) -> Decimal:
    """Return *price* with at most *precision* decimals; one that would be nothing then keeps its digits."""
    if precision is None or -int(price.as_tuple().exponent) <= precision:
        return price
    return round_places(price, precision) or price


class BoardReader:
    """The board of the newest publication, made once for all that ask."""

    def __init__(self) -> None:
        self._due = float("-inf")
        self._market_caps: Mapping[str, Decimal] = {}
        self._made_of: tuple[object, ...] = ()
        self._board: Board | None = None

    def read(self) -> Board | None:
        """
        Return the board that this process holds, else the store's; None before the first publication.

        Raises:
            DatabaseError: when the coins were never read, and the database is down.
        """
        snapshot = get_hub().snapshot or _load_snapshot()
        if snapshot is None:
            return None
        catalog = catalog_reader().read()
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + READ_INTERVAL
            self._market_caps = read_market_caps(self._market_caps)
        made_of = (snapshot.epoch, snapshot.seq, publication.is_late(snapshot), id(catalog), id(self._market_caps))
        if made_of != self._made_of:
            self._board = make_board(snapshot, catalog, self._market_caps)
            self._made_of = made_of
        return self._board


def _load_snapshot() -> Snapshot | None:
    try:
        return store.load_snapshot()
    except StoreUnavailable as error:
        logger.debug("the board cannot be read: %s", error)
        return None


def read_market_caps(before: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    """Return the market caps that CoinGecko told lately, by id; those from *before* while Redis is down."""
    try:
        return store.load_market_caps(settings.QUOTE_CURRENCY, time.time())
    except StoreUnavailable as error:
        logger.debug("market caps cannot be read: %s", error)
        return before


@cache
def board_reader() -> BoardReader:
    """Return this process's reader."""
    return BoardReader()
