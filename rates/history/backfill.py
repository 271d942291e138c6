"""
The past, from the vendors: one question at a time, of whichever vendor may be asked for what is missing.

    what is missing (`plan`) ─► question ─► answer ─► judged (`joining`) ─► candles and `Backfill`, in one transaction

`Backfill` keeps which stretch was asked for and answered. So a process that is killed is followed by one that goes on
there, and a past that no vendor has is not asked for again.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

from django.conf import settings
from django.db import transaction

from rates import store
from rates.exceptions import NotOffered, SourceError
from rates.history import archive
from rates.history.archive import SOURCE_NUMBERS
from rates.history.candles import DAY, HOUR, INTERVAL_NAMES, MINUTE, STORED, Candle, floor_time
from rates.history.joining import Judgement, judge, to_candles
from rates.history.plan import Stretch, find_missing, newest_piece, subtract, wanted_stretch
from rates.history.series import Pair, StoredSeries, find_series, get_series
from rates.judgement.conversion import QUOTE_PAIRS
from rates.models import Backfill, Coin
from rates.sources import pacing
from rates.sources.pacing import Health
from rates.sources.registry import POLL_SOURCES
from rates.types import USDT, Target
from rates.vendor_history.answers import Past, PastCandle, PastSource
from rates.vendor_history.registry import PAST_SOURCES

logger = logging.getLogger(__name__)

# USDT/USD has a past too, which those of Binance's prices need.
TETHER = Coin(symbol=USDT, name="Tether", coingecko_id="tether")
# All in seconds. A vendor that cannot be asked sooner than that is left out.
LONGEST_WAIT = 120.0
TIMEOUT = 10.0
# One that failed so often is asked again after a while.
FREE_RETRIES, RETRY_AFTER = 3, 600.0
# A price that comes later says nothing about the end of a piece.
NEXT_PRICE_WITHIN = 2 * DAY
# Ticks may use the month's credits; the past gets a tenth of them.
CREDIT_SHARE = 10
LONGEST_NOTE = 200


@dataclass(frozen=True, slots=True)
class Gap:
    """
    What is missing of one price and interval.

    Attributes:
        since: Unix time from which somebody asked for it; None for what is wanted by itself.
    """

    coin: Coin
    interval: int
    since: int | None = None

    @property
    def pair(self) -> Pair:
        """Whose price it is."""
        return Pair(USDT if self.coin is TETHER else self.coin.coingecko_id, settings.QUOTE_CURRENCY)

    def __str__(self) -> str:
        return f"{self.coin.symbol} {INTERVAL_NAMES[self.interval]}"


@dataclass(frozen=True, slots=True)
class Piece:
    """
    One question.

    Attributes:
        name: what *source* calls the coin.
        stretch: what it is asked about.
        oldest: Unix time from which something is missing, which more questions are about.
    """

    gap: Gap
    series: StoredSeries
    source: PastSource
    name: str
    stretch: Stretch
    oldest: int

    def __str__(self) -> str:
        start = datetime.fromtimestamp(self.stretch.start, UTC)
        return f"{self.gap} from {start:%Y-%m-%d %H:%M}, {self.source.NAME}"


@dataclass(frozen=True, slots=True)
class Step:
    """
    What one look at a gap came to.

    Attributes:
        piece: what was asked; None when there was nothing to ask, or not yet.
        stored: how many candles came of it.
        wait: seconds until a vendor may be asked; 0 when the gap is dealt with, or there is more to ask at once.
        missing: what no vendor has, when there is nothing more to ask.
    """

    piece: Piece | None = None
    stored: int = 0
    wait: float = 0.0
    missing: Sequence[Stretch] = ()


def list_sources() -> list[PastSource]:
    """Return who may be asked, in order: who is asked for prices too."""
    return [
        source for name, source in PAST_SOURCES.items() if name in (*settings.RATES_SOURCES, *settings.RATES_STREAM)
    ]


def list_gaps(coins: Sequence[Coin]) -> Iterator[Gap]:
    """Yield what to look at: USDT/USD first, which others need; then the newest past of every coin, then older ones."""
    yield from (Gap(TETHER, interval) for interval in STORED)
    yield from (Gap(coin, interval) for interval in STORED for coin in coins)


def fill(gap: Gap, now: float) -> Step:
    """
    Ask for the newest part of *gap*, of the first vendor that may be asked and has not answered it.

    Raises:
        DatabaseError, StoreUnavailable: nothing was stored; the question is put again.
    """
    series = get_series([gap.pair], gap.interval)[gap.pair]
    wanted = _find_wanted(gap, series, now)
    missing = find_missing(archive.read_times(series.pk, *wanted), wanted, gap.interval)
    for source in list_sources() if missing else ():
        piece = _next_piece(gap, series, source, missing, now)
        if piece is None:
            continue
        health = _load_health(source)
        wait = _seconds_until(source, health, now)
        if not wait:
            return Step(piece, _ask(piece, health))
        if wait <= LONGEST_WAIT:
            return Step(wait=wait)
    return Step(missing=missing)


def _find_wanted(gap: Gap, series: StoredSeries, now: float) -> Stretch:
    days = {MINUTE: settings.RATES_CANDLES_1M_DAYS, HOUR: settings.RATES_CANDLES_1H_DAYS, DAY: 365 * 50}
    first = archive.read_first_time(series.pk) if gap.interval == MINUTE else None
    return wanted_stretch(gap.interval, now, first, days[gap.interval] * DAY, gap.since)


def _next_piece(
    gap: Gap, series: StoredSeries, source: PastSource, missing: Sequence[Stretch], now: float
) -> Piece | None:
    name, pair = source.find_name(gap.coin), gap.coin.pairs.get(source.NAME)
    if name is None or (pair is not None and not pair.verified):
        return None
    asked = Backfill.objects.filter(series_id=series.pk, source=SOURCE_NUMBERS[source.NAME]).values_list("start", "end")
    left = subtract(missing, (Stretch(*each) for each in asked))
    # One candle more on either side, to see whether it goes together with what is there.
    most = source.MOST_CANDLES[gap.interval] - 2
    stretch = newest_piece(left, gap.interval, most, now - source.reaches_back(gap.interval))
    return stretch and Piece(gap, series, source, name, stretch, min(start for start, _ in left))


def _seconds_until(source: PastSource, health: Health, now: float) -> float:
    """Return the seconds until *source* may be asked."""
    calls, moment = store.load_calls(), datetime.fromtimestamp(now, UTC)
    affordable = CREDIT_SHARE * pacing.credit_spacing(POLL_SOURCES[source.NAME], 1, calls, moment)
    resting = RETRY_AFTER if health.failures >= FREE_RETRIES else 0.0
    spacing = max(source.SPACING, health.spacing, affordable, resting)
    return max(pacing.pause_left(health, now), pacing.spacing_left(health, now, spacing))


def _ask(piece: Piece, health: Health) -> int:
    """Put the question; return how many candles were stored."""
    asked_at = time.time()
    store.count_calls({piece.source.NAME: 1}, datetime.fromtimestamp(asked_at, UTC))
    start, end, interval = *piece.stretch, piece.gap.interval
    try:
        past = piece.source.fetch_past(piece.name, interval, start - interval, end + interval, TIMEOUT)
    except NotOffered as error:
        _save_health(piece, pacing.after_answer(health, asked_at, piece.source.SPACING))
        # It has nothing older either.
        _save(replace(piece, stretch=Stretch(piece.oldest, end)), Judgement([], 0, str(error)), end)
        return 0
    except SourceError as error:
        _save_health(piece, pacing.after_error(health, error, asked_at, piece.source.SPACING, time.time() - asked_at))
        if not health.failures:
            logger.warning("history: %s", error)
        return 0
    _save_health(piece, pacing.after_answer(health, asked_at, piece.source.SPACING))
    return _take(piece, _per_coin(past, piece))


def _per_coin(past: Past, piece: Piece) -> Past:
    """Return *past* with the prices of one coin, where the pair counts in units of many."""
    pair = piece.gap.coin.pairs.get(piece.source.NAME)
    if pair is None or pair.factor == 1:
        return past
    unit = Target(piece.gap.coin.symbol, pair.factor)
    return past._replace(candles=[PastCandle(c.time, *map(unit.price, c[1:])) for c in past.candles])


def _load_health(source: PastSource) -> Health:
    return pacing.read_health(store.load_healths(), pacing.history_name(source.NAME), source.setup_fingerprint())


def _save_health(piece: Piece, health: Health) -> None:
    store.update_healths(partial(pacing.merge_health, {pacing.history_name(piece.source.NAME): health}))


def _take(piece: Piece, past: Past) -> int:
    """Store what may be stored of an answer; return how many candles that is."""
    (start, end), interval = piece.stretch, piece.gap.interval
    around = archive.read_candles(piece.series.pk, start - interval, end + interval)
    judgement = judge(
        to_candles(past.candles, piece.source.NAME, _load_factors(piece)),
        # A vendor's are disputed for want of a USDT/USD, which does not make them another coin's.
        {candle.time: candle for candle in around if not (candle.disputed and candle.updates)},
        _find_next_price(piece),
    )
    if judgement.why:
        logger.warning("history: %s: %d candles not taken: %s", piece, judgement.refused, judgement.why)
    inside = [candle for candle in judgement.candles if start <= candle.time < end]
    # An answer that stops before its first candle would be asked for again and again.
    _save(piece, judgement._replace(candles=inside), min(max(past.until, start + interval), end))
    return len(inside)


def _save(piece: Piece, judgement: Judgement, until: int) -> None:
    with transaction.atomic():
        if judgement.candles:
            archive.write_candles(piece.gap.interval, {piece.gap.pair: judgement.candles})
        Backfill.objects.update_or_create(
            series_id=piece.series.pk,
            source=SOURCE_NUMBERS[piece.source.NAME],
            start=piece.stretch.start,
            defaults={
                "end": until,
                "candles": len(judgement.candles),
                "refused": judgement.refused,
                "note": judgement.why[:LONGEST_NOTE],
            },
        )


def _find_next_price(piece: Piece) -> Decimal | None:
    """Return the first price that is known after the piece, if it is not long after."""
    end = piece.stretch.end
    for interval in (piece.gap.interval, MINUTE):
        series = find_series(piece.gap.pair, interval)
        found = archive.read_candles(series.pk, end, end + NEXT_PRICE_WITHIN) if series else []
        if found:
            return found[0].open
    return None


def _load_factors(piece: Piece) -> Mapping[int, Decimal] | None:
    """Return what a unit of the source's quote was worth, by time; None where that is our currency."""
    if piece.source.QUOTE is None:
        return None
    base = QUOTE_PAIRS[piece.source.QUOTE].partition("/")[0]
    start, end = piece.stretch.start - DAY, piece.stretch.end + DAY
    worth: dict[int, dict[int, Candle]] = {}
    for interval in STORED:
        series = find_series(Pair(base, settings.QUOTE_CURRENCY), interval)
        found = archive.read_candles(series.pk, start, end) if series and interval >= piece.gap.interval else []
        worth[interval] = {candle.time: candle for candle in found}
    times = range(start, end, piece.gap.interval)
    known = {at: [worth[i][floor_time(at, i)] for i in STORED if floor_time(at, i) in worth[i]] for at in times}
    return {at: candles[0].close for at, candles in known.items() if candles}
