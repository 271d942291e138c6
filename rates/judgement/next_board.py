"""
The next board: every enabled coin with the rate it shows, in order.

`revise` makes it from the present one and from new rates. It is pure, so that a publisher can repeat it when another
one has published in the meantime.

Tested in `tests/judgement/test_bad_inputs.py` and `tests/test_edits.py`.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from operator import attrgetter, is_
from typing import Any, TypeVar

from django.conf import settings
from msgspec.structs import replace

from rates.currencies import code_of, is_pair
from rates.judgement.consensus import find_consensus
from rates.judgement.conversion import QUOTE_PAIRS, Factors, depeg_notes, pair_rules, unit_worth
from rates.judgement.currencies import currency_rules, describe_currencies, judge_currency, list_pairs
from rates.judgement.identity import identity_notes, judge_proven
from rates.judgement.ownership import Verdict, decide
from rates.judgement.readings import update_readings
from rates.judgement.rows import LastRows
from rates.judgement.rules import Rules, read_rules
from rates.judgement.standing import Judged, LastVerdicts
from rates.kept import KeptLast
from rates.models import Coin
from rates.store import Change, Memory
from rates.types import (
    USDT_PAIR,
    Absence,
    CoinState,
    DayStats,
    HistoryPoint,
    KnownPairs,
    OwnerChange,
    Rate,
    decimal_text,
    time_text,
)

A = TypeVar("A", Rate, Absence)

# The state of a coin of which nothing is known.
NOTHING = CoinState()
UNPROVEN = attrgetter("unproven")


def revise(
    memory: Memory,
    coins: Sequence[Coin],
    rates: Sequence[Rate],
    now: datetime,
    *,
    absent: Sequence[Absence] = (),
    live: bool = False,
    only_if_changed: bool = False,
    days: Mapping[str, DayStats] | None = None,
) -> Change:
    """
    Return the board after *rates* arrived, and where none did after the question, *absent*.

    *live* rates come from a stream; with *only_if_changed*, the board is published only if a coin looks different.
    *days* has the last 24 hours by CoinGecko id.
    """
    rules = read_rules()
    known = match_states(memory.states, coins)
    verdicts = judge(add_absences(add_rates(known, rates, live, rules), rates, absent), now, rules)
    judged = {symbol: verdict.state for symbol, verdict in verdicts.items()}
    _keep_matched(judged, coins)
    old, days = memory.states, days or {}
    # A state that is the same object has no news.
    shown = {s: judged[s] for s in (coin.symbol for coin in coins) if judged[s] is not old.get(s)}
    watched = shown | {s: judged[s] for s in list_pairs(coins) if s in judged and judged[s] is not old.get(s)}
    owners = _owner_changes(old, watched, now)
    return Change(
        as_of=now,
        fragments=_rows.encode_all(coins, verdicts, days),
        states=judged,
        points=_new_points(old, shown),
        forgotten=_find_forgotten(old, known, coins),
        owners=owners,
        counts=_count_events(old, watched, owners),
        notes=[
            *_dispute_notes(old, watched),
            *identity_notes(known, shown, find_factors(judged, now, rules), rules),
            *depeg_notes(old.get(USDT_PAIR), judged.get(USDT_PAIR)),
        ],
        stale=[symbol for symbol, verdict in verdicts.items() if verdict.stale],
        only_if_changed=only_if_changed,
        currencies=describe_currencies(verdicts, coins, now),
        proven=[(symbol, source) for symbol, state in shown.items() for source in state.unproven & state.proven],
    )


def match_states(states: Mapping[str, CoinState], coins: Sequence[Coin]) -> dict[str, CoinState]:
    """Return the state of each of *coins*, quote pair and currency; what is about another coin or pair is dropped."""
    # A tick asks twice. The states are one item more, so that they are compared by identity as the coins are.
    return _followed([states, *coins], settings.QUOTE_CURRENCY)


def _keep_matched(judged: dict[str, CoinState], coins: Sequence[Coin]) -> None:
    """Remember that *judged* states match *coins*: only the proof of a pair changes what is compared there."""
    if not any(map(UNPROVEN, judged.values())):
        _followed.keep(judged, [judged, *coins], settings.QUOTE_CURRENCY)


def _follow(states_and_coins: Sequence[Any], quote: str) -> dict[str, CoinState]:
    states, *coins = states_and_coins
    followed = {
        coin.symbol: _match_coin(states.get(coin.symbol, NOTHING), coin, known, quote)
        for coin, known in zip(coins, _known_pairs(coins), strict=True)
    }
    if coins:
        pairs = (*QUOTE_PAIRS.values(), *list_pairs(coins))
        followed |= {pair: _match_quote(states.get(pair, NOTHING), quote) for pair in pairs}
    return followed


def _match_quote(state: CoinState, quote: str) -> CoinState:
    """Return *state*, or an empty one if its prices are in another currency than `QUOTE_CURRENCY` is now."""
    if state.quote == quote:
        return state
    return CoinState(quote=quote) if state.quote else replace(state, quote=quote)


def _read_pairs(coins: Sequence[Coin]) -> list[KnownPairs]:
    return [coin.known_pairs for coin in coins]


def _match_coin(state: CoinState, coin: Coin, known: KnownPairs, quote: str) -> CoinState:
    _, pairs, unverified = known
    # Nothing of the coin has changed: the case of nearly every coin in nearly every tick.
    if (
        state.coingecko_id == coin.coingecko_id
        and state.quote == quote
        and state.pairs == pairs
        and state.proven <= pairs.keys()
        and state.unproven == unverified - state.proven
        and state.doubtful <= state.unproven
    ):
        return state
    state = _match_quote(CoinState() if _is_another_coin(state, coin) else state, quote)
    # A source without a pair so far has said nothing about another one.
    changed = [source for source, key in state.pairs.items() if pairs.get(source) != key]
    for source in changed:
        state = _forget(state, source)
    proven = state.proven.intersection(pairs) - frozenset(changed)
    unproven = unverified - proven
    doubtful = state.doubtful & unproven - frozenset(changed)
    return replace(
        state, coingecko_id=coin.coingecko_id, pairs=pairs, proven=proven, unproven=unproven, doubtful=doubtful
    )


def _forget(state: CoinState, source: str) -> CoinState:
    """Return *state* without what came from *source*, which may have been about another coin: also what was shown."""
    readings = {name: reading for name, reading in state.readings.items() if name != source}
    absent = {name: reason for name, reason in state.absent.items() if name != source}
    if state.shown is None or state.shown.source != source:
        return replace(state, readings=readings, absent=absent)
    return CoinState(quote=state.quote, readings=readings, absent=absent)


def _is_another_coin(state: CoinState, coin: Coin) -> bool:
    return state.coingecko_id not in ("", coin.coingecko_id) or state.quote not in ("", settings.QUOTE_CURRENCY)


def _find_forgotten(old: Mapping[str, CoinState], known: Mapping[str, CoinState], coins: Sequence[Coin]) -> list[str]:
    """Return the symbols of those *coins* whose state in *old* is about another coin; where it is *known* it is not."""
    changed = [coin for coin in coins if old.get(coin.symbol, NOTHING) is not known[coin.symbol]]
    return [coin.symbol for coin in changed if _is_another_coin(old.get(coin.symbol, NOTHING), coin)]


def keep_current(rates: Sequence[A], asked: Sequence[Coin], coins: Sequence[Coin]) -> list[A]:
    """
    Return those of *rates* (or absences) whose coin has the same id and pairs in *coins* as in *asked*.

    *asked* is the list of the question: a coin that was given another id or pair since may be another coin. A rate of
    USDT is kept when neither list has it.
    """
    if len(asked) == len(coins) and all(map(is_, asked, coins)):
        return list(rates)
    before, now = _identify(asked), _identify(coins)
    return [rate for rate in rates if before.get(rate.symbol) == now.get(rate.symbol)]


def _identify(coins: Sequence[Coin]) -> dict[str, tuple[str, Mapping[str, str]]]:
    return {coin.symbol: (coin.coingecko_id, coin.known_pairs.keys) for coin in coins}


def add_rates(states: dict[str, CoinState], rates: Sequence[Rate], live: bool, rules: Rules) -> dict[str, CoinState]:
    """Return *states* with *rates* added to their readings; rates of coins without a state are left out."""
    arrived: dict[str, list[Rate]] = {}
    for rate in rates:
        symbol = rate.symbol
        if symbol in arrived:
            arrived[symbol].append(rate)
        elif symbol in states:
            arrived[symbol] = [rate]
    return states | {symbol: _add_to(symbol, states[symbol], news, live, rules) for symbol, news in arrived.items()}


def _add_to(symbol: str, state: CoinState, rates: Sequence[Rate], live: bool, rules: Rules) -> CoinState:
    return replace(state, readings=update_readings(state.readings, rates, live, _find_rules(symbol, rules)))


def _find_rules(symbol: str, rules: Rules) -> Rules:
    """Return the rules by which readings of *symbol* follow each other: a currency has its own."""
    is_currency = is_pair(symbol) and symbol not in QUOTE_PAIRS.values()
    return currency_rules(code_of(symbol), rules) if is_currency else rules


def add_absences(
    states: dict[str, CoinState], rates: Sequence[Rate], absent: Sequence[Absence]
) -> dict[str, CoinState]:
    """Return *states* with what sources lack now; one that has given a price lacks it no longer."""
    news: dict[str, dict[str, str]] = {}
    lacking = {symbol for symbol, state in states.items() if state.absent}
    for rate in rates if lacking else ():
        if rate.symbol in lacking and rate.source in states[rate.symbol].absent:
            news.setdefault(rate.symbol, dict(states[rate.symbol].absent)).pop(rate.source, None)
    for symbol, source, reason in absent:
        if symbol in states:
            news.setdefault(symbol, dict(states[symbol].absent))[source] = reason
    return states | {symbol: replace(states[symbol], absent=known) for symbol, known in news.items()}


def rules_of(symbol: str, rules: Rules) -> Rules:
    """Return the rules by which *symbol* is judged: a coin, a quote pair or a currency."""
    return pair_rules(rules) if symbol in QUOTE_PAIRS.values() else _find_rules(symbol, rules)


def find_factors(states: Mapping[str, CoinState], now: datetime, rules: Rules) -> Factors:
    """Return what one unit of each source's quote currency is worth by *states*."""
    pairs = {quote: _judge_pair(states.get(pair, NOTHING), now, rules) for quote, pair in QUOTE_PAIRS.items()}
    return {source: unit_worth(pairs[quote].state, pairs[quote].stale) for source, quote in rules.quotes.items()}


def judge(states: Mapping[str, CoinState], now: datetime, rules: Rules) -> dict[str, Verdict]:
    """Return the verdict on each coin and currency of *states*; quote pairs come first, because prices need them."""
    pairs = {quote: _judge_pair(states.get(pair, NOTHING), now, rules) for quote, pair in QUOTE_PAIRS.items()}
    factors = {source: unit_worth(pairs[quote].state, pairs[quote].stale) for source, quote in rules.quotes.items()}
    quote_pairs = {pair: pairs[quote] for quote, pair in QUOTE_PAIRS.items() if pair in states}
    doubted = [source for source, quote in rules.quotes.items() if pairs[quote].state.disputed]

    def judge_one(symbol: str, state: CoinState) -> Judged:
        if is_pair(symbol):
            its_rules = currency_rules(code_of(symbol), rules)
            return Judged(state, judge_currency(state, now, its_rules), now, its_rules.stale_after)
        return _judge_coin(state, factors, now, rules, doubted)

    others = {symbol: state for symbol, state in states.items() if symbol not in quote_pairs}
    return _verdicts.judge_all(others, now, (rules, factors, doubted), judge_one) | quote_pairs


def _judge_coin(state: CoinState, factors: Factors, now: datetime, rules: Rules, doubted: Collection[str]) -> Judged:
    """Return the verdict on a coin; one that leaves no doubt is also the one on the state that it leads to."""
    clear = None if state.unproven or state.unidentified else find_consensus(state, factors, now, rules, doubted)
    if clear is not None:
        return Judged(clear.state, clear, now, rules.stale_after)
    return Judged(state, judge_proven(state, factors, now, rules, doubted), now, rules.stale_after)


def _judge_pair(pair: CoinState, now: datetime, rules: Rules) -> Verdict:
    """Return the verdict on what a quote is worth; sources that quote in another currency cannot be certain of it."""
    return decide(pair, dict.fromkeys(rules.quotes), now, pair_rules(rules))


def _new_points(old: Mapping[str, CoinState], new: Mapping[str, CoinState]) -> dict[str, HistoryPoint]:
    """Return an update for each coin whose shown price is not the one of the board before."""
    points = {}
    for symbol, state in new.items():
        before, shown = old.get(symbol, NOTHING).shown, state.shown
        if shown and not (before and before.observed_at == shown.observed_at and before.price == shown.price):
            points[symbol] = HistoryPoint(decimal_text(shown.price), time_text(shown.observed_at))
    return points


def _owner_changes(old: Mapping[str, CoinState], new: Mapping[str, CoinState], now: datetime) -> list[OwnerChange]:
    changes = []
    for symbol, state in new.items():
        before = old.get(symbol, NOTHING).shown
        if state.shown and state.shown.source != (before and before.source):
            source = before.source if before else None
            changes.append(OwnerChange(symbol, source, state.shown.source, time_text(now)))
    return changes


def _count_events(
    old: Mapping[str, CoinState], new: Mapping[str, CoinState], owners: Sequence[OwnerChange]
) -> dict[str, int]:
    """Return how many coins changed their owner, came into dispute, had a price held back; without the zeros."""
    disputed = [symbol for symbol, state in new.items() if state.disputed]
    held = [symbol for symbol, state in new.items() if state.held is not None]
    counts = {
        "owner_changes": sum(change.before is not None for change in owners),
        "disputes": sum(not old.get(symbol, NOTHING).disputed for symbol in disputed),
        "held": sum(old.get(symbol, NOTHING).held is None for symbol in held),
    }
    return {name: count for name, count in counts.items() if count}


def _dispute_notes(old: Mapping[str, CoinState], new: Mapping[str, CoinState]) -> list[str]:
    notes = []
    for symbol, state in new.items():
        if state.disputed == old.get(symbol, NOTHING).disputed:
            continue
        said = ", ".join(f"{name} {decimal_text(r.rate.price)}" for name, r in state.readings.items())
        notes.append(f"{symbol}: {'in dispute' if state.disputed else 'no longer in dispute'} ({said})")
    return notes


# What nearly all coins have in common with the publication before.
_known_pairs = KeptLast(_read_pairs)
_followed = KeptLast(_follow)
_verdicts = LastVerdicts()
_rows = LastRows()
