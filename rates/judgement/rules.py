"""
The settings, and what the sources declare, as far as the judgement depends on them.

Tested in `tests/judgement/test_conversion.py` and `tests/judgement/test_ownership.py`.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import cached_property

from django.conf import settings
from msgspec import Struct

from rates.sources.registry import POLL_SOURCES
from rates.types import Reading


class Rules(Struct, frozen=True, dict=True):
    """
    What the judgement depends on besides the readings.

    Attributes:
        streams, polls: names of sources, best first.
        stale_after: a reading older than this is stale.
        agreement_pct: prices at most this far apart agree.
        max_jump_pct: a lone source's price further than this from the last good one is held.
        quotes: the currency a source's prices are in, by its name; sources that use the quote currency are left out.
        by_id: the sources in use that are asked for a coin by its id; they tell which coin a pair is.
        usdt_is_near: a USDT is worth about one unit of the quote currency, so that a USDT price can stand in for one
            whose factor is not known.
    """

    streams: tuple[str, ...]
    polls: tuple[str, ...]
    stale_after: timedelta
    agreement_pct: Decimal
    max_jump_pct: Decimal
    quotes: Mapping[str, str] = {}
    usdt_is_near: bool = True
    by_id: frozenset[str] = frozenset()

    @property
    def sources(self) -> frozenset[str]:
        """The names of all sources in use."""
        return frozenset((*self.streams, *self.polls))

    @property
    def live_for(self) -> timedelta:
        """How long an event of a stream proves it to deliver: another price is there before this one is stale."""
        return self.stale_after / 2

    @cached_property
    def agreement_ratio(self) -> Decimal:
        """How many times another price a price may be to agree with it."""
        return 1 + self.agreement_pct / 100

    @cached_property
    def small_step_pct(self) -> Decimal:
        """How far from the last good price a price may be that has moved on from it."""
        return min(self.agreement_pct, self.max_jump_pct)

    @cached_property
    def small_step_ratio(self) -> Decimal:
        """How many times the last good price that is, at most."""
        return 1 + self.small_step_pct / 100

    @cached_property
    def places(self) -> Mapping[tuple[str, bool], int]:
        """The rank of each kind of reading, (source, live); every reading of every coin needs it."""
        order = [(name, True) for name in self.streams] + [(name, False) for name in self.polls]
        return {kind: place for place, kind in enumerate(order)}

    def rank_all(self, readings: Iterable[Reading]) -> list[int]:
        """Return the place of the source of each of *readings*; lower is better."""
        places = self.places
        return [places.get((reading.rate.source, reading.live), len(places)) for reading in readings]


def read_rules() -> Rules:
    """Return the rules that the settings and the sources give."""
    return Rules(
        streams=tuple(settings.RATES_STREAM),
        polls=tuple(settings.RATES_SOURCES),
        stale_after=timedelta(seconds=settings.RATES_STALE_AFTER),
        agreement_pct=Decimal(str(settings.RATES_AGREEMENT_PCT)),
        max_jump_pct=Decimal(str(settings.RATES_MAX_JUMP_PCT)),
        quotes={name: source.QUOTE for name, source in POLL_SOURCES.items() if source.QUOTE is not None},
        usdt_is_near=settings.QUOTE_CURRENCY == "usd",
        by_id=frozenset(name for name in settings.RATES_SOURCES if name in POLL_SOURCES and POLL_SOURCES[name].BY_ID),
    )
