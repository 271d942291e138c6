"""The frozen values that travel through the service; they know nothing of Django, Redis or vendors."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Rate:
    """
    Latest price of one coin as one source gave it, with its 24-hour figures.

    Attributes:
        symbol: base asset, upper case: ``BTC``.
        price: last price, with every digit that the source gave.
        change_24h_pct: percent over the last 24 hours; None when the source does not say.
        volume_24h: traded in 24 hours, in the quote currency; None when the source does not say.
        source: who gave it: ``coingecko``.
        observed_at: when the source computed it, by the source's clock; aware UTC.
        received_at: when it reached us, by our clock; aware UTC.
    """

    symbol: str
    price: Decimal
    change_24h_pct: Decimal | None
    volume_24h: Decimal | None
    source: str
    observed_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """
    One enabled coin on the board: the rate it shows now, and how far to trust it.

    Attributes:
        rate: None until a first price is known.
        stale: the shown rate's source has not confirmed it for ``RATES_STALE_AFTER`` seconds.
        disputed: sources (or a source and the last good price) disagree, and nothing has confirmed this price since.
        confirmed_by: names of the other sources whose fresh price agrees.
        spread_pct: widest distance between the fresh prices, in percent; None with fewer than two.
    """

    symbol: str
    name: str
    rate: Rate | None = None
    stale: bool = False
    disputed: bool = False
    confirmed_by: tuple[str, ...] = ()
    spread_pct: Decimal | None = None
