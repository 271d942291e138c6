"""
The state of each coin and of the service as the admin shows it, from one read of Redis.

Tested in `tests/admin/test_coins.py`.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.conf import settings

from rates.admin.reasons import translate_reason
from rates.currencies import PARTS_OF_BTC, is_pair, offered, pair_of
from rates.judgement.identity import describe_doubtful, describe_unproven
from rates.judgement.next_board import find_factors, match_states, rules_of
from rates.judgement.readings import is_fresh
from rates.judgement.rules import read_rules
from rates.models import Coin
from rates.sources.pacing import Health, monthly_credits, pause_left, read_health, stream_name
from rates.sources.registry import POLL_SOURCES
from rates.store import Overview
from rates.telemetry.reports import AT_FIELD, SAMPLES_FIELD, running
from rates.types import USDT, USDT_PAIR, CoinState, Currency, HistoryPoint, Rate, decimal_text, read_time, time_text

WIDTH, HEIGHT = 80, 24


@dataclass(frozen=True, slots=True)
class CoinStatus:
    """
    The state of one coin.

    Attributes:
        state, reason: one of `reasons.STATES`, and why it is in that state, in the language in force.
        notes: what else staff should know: pairs that are not used, sources that have no price.
    """

    price: str = ""
    age_seconds: float | None = None
    source: str = ""
    points: str = ""
    state: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()


def describe_coin(coin: Coin, overview: Overview | None) -> CoinStatus:
    """Return the status of *coin*; *overview* is None while Redis is down."""
    if overview is None:
        return CoinStatus(state="unknown", reason=translate_reason("Redis is unavailable"))
    state = overview.states.get(coin.symbol, CoinState())
    points = draw_line(overview.histories.get(coin.symbol, ()))
    label, reason = find_state(coin, state, overview.healths)
    lacking = [f"{source}: {reason}" for source, reason in state.absent.items()]
    notes = tuple(map(translate_reason, (*lacking, *_describe_pairs(coin, overview.states)))) if coin.enabled else ()
    reason = translate_reason(reason)
    if state.shown is None:
        return CoinStatus(state=label, reason=reason, points=points, notes=notes)
    age = (datetime.now(UTC) - state.shown.received_at).total_seconds()
    return CoinStatus(decimal_text(state.shown.price), max(0.0, age), state.shown.source, points, label, reason, notes)


def _describe_pairs(coin: Coin, states: Mapping[str, CoinState]) -> list[str]:
    """Return a line for each pair that is not used, because nobody knows it to be this coin."""
    rules = read_rules()
    state = match_states(states, [coin])[coin.symbol]
    doubtful = describe_doubtful(state, find_factors(states, datetime.now(UTC), rules), rules)
    waiting = sorted((state.unproven - doubtful.keys()) & rules.sources)
    return [*doubtful.values(), *(describe_unproven(source, state, rules) for source in waiting)]


def find_state(coin: Coin, state: CoinState, healths: Mapping[str, Mapping[str, object]]) -> tuple[str, str]:
    """Return a label for the coin's state, and why it is in that state."""
    if not coin.enabled:
        return "disabled", ""
    if state.shown is None:
        return _explain_missing(coin, state, healths)
    return _find_doubt(state, state.shown, settings.RATES_STALE_AFTER, healths)


def _find_doubt(
    state: CoinState, shown: Rate, stale_after: float, healths: Mapping[str, Mapping[str, object]]
) -> tuple[str, str]:
    if state.held is not None:
        return "disputed", f"{decimal_text(state.held.price)} from {state.held.source} is held back"
    if state.disputed:
        return "disputed", "sources disagree"
    if not is_fresh(shown.received_at, datetime.now(UTC), timedelta(seconds=stale_after)):
        return "stale", _first_error(healths) or f"not confirmed for {stale_after:g} s"
    return "live", ""


def _explain_missing(coin: Coin, state: CoinState, healths: Mapping[str, Mapping[str, object]]) -> tuple[str, str]:
    if refused := [reading.refused for reading in state.readings.values() if reading.refused]:
        return "no price", str(refused[0])
    if state.absent or state.readings:
        return "no price", ""
    if any(POLL_SOURCES[name].count_calls([coin]) for name in settings.RATES_SOURCES if name in POLL_SOURCES):
        return "waiting for the first price", _first_error(healths)
    return "no price", "no source is asked for it: enter a pair"


def _first_error(healths: Mapping[str, Mapping[str, object]]) -> str:
    return next((str(health["error"]) for health in healths.values() if health.get("error")), "")


def draw_line(history: Sequence[HistoryPoint]) -> str:
    """Return the points of a sparkline for SVG's `polyline`; empty with fewer than two updates."""
    prices = [Decimal(point.price) for point in history]
    if len(prices) < 2:
        return ""
    low, high = min(prices), max(prices)
    span = (high - low) or Decimal(1)
    step = WIDTH / (len(prices) - 1)
    return " ".join(f"{i * step:.1f},{float((high - p) / span) * (HEIGHT - 4) + 2:.1f}" for i, p in enumerate(prices))


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """The state of one source, in words; a time that there is none of is empty."""

    name: str
    state: str
    error: str
    answered_at: str
    failed_at: str
    paused_until: str
    calls_today: int
    calls_month: int
    limit_month: int | None


def describe_sources(overview: Overview) -> list[SourceStatus]:
    """Return the status of each source and stream that is in use or was in use before."""
    names = dict.fromkeys([*settings.RATES_SOURCES, *map(stream_name, settings.RATES_STREAM), *overview.healths])
    return [_describe_source(name, overview) for name in names]


def _describe_source(name: str, overview: Overview) -> SourceStatus:
    health = read_health(overview.healths, name)
    now = datetime.now(UTC)
    paused = pause_left(health, now.timestamp()) > 0
    return SourceStatus(
        name=name,
        state=_health_state(health, paused),
        error=translate_reason(health.error),
        answered_at=write_moment(health.answered_at),
        failed_at=write_moment(health.failed_at),
        paused_until=write_moment(health.paused_until) if paused else "",
        calls_today=overview.calls.get(f"{name}:{now:%Y-%m-%d}", 0),
        calls_month=overview.calls.get(f"{name}:{now:%Y-%m}", 0),
        limit_month=monthly_credits(POLL_SOURCES[name]) if name in POLL_SOURCES else None,
    )


def _health_state(health: Health, paused: bool) -> str:
    if paused:
        return "paused"
    if health.answers:
        return "answers"
    return "failing" if health.failed_at else "not queried yet"


def write_moment(seconds: float) -> str:
    """Return a Unix time as staff read it, with its zone; empty for none."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC" if seconds else ""


@dataclass(frozen=True, slots=True)
class WorthStatus:
    """
    What one unit of the base is worth in a currency, or a USDT in the base.

    Attributes:
        name: of the currency, or of the pair: ``EUR``, ``USDT/USD``.
        symbol: whose state it is: a pair, ``USD/EUR``, or the coin on the board that it is the price of.
        worth, observed_at, sources: as published; empty where nobody has measured it.
        state, reason: as of a coin.
    """

    name: str
    symbol: str
    worth: str
    observed_at: str
    age_seconds: float | None
    sources: str
    state: str
    reason: str

    @property
    def is_waiting(self) -> bool:
        """Whether staff may accept it here; a coin is accepted in the list of coins."""
        return self.state == "disputed" and is_pair(self.symbol)


def describe_worths(overview: Overview) -> list[WorthStatus]:
    """Return the status of each offered currency but the base, and of a USDT."""
    known = overview.snapshot.currencies if overview.snapshot else {}
    currencies = [_describe_currency(code, known.get(code), overview) for code in offered()[1:]]
    state = overview.states.get(USDT_PAIR, CoinState())
    return [*currencies, _describe_worth(USDT_PAIR, USDT_PAIR, state, _read_usdt(state), overview)]


def _describe_currency(code: str, worth: Currency | None, overview: Overview) -> WorthStatus:
    symbol = (worth and worth.coin) or pair_of("btc" if code in PARTS_OF_BTC else code)
    return _describe_worth(code.upper(), symbol, overview.states.get(symbol, CoinState()), worth, overview)


def _read_usdt(state: CoinState) -> Currency | None:
    if state.shown is None:
        return None
    price, observed_at = decimal_text(state.shown.price), time_text(state.shown.observed_at)
    return Currency(USDT, price, None, state.shown.source, observed_at)


def _describe_worth(
    name: str, symbol: str, state: CoinState, worth: Currency | None, overview: Overview
) -> WorthStatus:
    if worth is None or state.shown is None:
        return WorthStatus(name, symbol, "", "", None, "", "no price", "")
    age = max(0.0, (datetime.now(UTC) - state.shown.received_at).total_seconds())
    limit = rules_of(symbol, read_rules()).stale_after.total_seconds()
    label, reason = _find_doubt(state, state.shown, limit, overview.healths)
    return WorthStatus(
        name=name,
        symbol=symbol,
        worth=worth.per_base,
        observed_at=write_moment(read_time(worth.observed_at).timestamp()),
        age_seconds=age,
        sources=", ".join((worth.source, *worth.confirmed_by)),
        state=label,
        reason=translate_reason(reason),
    )


@dataclass(frozen=True, slots=True)
class BackfillStatus:
    """
    How far the backfill has come, as the history thread reported it last.

    Attributes:
        gaps, done: how many series there are to complete, and how many are.
        current: the one that is being filled; empty when all are done.
        missing: coin, interval, start and end of what no vendor has.
    """

    at: str
    gaps: int
    done: int
    current: str
    requests: int
    stored: int
    missing: list[tuple[str, str, str, str]]


def describe_backfill(stored: Mapping[str, Any] | None) -> BackfillStatus | None:
    """Return what is *stored* about the backfill; None before it has begun."""
    if not stored:
        return None
    missing = [
        (g["symbol"], g["interval"], write_moment(g["start"]), write_moment(g["end"])) for g in stored["missing"]
    ]
    counts = (stored["gaps"], stored["done"], stored["now"], stored["requests"], stored["stored"])
    return BackfillStatus(write_moment(stored["at"]), *counts, missing)


def describe_owner_changes(overview: Overview) -> list[tuple[str, str, str, str]]:
    """Return time, coins, and the sources before and after each change of owners, the newest first."""
    return [
        (write_moment(read_time(at).timestamp()), ", ".join(c.symbol for c in [*together][::-1]), before or "–", after)
        for (at, before, after), together in groupby(overview.owners, attrgetter("at", "before", "after"))
    ]


def describe_processes(overview: Overview) -> list[tuple[str, str, str]]:
    """Return for each running process its name, the time of its last report, and what it reported."""
    return [
        (
            name,
            write_moment(facts[AT_FIELD]),
            ", ".join(f"{key}: {value}" for key, value in facts.items() if key not in (AT_FIELD, SAMPLES_FIELD)),
        )
        for name, facts in running(overview.processes, time.time()).items()
    ]


def board_age(overview: Overview) -> float | None:
    """Return the seconds since the last publication; None before the first."""
    if overview.snapshot is None:
        return None
    return max(0.0, (datetime.now(UTC) - read_time(overview.snapshot.as_of)).total_seconds())
