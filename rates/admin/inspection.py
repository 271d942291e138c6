"""
What each source returns for one coin right now, for staff who set it up; the board is not touched.

Tested in `tests/admin/test_coins.py`.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from django.conf import settings

from rates.exceptions import RatesError
from rates.judgement.readings import distance_pct
from rates.models import Coin
from rates.sources.registry import POLL_SOURCES
from rates.sources.staff_lookup import call_source
from rates.types import round_places

TIMEOUT = 4.0


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What one source returned for a coin.

    Attributes:
        price: None without one; `problem` then says why.
        distance_pct: from the first source's price; None for the first, and where there is no price.
    """

    source: str
    price: Decimal | None
    problem: str
    distance_pct: Decimal | None = None


def inspect_coin(coin: Coin, sources: Sequence[str] | None = None) -> list[Finding]:
    """Query *sources* (by default all that are in use, in their order) for *coin*, in parallel."""
    names = [name for name in sources or settings.RATES_SOURCES if name in POLL_SOURCES]
    with ThreadPoolExecutor(max(1, len(names))) as threads:
        return compare(list(threads.map(lambda name: _query(name, coin), names)))


def _query(name: str, coin: Coin) -> Finding:
    source = POLL_SOURCES[name]
    try:
        rates = call_source(source, source.count_calls([coin]), partial(source.fetch_rates, [coin], TIMEOUT))
    except RatesError as error:
        return Finding(name, None, str(error))
    prices = [rate.price for rate in rates if rate.symbol == coin.symbol]
    return Finding(name, prices[0], "") if prices else Finding(name, None, f"{name} does not know this coin")


def compare(findings: Sequence[Finding]) -> list[Finding]:
    """Return *findings* with their distance from the first price among them."""
    first = next((finding for finding in findings if finding.price is not None), None)
    return [
        Finding(f.source, f.price, f.problem, round_places(distance_pct(f.price, first.price), 2))
        if first and first.price is not None and f.price is not None and f is not first
        else f
        for f in findings
    ]


def is_another_coin(findings: Sequence[Finding]) -> bool:
    """Return whether two prices are so far apart that they cannot be those of the same coin."""
    return any(f.distance_pct is not None and f.distance_pct > settings.RATES_MAX_JUMP_PCT for f in findings)
