"""
The requests of one tick: which source is asked for which coins, and what its answer means for its health.

A source that fails does not affect the others. `rates.sources.pacing` decides when a source may be asked at all.
"""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django.conf import settings

from rates import store
from rates.concurrency import kept_threads
from rates.exceptions import SourceError, SourceGarbled
from rates.judgement import next_board
from rates.judgement.conversion import QUOTE_PAIRS, pair_rules
from rates.judgement.currencies import currency_rules, list_pairs
from rates.judgement.readings import distance_pct, is_delivered, is_fresh
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
        bank_file: what the central bank's newest file says; None before the first.
    """

    def __init__(self, coins: Sequence[Coin]) -> None:
        limited = any(pacing.monthly_credits(POLL_SOURCES[name]) for name in settings.RATES_SOURCES)
        memory = store.load_tick(calls=limited)
        self.coins = coins
        self.states = next_board.match_states(memory.states, coins)
        # All others are certain not to be delivered, so that no source has to be looked at.
        self._streamed = frozenset(
            symbol for symbol, state in self.states.items() for reading in state.readings.values() if reading.live
        )
        self.answers: dict[str, list[Rate] | SourceError] = {}
        self._rules = read_rules()
        self._healths = _read_healths(memory.healths)
        self._calls = memory.calls
        self.bank_file = memory.bank_file
        self._learned: dict[str, Health] = {}

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

        A coin that shows the price of a stream is merely checked: rarely, unless another stream contradicts the price,
        or the worth of a quote is in dispute.
        When the stream is silent about it, the stream's own source is asked; that is often enough for the price to stay
        fresh where the market is quiet. For the other coins the first of `RATES_SOURCES` is asked in every tick, and
        the others often enough for their prices to stay fresh. A source is not asked for coins that its own stream
        delivers.
        """
        now = datetime.now(UTC)
        contradicted = self._disputes_quote() or any(
            self._is_contradicted(self.states[coin.symbol], now) for coin in self.coins if coin.symbol in self._streamed
        )
        check = settings.RATES_STALE_AFTER / 2 if contradicted else CHECK_INTERVAL
        wanted = {}
        for place, name in enumerate(settings.RATES_SOURCES):
            left = self._not_streamed(self.coins, name, now)
            if (left or self._lacks_quote(name, now)) and self._may_ask(name, left, now, wait=check):
                wanted[name] = left
                continue
            coins = [coin for coin in left if coin.symbol not in self._streamed or self._needs(coin, name, now)]
            unstreamed = any(not _shows_stream(self.states[coin.symbol]) for coin in coins)
            wait = settings.RATES_STALE_AFTER / 2 if place or not unstreamed else 0.0
            if coins and self._may_ask(name, coins, now, wait):
                wanted[name] = coins
        return wanted

    def _needs(self, coin: Coin, name: str, now: datetime) -> bool:
        """Return whether source *name* is to be asked about *coin* between two checks."""
        state = self.states[coin.symbol]
        if not _shows_stream(state):
            return True
        assert state.shown is not None
        return state.shown.source == name and not self._is_live(state, now, name)

    def choose_doubtful(self) -> CoinsBySource:
        """Return the sources that were not asked yet and may be, with the coins that nothing confirms so far."""
        now = datetime.now(UTC)
        left = [n for n in settings.RATES_SOURCES if n not in self.answers and self._may_ask(n, self.coins, now, 0.0)]
        doubtful = self._find_doubtful(now) if left else []
        wanted = {name: self._not_streamed(doubtful, name, now) for name in left}
        return {name: coins for name, coins in wanted.items() if coins}

    def ask(self, wanted: CoinsBySource) -> None:
        """Ask all sources at once; what is learned about them is shared at once if a pause follows."""
        if not wanted:
            return
        started = datetime.now(UTC)
        asked = {n: _one_coin(n, coins) if self._healths[n].probing else coins for n, coins in wanted.items()}
        calls = {name: POLL_SOURCES[name].count_calls(coins) for name, coins in asked.items()}
        # Counted while the sources are asked, for Redis may be as far away as they are.
        counted = kept_threads().submit(store.count_calls, calls, started)
        answers = _fetch_all(asked)
        counted.result()
        took = time.time() - started.timestamp()
        learned = {n: _learn(n, self._healths[n], answer, started.timestamp(), took) for n, answer in answers.items()}
        self._learned |= learned
        if any(health.paused_until for health in learned.values()):
            self._healths |= _read_healths(self.share())
        self.answers |= answers
        store.save_market_caps(_find_market_caps(answers.values()), settings.QUOTE_CURRENCY, time.time())
        for name, answer in answers.items():
            absence_log.note(name, answer if not isinstance(answer, SourceError) else answer.arrived)

    def share(self) -> store.Healths:
        """Tell all processes what this one has learned about the sources; return what all have."""
        learned, self._learned = self._learned, {}
        return store.update_healths(partial(pacing.merge_health, learned)) if learned else {}

    def _may_ask(self, name: str, coins: Sequence[Coin], now: datetime, wait: float) -> bool:
        source = POLL_SOURCES[name]
        spacing = pacing.credit_spacing(source, source.count_calls(coins), self._calls, now) if coins else 0.0
        return pacing.may_ask(self._healths[name], now.timestamp(), wait, spacing)

    def _not_streamed(self, coins: Sequence[Coin], name: str, now: datetime) -> list[Coin]:
        """
        Return those of *coins* that the source's own stream does not deliver, as its poll would say the same.

        None if the source has none of them: an empty answer would count as a good one.
        """
        streamed = self._streamed
        left = [c for c in coins if c.symbol not in streamed or not self._is_live(self.states[c.symbol], now, name)]
        return left if POLL_SOURCES[name].count_calls(left) else []

    def _lacks_quote(self, name: str, now: datetime) -> bool:
        """Return whether the stream of *name*, which tells what quotes and currencies are worth, is silent."""
        if not self.coins or name not in settings.RATES_STREAM or not POLL_SOURCES[name].count_calls([]):
            return False
        known = [self.states.get(pair, CoinState()).readings.get(name) for pair in QUOTE_PAIRS.values()]
        limit = pair_rules(self._rules).live_for
        lacks = not all(reading and is_fresh(reading.rate.received_at, now, limit) for reading in known)
        return lacks or self._lacks_currency(name, now)

    def _lacks_currency(self, name: str, now: datetime) -> bool:
        """Return whether *name* has told what a currency is worth, but not for long."""
        told = [
            (reading.rate.received_at, currency_rules(code, self._rules).live_for)
            for pair, code in list_pairs(self.coins).items()
            if (reading := self.states[pair].readings.get(name))
        ]
        return not all(is_fresh(received_at, now, limit) for received_at, limit in told)

    def _disputes_quote(self) -> bool:
        """Return whether what a unit of a quote is worth is in dispute: prices in it need others that agree."""
        return any(self.states.get(pair, CoinState()).disputed for pair in QUOTE_PAIRS.values())

    def _is_contradicted(self, state: CoinState, now: datetime) -> bool:
        """Return whether another stream's price is far from a stream's that shows; USDT counts as the quote here."""
        shown = state.shown
        return (
            shown is not None
            and self._is_live(state, now, shown.source)
            and any(
                distance_pct(reading.rate.price, shown.price) > settings.RATES_AGREEMENT_PCT
                for source, reading in state.readings.items()
                if source != shown.source and self._is_live(state, now, source)
            )
        )

    def _is_live(self, state: CoinState, now: datetime, source: str) -> bool:
        """Return whether the stream of *source* delivers the coin."""
        reading = state.readings.get(source)
        return reading is not None and is_delivered(reading, now, self._rules)

    def _find_doubtful(self, now: datetime) -> list[Coin]:
        """Return the coins that would be stale or disputed if the board were published now, and the silent ones."""
        known = next_board.add_rates(dict(self.states), self.rates(), False, self._rules)
        verdicts = next_board.judge(known, now, self._rules)
        return [
            coin
            for coin in self.coins
            if (verdict := verdicts[coin.symbol]).is_doubtful or self._is_silent(verdict.state, now)
        ]

    def _is_silent(self, state: CoinState, now: datetime) -> bool:
        """Return whether the stream whose price shows is silent, and its source's poll has not confirmed the price."""
        return _shows_stream(state) and not self._is_live(state, now, state.shown.source if state.shown else "")


def _find_market_caps(answers: Iterable[list[Rate] | SourceError]) -> dict[str, Decimal]:
    arrived = (answer.arrived if isinstance(answer, SourceError) else answer for answer in answers)
    told = (rates.market_caps for rates in arrived if isinstance(rates, Rates))
    return {coin_id: cap for caps in told for coin_id, cap in caps.items()}


def _read_healths(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, Health]:
    setups = {name: POLL_SOURCES[name].setup_fingerprint() for name in settings.RATES_SOURCES}
    return {name: pacing.read_health(stored, name, setup) for name, setup in setups.items()}


def _shows_stream(state: CoinState) -> bool:
    """Return whether the coin shows what a stream said last, however long ago."""
    reading = state.readings.get(state.shown.source) if state.shown else None
    return reading is not None and reading.live and reading.refused is None


def _one_coin(name: str, coins: Sequence[Coin]) -> Sequence[Coin]:
    """Return one of *coins* that the source has, if any: enough to probe a source that refused us."""
    return [coin for coin in coins if POLL_SOURCES[name].count_calls([coin])][:1]


def _fetch_all(asked: CoinsBySource) -> dict[str, list[Rate] | SourceError]:
    """Return the answer of each source; this thread asks one itself, as it would only wait for the others."""
    *others, mine = asked
    asking = {name: kept_threads().submit(_fetch, name, asked[name]) for name in others}
    answer = _fetch(mine, asked[mine])
    return {**{name: other.result() for name, other in asking.items()}, mine: answer}


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
