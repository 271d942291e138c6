"""What the judgement depends on besides what the sources said: settings, and what the sources declare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache

from django.conf import settings

from rates.sources.registry import POLL_SOURCES
from rates.types import Reading


@dataclass(frozen=True, slots=True)
class Rules:
    """
    The settings that the judgement depends on; ranks are source names, best first.

    Attributes:
        quotes: what the prices of a source are in, by its name; left out where it is the quote currency.
        usdt_is_near: the quote currency is one that a USDT is worth about one of; a price in USDT says nothing else.
    """

    streams: tuple[str, ...]
    polls: tuple[str, ...]
    stale_after: timedelta
    agreement_pct: Decimal
    max_jump_pct: Decimal
    quotes: Mapping[str, str] = field(default_factory=dict)
    usdt_is_near: bool = True

    def rank(self, reading: Reading) -> int:
        """Return the place of *reading*'s source; lower is better."""
        places = _places(self.streams, self.polls)
        return places.get((reading.rate.source, reading.live), len(places))


@lru_cache(maxsize=8)
def _places(streams: Sequence[str], polls: Sequence[str]) -> Mapping[tuple[str, bool], int]:
    """Return the place of each kind of reading, (source, live); asked for with every reading of every coin."""
    order = [(name, True) for name in streams] + [(name, False) for name in polls]
    return {kind: place for place, kind in enumerate(order)}


def read_rules() -> Rules:
    """Return the rules that the settings make."""
    return Rules(
        streams=tuple(settings.RATES_STREAM),
        polls=tuple(settings.RATES_SOURCES),
        stale_after=timedelta(seconds=settings.RATES_STALE_AFTER),
        agreement_pct=Decimal(str(settings.RATES_AGREEMENT_PCT)),
        max_jump_pct=Decimal(str(settings.RATES_MAX_JUMP_PCT)),
        quotes={name: source.QUOTE for name, source in POLL_SOURCES.items() if source.QUOTE is not None},
        usdt_is_near=settings.QUOTE_CURRENCY == "usd",
    )
