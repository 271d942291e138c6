"""
From the sources to the board: what a tick, a stream and an edit of the coin list each do to it.

A tick asks whoever its role and its health allow, all at once; then, about the coins that are still in doubt, those
who were not asked yet. A source that fails costs nobody else anything.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.conf import settings

from rates import store
from rates.exceptions import SourceError, SourceGarbled
from rates.history.recorder import recorder
from rates.judgement import next_board
from rates.judgement.ownership import accept, is_waiting
from rates.judgement.readings import distance_pct, is_fresh
from rates.judgement.rules import read_rules
from rates.models import Coin
from rates.publication import publish
from rates.sources import pacing
from rates.sources.pacing import Health
from rates.sources.registry import POLL_SOURCES
from rates.store import Change, Memory, Saved
from rates.store.coin_list import coin_list
from rates.telemetry import counts
from rates.types import CoinState, Rate

logger = logging.getLogger(__name__)

# Seconds: how often a source is asked that only checks fresh streams.
CHECK_INTERVAL = 60.0
# Seconds: the longest that one round of questions may take.
LONGEST_ROUND = 2.5
# Part of the interval that one of the two rounds may take.
ROUND_SHARE = 0.35

States = Mapping[str, CoinState]
Questions = Mapping[str, Sequence[Coin]]
Answers = Mapping[str, list[Rate] | SourceError]


@dataclass(frozen=True, slots=True)
class Tick:
    """What a tick did: the answer of each source that was asked, and the publication."""

    answers: Answers
    saved: Saved


def run_tick() -> Tick:
    """
    Ask the sources that are due and publish the board.

    Raises:
        StoreUnavailable: when Redis cannot be reached; the board is then as it was.
    """
    coins = coin_list.read()
    states = next_board.match_states(store.load_states(), coins)
    healths = _read_healths(store.load_healths())
    limited = any(pacing.monthly_credits(POLL_SOURCES[name]) for name in settings.RATES_SOURCES)
    calls = store.load_calls() if limited else {}
    answers = _ask(_choose_due(coins, states, healths, calls), healths)
    answers |= _ask(_choose_rest(coins, states, answers, healths, calls), healths)
    return Tick(answers, _publish(partial(_revise, rates=_rates(answers), asked=coins)))


def publish_streamed(rates: Sequence[Rate], coins: Sequence[Coin]) -> Saved:
    """
    Put *rates* of the live streams on the board; publish only if a coin looks different after it.

    *coins* are those that the streams follow. Rates that repeat a known price confirm it: their `received_at` is when
    the stream last proved to be alive.

    Raises:
        StoreUnavailable: when Redis cannot be reached.
    """
    return _publish(partial(_revise, rates=rates, asked=coins, live=True, only_if_changed=True))


def publish_coins() -> Saved:
    """
    Publish the board of the coin list as it is now, with the rates that are known.

    Raises:
        StoreUnavailable: when Redis cannot be reached; the next tick publishes the list then.
    """
    return _publish(partial(_revise, rates=(), asked=()))


def accept_prices(prices: Mapping[str, Decimal]) -> frozenset[str]:
    """
    Vouch for *prices*, held or disputed ones that staff have seen, by symbol, and publish; return whose was accepted.

    A coin for which another price waits by now is left as it is.

    Raises:
        StoreUnavailable: when Redis cannot be reached; nothing is accepted then.
    """
    accepted: frozenset[str] = frozenset()
    rules = read_rules()

    def decide(memory: Memory, coins: Sequence[Coin]) -> Change:
        nonlocal accepted
        known = next_board.match_states(memory.states, coins)
        accepted = frozenset(s for s, price in prices.items() if s in known and is_waiting(known[s], price, rules))
        states = {**memory.states, **{symbol: accept(known[symbol]) for symbol in accepted}}
        return next_board.revise(replace(memory, states=states), coins, (), datetime.now(UTC))

    _publish(decide)
    return accepted


def _revise(
    memory: Memory,
    coins: Sequence[Coin],
    rates: Sequence[Rate],
    asked: Sequence[Coin],
    *,
    live: bool = False,
    only_if_changed: bool = False,
) -> Change:
    current = next_board.keep_current(rates, asked, coins)
    return next_board.revise(memory, coins, current, datetime.now(UTC), live=live, only_if_changed=only_if_changed)


def _publish(decide: Callable[[Memory, Sequence[Coin]], Change]) -> Saved:
    # The list is read when others can no longer publish unnoticed: so no edit is undone by a list from before it.
    saved = store.update_board(lambda memory: decide(memory, coin_list.read()))
    for change in saved.owners:
        logger.log(
            logging.WARNING if change.before else logging.INFO,
            "%s: price now from %s%s",
            change.symbol,
            change.after,
            f", before from {change.before}" if change.before else "",
        )
    for note in saved.notes:
        logger.warning("%s", note)
    if saved.published:
        try:
            publish(saved.snapshot, saved.changed, saved.removed)
        finally:
            # After it, so that no socket waits for this; and also when the hubs have to find the board in the store.
            recorder().record(saved)
    return saved


def _read_healths(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, Health]:
    setups = {name: POLL_SOURCES[name].setup_fingerprint() for name in settings.RATES_SOURCES}
    return {name: pacing.read_health(stored, name, setup) for name, setup in setups.items()}


def _choose_due(
    coins: Sequence[Coin], states: States, healths: Mapping[str, Health], calls: Mapping[str, int]
) -> dict[str, Sequence[Coin]]:
    """
    Return whom to ask about what.

    The first of `RATES_SOURCES` is asked with every tick; the others often enough to have a fresh opinion; all of
    them only for their opinion while every coin shows the price of a fresh stream, and seldom unless another stream
    contradicts it. A source whose own stream is fresh is not asked.
    """
    now = datetime.now(UTC)
    covered = all(_shows_stream(states[coin.symbol], now) for coin in coins)
    doubted = covered and any(_is_contradicted(states[coin.symbol], now) for coin in coins)
    opinion = CHECK_INTERVAL if covered and not doubted else settings.RATES_STALE_AFTER / 2
    questions: dict[str, Sequence[Coin]] = {}
    for place, name in enumerate(settings.RATES_SOURCES):
        wanted = _not_streamed(coins, states, name, now)
        wait = opinion if covered or place else 0.0
        if wanted and pacing.may_ask(healths[name], now.timestamp(), wait, _credit_spacing(name, wanted, calls)):
            questions[name] = wanted
    return questions


def _shows_stream(state: CoinState, now: datetime) -> bool:
    return state.shown is not None and _is_live(state, now, state.shown.source)


def _is_contradicted(state: CoinState, now: datetime) -> bool:
    """Return whether a stream delivers another price than the one that is shown; USDT counts as its quote here."""
    return state.shown is not None and any(
        distance_pct(reading.rate.price, state.shown.price) > settings.RATES_AGREEMENT_PCT
        for source, reading in state.readings.items()
        if source != state.shown.source and _is_live(state, now, source)
    )


def _is_live(state: CoinState, now: datetime, source: str) -> bool:
    """
    Return whether the stream of *source* delivers the coin.

    It does not when its rate is half-way to being stale: so there is another price before this one has to be marked.
    """
    reading = state.readings.get(source)
    limit = timedelta(seconds=settings.RATES_STALE_AFTER / 2)
    if reading is None or not reading.live or reading.refused is not None:
        return False
    return is_fresh(reading.rate.received_at, now, limit)


def _choose_rest(
    coins: Sequence[Coin], states: States, answers: Answers, healths: Mapping[str, Health], calls: Mapping[str, int]
) -> dict[str, Sequence[Coin]]:
    """Return whom to ask about the coins that are still in doubt: who was not asked yet, and may be."""
    now = datetime.now(UTC)
    left = [
        name
        for name in settings.RATES_SOURCES
        if name not in answers
        and pacing.may_ask(healths[name], now.timestamp(), 0.0, _credit_spacing(name, coins, calls))
    ]
    doubtful = _find_doubtful(coins, states, answers) if left else []
    questions = {name: _not_streamed(doubtful, states, name, now) for name in left}
    return {name: wanted for name, wanted in questions.items() if wanted}


def _not_streamed(coins: Sequence[Coin], states: States, name: str, now: datetime) -> list[Coin]:
    """
    Return those of *coins* that the source's own stream does not deliver; its poll would only replace that.

    There are none where the source would not be called for any: a question that asks nothing proves nothing.
    """
    left = [coin for coin in coins if not _is_live(states[coin.symbol], now, name)]
    return left if POLL_SOURCES[name].count_calls(left) else []


def _find_doubtful(coins: Sequence[Coin], states: States, answers: Answers) -> list[Coin]:
    """Return the coins that would be stale or disputed with what is known now."""
    now = datetime.now(UTC)
    rules = read_rules()
    taken = next_board.add_rates(dict(states), _rates(answers), False, rules)
    verdicts = next_board.judge(taken, now, rules)
    return [coin for coin in coins if verdicts[coin.symbol].is_doubtful]


def _credit_spacing(name: str, coins: Sequence[Coin], calls: Mapping[str, int]) -> float:
    source = POLL_SOURCES[name]
    return pacing.credit_spacing(source, source.count_calls(coins), calls, datetime.now(UTC)) if coins else 0.0


def _ask(questions: Questions, healths: dict[str, Health]) -> dict[str, list[Rate] | SourceError]:
    """Put all *questions* at once; what this and other processes learned of the sources goes into *healths*."""
    if not questions:
        return {}
    started = datetime.now(UTC)
    questions = {name: _probe(name, coins) if healths[name].probing else coins for name, coins in questions.items()}
    store.count_calls({name: POLL_SOURCES[name].count_calls(coins) for name, coins in questions.items()}, started)
    with ThreadPoolExecutor(len(questions)) as threads:
        answers = dict(zip(questions, threads.map(_fetch, questions, questions.values()), strict=True))
    took = time.time() - started.timestamp()
    learned = {n: _learn(n, healths[n], answer, started.timestamp(), took) for n, answer in answers.items()}
    healths |= _read_healths(store.update_healths(partial(pacing.merge_health, learned)))
    return answers


def _probe(name: str, coins: Sequence[Coin]) -> Sequence[Coin]:
    """Return one of *coins* that the source is called for."""
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
        # It costs this source a pause, and not the others and the tick.
        logger.exception("%s: its answer met an error of ours", name)
        outcome = SourceGarbled.kind
        return SourceGarbled(name, f"its answer met an error of ours: {type(error).__name__}")
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


def _rates(answers: Answers) -> list[Rate]:
    return [rate for answer in answers.values() if not isinstance(answer, SourceError) for rate in answer]
