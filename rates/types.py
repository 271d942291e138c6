"""
The frozen values that pass through the service; independent of Django, Redis and vendors.

Tested in `tests/sources/test_vendor_values.py` and `tests/test_publication.py`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct

# For rounding, which fails if its result has more digits than the context: a price may have 60, another may be 1e49
# times as high, and both may be converted into another currency.
WIDE = Context(prec=120)
# The coin in which exchanges quote that do not quote in dollars.
USDT = "USDT"
# What one USDT is worth is followed beside the coin USDT, whose price is old sooner. No coin's symbol has a slash.
USDT_PAIR = "USDT/USD"


# Made once: `json.dumps` with options makes a new encoder for each call, so for each of hundreds of rows.
ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class Target(NamedTuple):
    """
    A coin that a vendor's pair prices, or a currency.

    Attributes:
        factor: the pair is in units of so many coins: 1,000 for ``1000SATSUSDT``.
        inverse: the pair has it the other way round: ``EUR/USD`` for what a USD is in EUR.
    """

    symbol: str
    factor: int = 1
    inverse: bool = False

    def price(self, quoted: Decimal) -> Decimal:
        """Return the price of one coin where the pair says *quoted*; factors are powers of ten, so it is exact."""
        if self.inverse:
            return Context(prec=len(quoted.as_tuple().digits) + 2).divide(1, quoted)
        return quoted if self.factor == 1 else quoted.scaleb(1 - len(str(self.factor)))


@dataclass(frozen=True, slots=True)
class Pair:
    """
    A pair of an exchange as the data of a coin.

    Attributes:
        name: the exchange's own name of it: ``BTCUSDT``, ``BTC/USD``.
        factor: how many coins are one unit of the pair.
        verified: it is known to be this coin: its price once agreed with the one that is asked for by the coin's id.
    """

    name: str
    factor: int
    verified: bool

    @property
    def key(self) -> str:
        """What tells this pair from another one."""
        return self.name if self.factor == 1 else f"{self.name}/{self.factor}"


class KnownPairs(NamedTuple):
    """The pairs of a coin *by_source*, the `key` of each of them, and the sources whose pair is *unverified*."""

    by_source: Mapping[str, Pair]
    keys: Mapping[str, str]
    unverified: frozenset[str]

    @classmethod
    def of(cls, pairs: Mapping[str, Pair]) -> "KnownPairs":
        """Return what is known of *pairs*, by source."""
        unverified = frozenset(source for source, pair in pairs.items() if not pair.verified)
        return cls(pairs, {source: pair.key for source, pair in pairs.items()}, unverified)


class Rate(Struct, frozen=True, array_like=True):
    """
    Latest price of one coin as given by one source, with its 24-hour figures.

    Attributes:
        symbol: base asset, upper case: ``BTC``.
        price: last price, with every digit that the source gave.
        change_24h_pct: percent over the last 24 hours; None if the source does not say.
        volume_24h: traded in 24 hours, in the quote currency; None if the source does not say.
        source: name of the source: ``coingecko``.
        observed_at: when the source computed it, by the source's clock; aware UTC.
        received_at: when we received it, by our clock; aware UTC.
    """

    symbol: str
    price: Decimal
    change_24h_pct: Decimal | None
    volume_24h: Decimal | None
    source: str
    observed_at: datetime
    received_at: datetime


class DayStats(NamedTuple):
    """The last 24 hours of a coin by our own candles; *before* is its price 24 hours ago, if that is known."""

    before: Decimal | None
    low: Decimal
    high: Decimal


class Rates(list[Rate]):
    """
    The rates in an answer of one source.

    Attributes:
        absent: why a coin that was asked for has none, by symbol, where the answer tells: ``no coin has the id foo``.
        market_caps: what the coins are worth in all, by CoinGecko's id, where the answer tells.
    """

    def __init__(
        self,
        rates: Iterable[Rate] = (),
        absent: Mapping[str, str] | None = None,
        market_caps: Mapping[str, Decimal] | None = None,
    ) -> None:
        super().__init__(rates)
        self.absent, self.market_caps = dict(absent or {}), dict(market_caps or {})

    @classmethod
    def of_pairs(
        cls, rates: Sequence[Rate], targets: Mapping[str, Sequence[Target]], reasons: Mapping[str, str] | None = None
    ) -> "Rates":
        """
        Return *rates* of an exchange that has answered about all pairs of *targets*; it told *reasons* of some.

        Only coins are absent: what a quote or a currency is worth, others may know.
        """
        priced, told = {rate.symbol for rate in rates}, reasons or {}
        lacking = {s: pair for pair, coins in targets.items() for s, *_ in coins if s not in priced and "/" not in s}
        return cls(rates, {s: told.get(pair, f"no pair {pair}, or it is not traded") for s, pair in lacking.items()})


class Absence(NamedTuple):
    """A source that was asked for a coin and has no price for it, with the *reason* in words."""

    symbol: str
    source: str
    reason: str


class Row(Struct, frozen=True):
    """
    One enabled coin on the board: the rate it shows, and how far to trust it.

    Attributes:
        rate: None until a first price is known.
        stale: the shown rate's source has not confirmed it for ``RATES_STALE_AFTER`` seconds.
        disputed: sources (or a source and the last good price) disagree, and nothing has confirmed this price since.
        confirmed_by: names of the other sources whose fresh price agrees.
        spread_pct: widest distance between the fresh prices, in percent; None with fewer than two.
        day: the last 24 hours by our own candles; None until there are some.
        logo: where its logo is, below the address of the service; empty without one.
    """

    symbol: str
    name: str
    rate: Rate | None = None
    stale: bool = False
    disputed: bool = False
    confirmed_by: tuple[str, ...] = ()
    spread_pct: Decimal | None = None
    day: DayStats | None = None
    logo: str = ""


class Fragment(NamedTuple):
    """
    One row of the board, encoded once for all readers.

    Attributes:
        json: the coin object of `docs/protocol.md` as JSON text.
        price: the price as a plain decimal, which is a JSON number too; None until known.
    """

    symbol: str
    json: str
    price: str | None

    # No text of a coin can hold these: JSON escapes the quotes of a name.
    @property
    def is_stale(self) -> bool:
        """Whether the price is marked as stale."""
        return '"stale":true' in self.json

    @property
    def is_doubtful(self) -> bool:
        """Whether the price is marked as stale or disputed."""
        return self.is_stale or '"disputed":true' in self.json

    def as_stale(self) -> "Fragment":
        """Return the row with its price marked as stale; a coin without a price has nothing that could be."""
        return self if self.price is None else self._replace(json=self.json.replace('"stale":false', '"stale":true', 1))


def map_prices(fragments: Iterable[Fragment]) -> str:
    """Return the plain dialect's map of prices as JSON numbers; coins without a price are left out."""
    return "{" + ",".join(f'"{f.symbol}":{f.price}' for f in fragments if f.price is not None) + "}"


class Currency(NamedTuple):
    """
    What one unit of the base (`QUOTE_CURRENCY`) is worth in another currency, as it was judged.

    Attributes:
        code: lower case: ``eur``.
        per_base: how many units of it one unit of the base is worth; a plain decimal.
        change_24h_pct: of `per_base` in percent; None if nobody says.
        source: who measured it; empty for the base itself and its parts.
        observed_at: when; ISO 8601 UTC.
        stale, disputed, confirmed_by: as of a price.
        coin: the symbol of the coin on the board whose price this is the inverse of; None for all others.
    """

    code: str
    per_base: str
    change_24h_pct: str | None
    source: str
    observed_at: str
    stale: bool = False
    disputed: bool = False
    confirmed_by: Sequence[str] = ()
    coin: str | None = None

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> "Currency":
        """Return what *fields* say; those that a newer release has added are ignored."""
        known = {name: fields[name] for name in cls._fields if name in fields}
        return cls(**known | {"confirmed_by": tuple(known.get("confirmed_by", ()))})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    The whole board as it was published, ready to be joined into frames.

    Attributes:
        epoch: changes when the numbering restarts; within it `seq` grows by one per publication.
        as_of: when this board was published; ISO 8601 UTC.
        fragments: every enabled coin by symbol, in board order.
        currencies: what the base is worth in every other currency that has been measured, by code.
    """

    epoch: str
    seq: int
    as_of: str
    fragments: dict[str, Fragment]
    currencies: Mapping[str, Currency] = field(default_factory=dict)


class HistoryPoint(NamedTuple):
    """One stored update of a coin: its price and when its source computed it (ISO 8601 UTC)."""

    price: str
    observed_at: str


def encode_json(value: object) -> str:
    """Return *value* as compact JSON text; NaN and infinity are refused."""
    return ENCODER.encode(value)


def decimal_text(value: Decimal) -> str:
    """Return *value* as a plain decimal with every digit and no exponent."""
    # The usual case takes a third of the time that `format` does.
    text = str(value)
    return format(value, "f") if "E" in text else text


def percent_text(value: Decimal) -> str:
    """Return a distance in percent as people read it: ``2.5``, ``99,900``."""
    return f"{Decimal(round(value)) if value >= 100 else round_places(value, 2).normalize():,f}"


def round_places(value: Decimal, places: int, rounding: str | None = None) -> Decimal:
    """Return *value* with *places* decimals, however many digits that makes; halves go to the even one."""
    return value.quantize(_quantum(places), rounding, WIDE)


@lru_cache(maxsize=256)
def _quantum(places: int) -> Decimal:
    return Decimal(1).scaleb(-places)


# A tick writes and reads thousands of times of day, nearly all of them the same few.
@lru_cache(maxsize=4096)
def time_text(moment: datetime) -> str:
    """Return an aware *moment* as ISO 8601 UTC with milliseconds: ``2026-11-23T21:40:08.512Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(maxsize=4096)
def read_time(text: str) -> datetime:
    """Return the aware moment in *text*, ISO 8601 with a zone."""
    return datetime.fromisoformat(text)


class Reading(Struct, frozen=True, array_like=True):
    """
    The newest answer of one source about one coin, and what is needed to judge it.

    Attributes:
        rate: as the source gave it, in the source's own quote currency.
        live: it came from a stream, which ranks before the polls.
        streak: how many fresh readings in a row, including this one; counted up to 3.
        anchors: the price of each other source when this one last changed, or when that source last jumped.
        refused: why the source's latest rate was refused; None if it was not.
        step: percent that the price has lately moved from one event of the stream to the next.
    """

    rate: Rate
    live: bool = False
    streak: int = 1
    anchors: Mapping[str, Decimal] = {}
    refused: str | None = None
    step: Decimal = Decimal(0)


class Held(Struct, frozen=True, array_like=True):
    """
    A price that awaits confirmation because it is too far from the last good one.

    Attributes:
        count: how many consecutive readings with advancing timestamps agree on it.
    """

    source: str
    price: Decimal
    observed_at: datetime
    count: int = 1


class CoinState(Struct, frozen=True):
    """
    What the publishers know of one coin; shared by all of them through Redis.

    Attributes:
        coingecko_id: which coin this is about; with another id it is another coin.
        pairs: the pair that each source prices the coin by; what another pair said is forgotten.
        proven: the sources whose pair has agreed with the price that is asked for by id.
        unproven: those of which neither the coin list nor this state knows that; they cannot show.
        doubtful: those of the unproven whose price was far from it, and has not agreed since.
        unidentified: it is disputed because what shows is the price of an unproven pair.
        quote: the currency of its prices, such as ``usd``; prices in another one are not comparable.
        readings: the newest reading of each source, by name.
        absent: why a source had no price when it was last asked, by its name.
        shown: the rate on the board, in the quote currency; its `received_at` is the last confirmation.
        good: the last price that was not disputed: the third opinion when two sources disagree.
        dissenters: sources that spoke against the disputed price and have not agreed since; silence does not end that.
    """

    coingecko_id: str = ""
    pairs: Mapping[str, str] = {}
    proven: frozenset[str] = frozenset()
    unproven: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()
    unidentified: bool = False
    quote: str = ""
    readings: Mapping[str, Reading] = {}
    absent: Mapping[str, str] = {}
    shown: Rate | None = None
    good: Decimal | None = None
    disputed: bool = False
    held: Held | None = None
    dissenters: frozenset[str] = frozenset()

    @property
    def reference(self) -> Decimal | None:
        """What a new price is compared with: the last good price, or what shows where no price was ever good."""
        return self.good if self.good is not None or self.shown is None else self.shown.price


class OwnerChange(NamedTuple):
    """A coin's price now comes from another source: a line for the log and the admin."""

    symbol: str
    before: str | None
    after: str
    at: str
