"""
The requests of one tick: which source is asked for which coins, and what its answer means for its health.

A source that fails does not affect the others. `rates.sources.pacing` decides when a source may be asked at all.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings

from rates import store
from rates.exceptions import SourceError, SourceGarbled
from rates.judgement import next_board
from rates.judgement.readings import distance_pct, is_fresh
from rates.judgement.rules import read_rules
from rates.models import Coin
from rates.sources import pacing
from rates.sources.pacing import Health
from rates.sources.registry import POLL_SOURCES
from rates.telemetry import counts
from rates.telemetry.absences import absence_log
from rates.types import Absence, CoinState, Rate, Rates

logger = logging.getLogger(__name__)

# Seconds between two requests to a source that merely checks fresh streams.
CHECK_INTERVAL = 60.0
# The most that one of the two rounds may take: in seconds, and as a share of the interval.
LONGEST_ROUND = 2.5
ROUND_SHARE = 0.35

CoinsBySource = Mapping[str, Sequence[Coin]]


class Poll:
    """
    The requests of one tick, and the answers.

    Attributes:
        coins: the coin list when the tick began.
        states: the state of each of them.
        answers: the rates from each source that was asked, or the reason why there are none.
    """

    def __init__(self, coins: Sequence[Coin], states: Mapping[str, CoinState]) -> None:
        self.coins = coins
        self.states = states
        self.answers: dict[str, list[Rate] | SourceError] = {}
        self._healths = _read_healths(store.load_healths())
        limited = any(pacing.monthly_credits(POLL_SOURCES[name]) for name in settings.RATES_SOURCES)
        self._calls = store.load_calls() if limited else {}

    def rates(self) -> list[Rate]:
        """Return the rates of all answers."""
        answers = self.answers.values()
        return [r for answer in answers for r in (answer.arrived if isinstance(answer, SourceError) else answer)]

    def absences(self) -> list[Absence]:
        """Return the coins that a source was asked for and has no price of."""
        answers = {name: answer for name, answer in self.answers.items() if isinstance(answer, Rates)}
        return [Absence(s, name, reason) for name, answer in answers.items() for s, reason in answer.absent.items()]

    def choose_due(self) -> CoinsBySource:
        """
        Return the sources that are due, and the coins each is asked for.

        The first of `RATES_SOURCES` is asked in every tick, the others often enough for their prices to stay fresh.
        While every coin shows the price of a fresh stream, all of them are merely asked as a check: rarely, unless
        another stream contradicts the price. A source is not asked for coins that its own stream delivers.
        """
        now = datetime.now(UTC)
        states = [self.states[coin.symbol] for coin in self.coins]
        streamed = all(_shows_stream(state, now) for state in states)
        contradicted = streamed and any(_is_contradicted(state, now) for state in states)
        opinion = CHECK_INTERVAL if streamed and not contradicted else settings.RATES_STALE_AFTER / 2
        wanted = {}
        for place, name in enumerate(settings.RATES_SOURCES):
            coins = self._not_streamed(self.coins, name, now)
            if coins and self._may_ask(name, coins, now, wait=opinion if streamed or place else 0.0):
                wanted[name] = coins
        return wanted

    def choose_doubtful(self) -> CoinsBySource:
        """Return the sources that were not asked yet and may be, with the coins that are still stale or disputed."""
        now = datetime.now(UTC)
        left = [n for n in settings.RATES_SOURCES if n not in self.answers and self._may_ask(n, self.coins, now, 0.0)]
        doubtful = self._find_doubtful(now) if left else []
        wanted = {name: self._not_streamed(doubtful, name, now) for name in left}
        return {name: coins for name, coins in wanted.items() if coins}

    def ask(self, wanted: CoinsBySource) -> None:
        """Ask all sources at once; share what this process learned about them, and read what others learned."""
        if not wanted:
            return
        started = datetime.now(UTC)
        asked = {n: _one_coin(n, coins) if self._healths[n].probing else coins for n, coins in wanted.items()}
        store.count_calls({name: POLL_SOURCES[name].count_calls(coins) for name, coins in asked.items()}, started)
        with ThreadPoolExecutor(len(asked)) as threads:
            answers = dict(zip(asked, threads.map(_fetch, asked, asked.values()), strict=True))
        took = time.time() - started.timestamp()
        learned = {n: _learn(n, self._healths[n], answer, started.timestamp(), took) for n, answer in answers.items()}
        self._healths |= _read_healths(store.update_healths(partial(pacing.merge_health, learned)))
        self.answers |= answers
        for name, answer in answers.items():
            absence_log.note(name, answer if not isinstance(answer, SourceError) else answer.arrived)

    def _may_ask(self, name: str, coins: Sequence[Coin], now: datetime, wait: float) -> bool:
        source = POLL_SOURCES[name]
        spacing = pacing.credit_spacing(source, source.count_calls(coins), self._calls, now) if coins else 0.0
        return pacing.may_ask(self._healths[name], now.timestamp(), wait, spacing)

    def _not_streamed(self, coins: Sequence[Coin], name: str, now: datetime) -> list[Coin]:
        """
        Return those of *coins* that the source's own stream does not deliver, as its poll would say the same.

        None if the source has none of them: an empty answer would count as a good one.
        """
        left = [coin for coin in coins if not _is_live(self.states[coin.symbol], now, name)]
        return left if POLL_SOURCES[name].count_calls(left) else []

    def _find_doubtful(self, now: datetime) -> list[Coin]:
        """Return the coins that would be stale or disputed if the board were published now."""
        rules = read_rules()
        known = next_board.add_rates(dict(self.states), self.rates(), False, rules)
        verdicts = next_board.judge(known, now, rules)
        return [coin for coin in self.coins if verdicts[coin.symbol].is_doubtful]


def _read_healths(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, Health]:
    setups = {name: POLL_SOURCES[name].setup_fingerprint() for name in settings.RATES_SOURCES}
    return {name: pacing.read_health(stored, name, setup) for name, setup in setups.items()}


def _shows_stream(state: CoinState, now: datetime) -> bool:
    return state.shown is not None and _is_live(state, now, state.shown.source)


def _is_contradicted(state: CoinState, now: datetime) -> bool:
    """Return whether another stream's price is far from the one shown; USDT counts as the quote currency here."""
    return state.shown is not None and any(
        distance_pct(reading.rate.price, state.shown.price) > settings.RATES_AGREEMENT_PCT
        for source, reading in state.readings.items()
        if source != state.shown.source and _is_live(state, now, source)
    )


def _is_live(state: CoinState, now: datetime, source: str) -> bool:
    """
    Return whether the stream of *source* delivers the coin.

    It does not if its rate is half-way to being stale: so another price arrives before this one has to be marked.
    """
    reading = state.readings.get(source)
    limit = timedelta(seconds=settings.RATES_STALE_AFTER / 2)
    if reading is None or not reading.live or reading.refused is not None:
        return False
    return is_fresh(reading.rate.received_at, now, limit)


def _one_coin(name: str, coins: Sequence[Coin]) -> Sequence[Coin]:
    """Return one of *coins* that the source has: enough to probe a source that refused us."""
    return [next(coin for coin in coins if POLL_SOURCES[name].count_calls([coin]))]


def _fetch(name: str, coins: Sequence[Coin]) -> list[Rate] | SourceError:
    timeout = min(LONGEST_ROUND, ROUND_SHARE * settings.RATES_REFRESH_INTERVAL)
    outcome = "answered"
    try:
        with counts.answer_time.labels(name).time():
            return POLL_SOURCES[name].fetch_rates(coins, timeout)
    except SourceError as error:
        outcome = error.kind
        return error
    except Exception as error:
        # It costs this source a pause, but not the other sources or the tick.
        logger.exception("%s: an internal error while reading its answer", name)
        outcome = SourceGarbled.kind
        return SourceGarbled(name, f"an internal error while reading its answer: {type(error).__name__}")
    finally:
        counts.answers.labels(name, outcome).inc()


def _learn(name: str, health: Health, answer: list[Rate] | SourceError, asked_at: float, took: float) -> Health:
    """Return *health* after *answer*; the first failure and the first answer after failures are a log line each."""
    interval = settings.RATES_REFRESH_INTERVAL
    if not isinstance(answer, SourceError):
        if health.failures:
            logger.info("%s: answers again", name)
        return pacing.after_answer(health, asked_at, interval)
    learned = pacing.after_error(health, answer, asked_at, interval, took)
    pause = learned.paused_until - asked_at - took
    if health.failures == 0 or learned.probing != health.probing:
        logger.warning("%s%s", answer, f"; not asked again for {pause:.0f} s" if pause > 0 else "")
    return learned
