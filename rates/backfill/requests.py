"""
Backfill: missing candles are fetched from the vendors, one request at a time.

    what is missing (`plan`) ─► request ─► answer ─► checked (`consistency`) ─► candles and `Backfill`, one transaction

A `Backfill` row records which time range a vendor has answered. So a process that is killed is followed by one that
continues there, and what no vendor has is not requested again.

Ranges that end next to a known price come first: an answer is compared with it. Where an answer stops earlier, other
vendors are asked for what followed before the rest is requested again; see `_list_requests`.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from django.conf import settings
from django.db import transaction

from rates import store
from rates.backfill.consistency import CheckResult, check_candles, to_candles
from rates.backfill.factors import Factors, are_complete, load_factors
from rates.backfill.plan import TimeRange, find_missing, newest_chunk, select_followed, subtract, wanted_range
from rates.central_bank import daily
from rates.currencies import CENTRAL_BANK, CENTRAL_BANK_STANDS, is_coin, is_pair, measured, pair_of
from rates.exceptions import NotOffered, SourceError, TooLongAgo
from rates.history import archive
from rates.history.archive import SOURCE_NUMBERS
from rates.history.candles import DAY, HOUR, INTERVAL_NAMES, MINUTE, STORED, Candle
from rates.history.series import Instrument, StoredSeries, find_series, get_series
from rates.judgement.next_board import rules_of
from rates.judgement.rules import read_rules
from rates.models import Backfill, Coin
from rates.sources import pacing
from rates.sources.pacing import Health
from rates.sources.protocols import Source
from rates.sources.registry import POLL_SOURCES
from rates.types import USDT_PAIR, Target
from rates.vendor_history.answers import HistorySource, VendorCandle
from rates.vendor_history.registry import HISTORY_SOURCES

logger = logging.getLogger(__name__)

# USDT/USD has a history too, which converts that of Binance.
TETHER = Coin(symbol=USDT_PAIR, name="Tether", coingecko_id="tether")
# All in seconds. A vendor that has to be left alone for longer is skipped.
LONGEST_WAIT = 120.0
TIMEOUT = 10.0
# After so many failures in a row a vendor is left alone for so long.
FREE_RETRIES, RETRY_AFTER = 3, 600.0
# A range that ends as long before a known price can be compared with it.
NEXT_PRICE_WITHIN = 3.0 * HOUR
# Without a price that is as new, no answer can be checked: a later one says nothing about where an answer ends.
RECENT = 2.0 * DAY
# Until a coin has a price of its own.
FIRST_PRICE_WAIT = 60.0
# The month's credits are for ticks; the backfill takes a tenth of them.
CREDIT_SHARE = 10
# Until what a source's quote currency was worth has been fetched.
FACTOR_WAIT = 5.0
LONGEST_NOTE = 200

# By source; one of each, because a gap is filled before the next. Lost with the process, and then asked for again.
_parts: dict[str, "Part"] = {}


@dataclass(frozen=True, slots=True)
class Gap:
    """
    What is missing of one price and interval.

    Attributes:
        coin: that of the list; or a stand-in with the name of a pair, for USDT/USD and for currencies.
        since: Unix time from which it is wanted; None for the usual range.
    """

    coin: Coin
    interval: int
    since: int | None = None

    @property
    def instrument(self) -> Instrument:
        """Whose price it is."""
        base, __, quote = self.coin.symbol.partition("/")
        if quote:
            return Instrument(base, settings.QUOTE_CURRENCY if self.coin is TETHER else quote.lower())
        return Instrument(self.coin.coingecko_id, settings.QUOTE_CURRENCY)

    def __str__(self) -> str:
        return f"{self.coin.symbol} {INTERVAL_NAMES[self.interval]}"


@dataclass(frozen=True, slots=True)
class Request:
    """
    One request to a vendor.

    Attributes:
        name: the vendor's name for the coin.
        span: the time range that it is about.
        oldest: Unix time from which candles are missing; later requests are about the rest.
        followed: its span ends next to a known price; no such request was left if not.
    """

    gap: Gap
    series: StoredSeries
    source: HistorySource
    name: str
    span: TimeRange
    oldest: int
    followed: bool

    def __str__(self) -> str:
        start = datetime.fromtimestamp(self.span.start, UTC)
        return f"{self.gap} from {start:%Y-%m-%d %H:%M}, {self.source.NAME}"


class Part(NamedTuple):
    """The beginning of an answer that stopped early, at the Unix time *until*: it is judged when the rest has come."""

    series: int
    span: TimeRange
    candles: list[VendorCandle]
    until: int


@dataclass(frozen=True, slots=True)
class StepResult:
    """
    The result of one step of filling a gap.

    Attributes:
        request: the request that was sent; None if there was none to send, or not yet.
        stored: number of candles that were stored.
        wait: seconds until the next request may be sent; 0 if it may be sent now, or there is none.
        missing: what no vendor has, once there is no request left.
        judged_again: number of candles that were disputed until what their quote currency was worth had come.
    """

    request: Request | None = None
    stored: int = 0
    wait: float = 0.0
    missing: Sequence[TimeRange] = ()
    judged_again: int = 0


def list_sources() -> list[HistorySource]:
    """Return the vendors to ask, in order: those that are asked for prices too, and the central bank."""
    used = {*settings.RATES_SOURCES, *settings.RATES_STREAM, *([CENTRAL_BANK] if daily.is_used() else [])}
    return [source for name, source in HISTORY_SOURCES.items() if name in used]


def list_currencies() -> list[Coin]:
    """Return a stand-in for each currency that is none of the coins; those are worth what their own candles say."""
    codes = [code for code in measured() if not is_coin(code)] if not is_coin(settings.QUOTE_CURRENCY) else []
    return [Coin(symbol=pair_of(code), name=code.upper()) for code in codes]


def list_gaps(coins: Sequence[Coin]) -> Iterator[Gap]:
    """
    Yield all gaps in the order to fill them: USDT/USD, which others need; then minutes, hours, days of all coins.

    Currencies come last: a vendor that has to be waited for is used for them meanwhile.
    """
    yield from (Gap(TETHER, interval) for interval in STORED)
    yield from (Gap(coin, interval) for each in (coins, list_currencies()) for interval in STORED for coin in each)


def fill(gap: Gap, now: float, *, factors_follow: bool = False) -> StepResult:
    """
    Request the newest missing part of *gap* from the first vendor that has not answered it yet.

    If *factors_follow*, candles in another quote currency wait for what that was worth, where it is not known yet.

    Raises:
        DatabaseError, StoreUnavailable: nothing was stored; the request is sent again next time.
    """
    if not has_recent_price(gap.instrument, now):
        return StepResult(wait=FIRST_PRICE_WAIT)
    series = get_series([gap.instrument], gap.interval)[gap.instrument]
    wanted = _find_wanted(gap, series, now)
    times = archive.read_times(series.pk, *wanted)
    missing = find_missing(times, wanted, gap.interval)
    for request in _list_requests(gap, series, missing, times, now) if missing else ():
        source = request.source
        health = _load_health(source)
        wait = _seconds_until(source, health, now)
        factors = load_factors(source, request.span, gap.interval) if factors_follow or not wait else None
        if factors_follow and not are_complete(factors, request.span, gap.interval):
            return StepResult(wait=max(wait, FACTOR_WAIT))
        if not wait:
            return StepResult(request, _send(request, health, factors))
        if wait <= LONGEST_WAIT:
            return StepResult(wait=wait)
    return StepResult(missing=missing, judged_again=_judge_again(gap, series, wanted))


def _judge_again(gap: Gap, series: StoredSeries, wanted: TimeRange) -> int:
    """
    Convert the vendors' candles within *wanted* that nobody could convert when they came; return their number.

    They are as the vendor gave them, so nobody has to be asked for them again.
    """
    found = archive.read_disputed_past(series.pk, *wanted)
    judged: list[Candle] = []
    for source in HISTORY_SOURCES.values():
        if source.QUOTE and (own := [candle for candle in found if candle.source == source.NAME]):
            span = TimeRange(own[0].time, own[-1].time + gap.interval)
            factors = load_factors(source, span, gap.interval)
            judged += to_candles([VendorCandle(*candle[:5]) for candle in own], source.NAME, factors)
    if known := [candle for candle in judged if not candle.disputed]:
        archive.write_candles(gap.interval, {gap.instrument: known})
    return len(known)


def has_recent_price(instrument: Instrument, now: float) -> bool:
    """Return whether a price of *instrument* was recorded lately: without one no answer can be checked."""
    minutes = find_series(instrument, MINUTE)
    return minutes is not None and bool(archive.read_times(minutes.pk, int(now - RECENT), int(now) + MINUTE))


def kept_seconds(interval: int) -> int:
    """Return how old candles of *interval* become, in seconds."""
    days = {MINUTE: settings.RATES_CANDLES_1M_DAYS, HOUR: settings.RATES_CANDLES_1H_DAYS, DAY: 365 * 50}
    return days[interval] * DAY


def _find_wanted(gap: Gap, series: StoredSeries, now: float) -> TimeRange:
    first = archive.read_first(series.pk) if gap.interval == MINUTE else None
    return wanted_range(gap.interval, now, first and first.time, kept_seconds(gap.interval), gap.since)


def _list_requests(
    gap: Gap, series: StoredSeries, missing: Sequence[TimeRange], times: Sequence[int], now: float
) -> Iterator[Request]:
    """
    Return the next request to each vendor that has one, in the order to ask them; *times* are those of known candles.

    Only where no vendor can be asked about a range that ends next to a known price, others are requested.
    """
    newest = _find_next(gap, missing[-1].end, RECENT)
    known = [*times, *([newest.time] if newest else [])]
    is_followed = False
    # One after the other, as mostly the first is sent.
    for source in list_sources():
        if request := _make_request(gap, series, source, missing, now, known=known):
            is_followed = True
            yield request
    for source in () if is_followed else list_sources():
        if request := _make_request(gap, series, source, missing, now, known=None):
            yield request


def _make_request(
    gap: Gap,
    series: StoredSeries,
    source: HistorySource,
    missing: Sequence[TimeRange],
    now: float,
    *,
    known: Sequence[int] | None,
) -> Request | None:
    """Return the next request to *source*: about a range that one of the *known* times follows, if they are given."""
    name, pair = source.find_name(gap.coin), gap.coin.pairs.get(source.NAME)
    if name is None or (pair is not None and not pair.verified):
        return None
    asked = Backfill.objects.filter(series_id=series.pk, source=SOURCE_NUMBERS[source.NAME]).values_list("start", "end")
    left = subtract(missing, (TimeRange(*each) for each in asked))
    chosen = left if known is None else select_followed(left, known, _find_limit(gap))
    # One candle more on either side, to compare with what is known there.
    most = source.MOST_CANDLES[gap.interval] - 2
    span = newest_chunk(chosen, gap.interval, most, now - source.max_age(gap.interval))
    return span and Request(gap, series, source, name, span, left[0].start, known is not None)


def _find_limit(gap: Gap) -> float:
    """Return within how many seconds after an answer about *gap* a known price has to be, to be compared with it."""
    # At weekends and over Easter there are no days of the central bank.
    stands = gap.interval == DAY and is_pair(gap.coin.symbol)
    return CENTRAL_BANK_STANDS.total_seconds() if stands else NEXT_PRICE_WITHIN


def _seconds_until(source: HistorySource, health: Health, now: float) -> float:
    """Return the seconds until a request may be sent to *source*."""
    affordable = _credit_spacing(POLL_SOURCES[source.NAME], now) if source.NAME in POLL_SOURCES else 0.0
    resting = RETRY_AFTER if health.failures >= FREE_RETRIES else 0.0
    spacing = max(source.SPACING, health.spacing, affordable, resting)
    return max(pacing.pause_left(health, now), pacing.spacing_left(health, now, spacing))


def _credit_spacing(source: Source, now: float) -> float:
    return CREDIT_SHARE * pacing.credit_spacing(source, 1, store.load_calls(), datetime.fromtimestamp(now, UTC))


def _send(request: Request, health: Health, factors: Factors) -> int:
    """Send *request*, or what is left of it; return the number of candles that were stored."""
    asked_at = time.time()
    store.count_calls({request.source.NAME: 1}, datetime.fromtimestamp(asked_at, UTC))
    part, interval = _find_part(request), request.gap.interval
    end = request.span.end + interval
    try:
        answer = request.source.fetch_candles(request.name, interval, part.until, end, TIMEOUT)
    except TooLongAgo:
        # The source knows now how far its plan reaches, and the next request begins later.
        _save_health(request, pacing.after_answer(health, asked_at, request.source.SPACING))
        return 0
    except NotOffered as error:
        _save_health(request, pacing.after_answer(health, asked_at, request.source.SPACING))
        # It has nothing older either.
        _save(replace(request, span=TimeRange(request.oldest, request.span.end)), CheckResult([], 0, str(error)))
        return 0
    except SourceError as error:
        _save_health(
            request, pacing.after_error(health, error, asked_at, request.source.SPACING, time.time() - asked_at)
        )
        if not health.failures:
            logger.warning("history: %s", error)
        return 0
    _save_health(request, pacing.after_answer(health, asked_at, request.source.SPACING))
    candles = part.candles + answer.candles
    if answer.until < request.span.end:
        # Always some progress, or an answer that stops early could be requested forever.
        _parts[request.source.NAME] = part._replace(candles=candles, until=max(answer.until, part.until + interval))
        return 0
    return _store(request, _per_coin(candles, request), factors)


def _find_part(request: Request) -> Part:
    """Return what has come of the answer to *request* so far; nothing, from the candle before its span on."""
    part, start = _parts.pop(request.source.NAME, None), request.span.start - request.gap.interval
    known = part is not None and (part.series, part.span) == (request.series.pk, request.span)
    return part if part and known else Part(request.series.pk, request.span, [], start)


def _per_coin(candles: list[VendorCandle], request: Request) -> list[VendorCandle]:
    """Return *candles* in prices of one coin: the pair may count in units of many, or have it the other way round."""
    symbol, pair = request.gap.coin.symbol, request.gap.coin.pairs.get(request.source.NAME)
    unit = Target(symbol, pair.factor if pair else 1, inverse=request.name == "/".join(reversed(symbol.split("/"))))
    return candles if unit == Target(symbol) else [_convert(candle, unit) for candle in candles]


def _convert(candle: VendorCandle, unit: Target) -> VendorCandle:
    opened, __, __, close = prices = [unit.price(price) for price in candle[1:]]
    return VendorCandle(candle.time, opened, max(prices), min(prices), close)


def _load_health(source: HistorySource) -> Health:
    return pacing.read_health(store.load_healths(), pacing.history_name(source.NAME), source.setup_fingerprint())


def _save_health(request: Request, health: Health) -> None:
    store.update_healths(partial(pacing.merge_health, {pacing.history_name(request.source.NAME): health}))


def _store(request: Request, candles: Sequence[VendorCandle], factors: Factors) -> int:
    """Store those of *candles*, the whole answer to *request*, that pass the check; return their number."""
    (start, end), interval = request.span, request.gap.interval
    around = archive.read_candles(request.series.pk, start - interval, end + interval)
    # A vendor's candle is disputed for lack of a USDT/USD, which does not make it another coin's.
    known = {candle.time: candle for candle in around if not (candle.disputed and candle.updates)}
    found = to_candles(candles, request.source.NAME, factors)
    ended = found[-1].time + interval if found else end
    limit = _find_limit(request.gap)
    following = _find_next(request.gap, ended, max(limit, RECENT))
    is_next = following is not None and following.time - ended <= limit
    if request.followed and ended < end and not is_next and known.keys().isdisjoint([each.time for each in found]):
        # Another vendor may know what came after it; the next request for the rest ends there.
        _save(replace(request, span=TimeRange(ended, end)), CheckResult([]))
        return 0
    checked = check_candles(found, known, following and following.open, rules_of(request.gap.coin.symbol, read_rules()))
    if checked.why:
        logger.warning("history: %s: %d candles refused: %s", request, checked.refused, checked.why)
    # Between two gaps stands what is known.
    there = {candle.time for candle in around}
    inside = [candle for candle in checked.candles if start <= candle.time < end and candle.time not in there]
    _save(request, checked._replace(candles=inside))
    return len(inside)


def _save(request: Request, checked: CheckResult) -> None:
    with transaction.atomic():
        if checked.candles:
            archive.write_candles(request.gap.interval, {request.gap.instrument: checked.candles})
        Backfill.objects.update_or_create(
            series_id=request.series.pk,
            source=SOURCE_NUMBERS[request.source.NAME],
            start=request.span.start,
            defaults={
                "end": request.span.end,
                "candles": len(checked.candles),
                "refused": checked.refused,
                "note": checked.why[:LONGEST_NOTE],
            },
        )


def _find_next(gap: Gap, after: int, within: float) -> Candle | None:
    """Return the first candle of the interval of *gap* or a shorter one, *within* seconds *after* a Unix time."""
    series = [find_series(gap.instrument, interval) for interval in STORED if interval <= gap.interval]
    firsts = [candle for each in series if each and (candle := archive.read_first(each.pk, after))]
    found = [candle for candle in firsts if candle.time <= after + within]
    return min(found, default=None, key=lambda candle: candle.time)
