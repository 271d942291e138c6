"""
When a source may be asked again: pure functions of its health.

`may_ask` decides. `after_answer` and `after_error` make the next health, with its pause: this is where a 429 is
remembered, for all processes, because the callers (`polling`, `staff_lookup`, `streams.health`) keep every health in
Redis under `rates:sources`, by `store.update_healths`.

    answered                 asked again when it is due; the spacing of a source that limited us shrinks slowly
    limited (429, 418)       not before the time it names, otherwise a growing pause; the spacing grows
    refused (401, 403, 451)  a long pause, then one cheap probe before real traffic
    unreachable, garbled     the next tick is the retry, or the time it names (503); a short pause after some in a row
    empty                    the next tick is the retry; how many in a row says nothing

A stream has a health of its own, named `binance stream`, whose pauses are between two connections: a second at first,
then longer and longer. Vendors limit by address, so a limit met by the stream also pauses the polls, and the other way
round; a refusal concerns one host, and does not.

The same holds for a vendor's history, `binance history`, which comes from a host of its own.

A month's credits are spread evenly over the rest of the month.
"""

import calendar
import hashlib
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from msgspec import Struct
from msgspec.structs import asdict, fields, replace

from rates.exceptions import SourceEmpty, SourceError, SourceLimited, SourceRefused
from rates.outbound.proxies import parse_endpoint, proxy_for
from rates.sources.protocols import Source

# Seconds.
LONGEST_LIMIT_PAUSE = 300.0
LONGEST_NAMED_PAUSE = 3 * 86400.0
# The same for a server that is down (503): it does not count our calls, and may be back sooner than it thought.
LONGEST_OUTAGE_PAUSE = 300.0
REFUSED_PAUSE = 900.0
LONGEST_REFUSED_PAUSE = 3600.0
LONGEST_FAILURE_PAUSE = 30.0
LONGEST_SPACING = 300.0
# Failures in a row that are retried with the next tick.
FREE_RETRIES = 5
WIDEN = 1.5
NARROW = 0.995
# A stream: pauses between two connections, in seconds.
FIRST_BREAK_PAUSE = 1.0
LONGEST_BREAK_PAUSE = 60.0
STREAM_LIMIT_PAUSE = 30.0
LONGEST_STREAM_LIMIT_PAUSE = 600.0
# Seconds that the clocks of two hosts may differ; a time further ahead is from before our clock was set back.
MAX_CLOCK_SKEW = 60.0
# No stored number of failures and no stored Unix time can be higher.
LARGEST_STORED = 1e11
# Appended to the name of a source, it is the name of its stream's health.
STREAM_SUFFIX = " stream"
# The same for its history.
HISTORY_SUFFIX = " history"


class Health(Struct, frozen=True):
    """
    How a source has answered.

    Attributes:
        setup: digest of its configuration (address, key); with another one it starts with a fresh health.
        asked_at, answered_at, failed_at: Unix seconds of the last request, good answer, failure; 0 for never.
        error: the last failure in words; empty while it answers.
        failures: failures in a row.
        paused_until: Unix seconds; not asked before.
        limited: the pause is for asking too often; it holds for the vendor's polls and stream alike.
        probing: the next request is a cheap one, because the last one was refused.
        spacing: seconds between two requests, learned from being limited; 0 if it never limited us.
    """

    setup: str = ""
    asked_at: float = 0.0
    answered_at: float = 0.0
    failed_at: float = 0.0
    error: str = ""
    failures: int = 0
    paused_until: float = 0.0
    limited: bool = False
    probing: bool = False
    spacing: float = 0.0

    @property
    def answers(self) -> bool:
        """Whether its last answer was a good one."""
        return self.answered_at > self.failed_at


FIELDS = tuple((each.name, each.default) for each in fields(Health))


def fingerprint(url: str, *parts: str) -> str:
    """
    Return a short digest of a configuration, which reveals no key.

    The proxy is a part of it: a vendor that refuses one address may accept another.
    """
    proxy = proxy_for(parse_endpoint(url))
    return hashlib.sha256("\n".join([url, *parts, *([proxy.url] if proxy else [])]).encode()).hexdigest()[:16]


def stream_name(source: str) -> str:
    """Return the name that the health of *source*'s stream has."""
    return source + STREAM_SUFFIX


def history_name(source: str) -> str:
    """Return the name of the health of *source*'s history."""
    return source + HISTORY_SUFFIX


def read_health(stored: Mapping[str, Mapping[str, Any]], name: str, setup: str | None = None) -> Health:
    """
    Return the health of *name* among all *stored* ones, with the vendor's limit if its poll, stream or history met one.

    It is a fresh one if none is stored, or one for another *setup*; None accepts any.
    """
    own = _read(stored.get(name, {}))
    health = own if setup in (None, own.setup) else Health(setup=setup or "")
    vendor = name.removesuffix(STREAM_SUFFIX).removesuffix(HISTORY_SUFFIX)
    others = [stored.get(other, {}) for other in (vendor, stream_name(vendor), history_name(vendor))]
    limits = [_read(each) for each in others if each.get("limited") is True]
    other = max(limits, default=Health(), key=lambda each: each.paused_until)
    if other.paused_until <= health.paused_until:
        return health
    return replace(health, paused_until=other.paused_until, error=health.error or other.error)


def _read(stored: Mapping[str, Any]) -> Health:
    """Return the *stored* health; fields that are missing or implausible are as in a fresh one."""
    return Health(**{name: stored[name] for name, default in FIELDS if _is_sound(stored.get(name), default)})


def _is_sound(value: Any, default: Any) -> bool:
    kinds = (int, float) if type(default) is float else (type(default),)
    return type(value) in kinds and (isinstance(value, str) or 0 <= value <= LARGEST_STORED)


def write_health(health: Health) -> dict[str, Any]:
    """Return *health* as `read_health` reads it."""
    return asdict(health)


def merge_health(learned: Mapping[str, Health], stored: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """
    Return what to store after this process *learned* something, given what others have *stored* in the meantime.

    The longer pause wins: a good answer that was already on its way does not end it.
    """
    return {name: write_health(_keep_longer_pause(health, stored.get(name, {}))) for name, health in learned.items()}


def _keep_longer_pause(learned: Health, stored: Mapping[str, Any]) -> Health:
    other, now = _read(stored), learned.asked_at
    stands = other.setup == learned.setup and pause_left(other, now) > pause_left(learned, now)
    return other if stands else learned


def pause_left(health: Health, now: float) -> float:
    """Return the seconds that are left of its pause at *now*; 0 if our clock was set back since."""
    return max(0.0, health.paused_until - now) if _is_believable(health.asked_at, now) else 0.0


def may_ask(health: Health, now: float, wait: float, credit_spacing: float = 0.0) -> bool:
    """
    Return whether the source may be asked at *now*.

    It may not while it is paused, within *wait* seconds of its last good answer, or within the spacing since its last
    request: the one that was learned from limits, or *credit_spacing*, whichever is longer.
    """
    if pause_left(health, now):
        return False
    spacing = max(health.spacing, credit_spacing)
    return _seconds_since(health.asked_at, now) >= spacing and _seconds_since(health.answered_at, now) >= wait


def spacing_left(health: Health, now: float, spacing: float) -> float:
    """Return the seconds at *now* until *spacing* has passed since the last question."""
    return max(0.0, spacing - _seconds_since(health.asked_at, now))


def _seconds_since(moment: float, now: float) -> float:
    """Return the seconds from *moment* to *now*; one from before our clock was set back counts as never."""
    return max(0.0, now - moment) if _is_believable(moment, now) else now


def _is_believable(moment: float, now: float) -> bool:
    return moment - now <= MAX_CLOCK_SKEW


def after_answer(health: Health, now: float, interval: float) -> Health:
    """Return the health after a usable answer to the request made at *now*."""
    spacing = health.spacing * NARROW
    return replace(
        health,
        asked_at=now,
        answered_at=now,
        error="",
        failures=0,
        paused_until=0.0,
        limited=False,
        probing=False,
        spacing=spacing if spacing > interval else 0.0,
    )


def after_error(health: Health, error: SourceError, asked_at: float, interval: float, took: float = 0.0) -> Health:
    """Return the health after *error*, *took* seconds after the request at *asked_at*; a pause starts from then."""
    failures = max(1, health.failures + (not isinstance(error, SourceEmpty)))
    asked, now = _fail(health, error, asked_at, failures), asked_at + took
    if isinstance(error, SourceLimited):
        # Being limited several times in a row says nothing new about how often it may be asked.
        wider = health.spacing if health.failures else max(2 * interval, WIDEN * health.spacing)
        spacing = min(LONGEST_SPACING, wider)
        return replace(asked, spacing=spacing, paused_until=now + _limit_pause(error, failures, interval))
    if isinstance(error, SourceRefused):
        pause = _backoff_pause(REFUSED_PAUSE, failures - 1, LONGEST_REFUSED_PAUSE)
        return replace(asked, probing=True, paused_until=now + pause)
    pause = _failure_pause(error, failures, interval)
    return replace(asked, paused_until=now + pause) if pause else asked


def after_connecting(health: Health, now: float) -> Health:
    """Return the health of a stream that delivers; its failures are kept until the connection has proved to last."""
    return replace(health, asked_at=now, answered_at=now, error="", paused_until=0.0, limited=False)


def after_break(health: Health, error: SourceError, now: float, *, lasted: bool) -> Health:
    """Return the health of a stream whose connection ended at *now*; if it *lasted*, failures count from one again."""
    failures = 1 if lasted else health.failures + 1
    broken = _fail(health, error, now, failures)
    return replace(broken, paused_until=now + _break_pause(error, failures))


def _fail(health: Health, error: SourceError, now: float, failures: int) -> Health:
    return replace(
        health,
        asked_at=now,
        failed_at=now,
        error=str(error),
        failures=failures,
        limited=isinstance(error, SourceLimited),
    )


def _break_pause(error: SourceError, failures: int) -> float:
    if isinstance(error, SourceRefused):
        return _backoff_pause(REFUSED_PAUSE, failures - 1, LONGEST_REFUSED_PAUSE)
    if isinstance(error, SourceLimited) and error.retry_after is None:
        return _backoff_pause(STREAM_LIMIT_PAUSE, failures - 1, LONGEST_STREAM_LIMIT_PAUSE)
    named = _named_pause(error) + random.uniform(0, 2) if error.retry_after is not None else 0.0
    return max(named, _backoff_pause(FIRST_BREAK_PAUSE, failures - 1, LONGEST_BREAK_PAUSE))


def _limit_pause(error: SourceLimited, failures: int, interval: float) -> float:
    if error.retry_after is not None:
        return _named_pause(error)
    return _backoff_pause(max(interval, 5.0), failures, LONGEST_LIMIT_PAUSE)


def _failure_pause(error: SourceError, failures: int, interval: float) -> float:
    own = _backoff_pause(interval, failures - FREE_RETRIES, LONGEST_FAILURE_PAUSE) if failures > FREE_RETRIES else 0.0
    return max(own, _named_pause(error))


def _named_pause(error: SourceError) -> float:
    """Return the seconds that the vendor named, as far as we believe it; 0 when it named none."""
    longest = LONGEST_NAMED_PAUSE if isinstance(error, SourceLimited) else LONGEST_OUTAGE_PAUSE
    return min(error.retry_after or 0.0, longest)


def _backoff_pause(base: float, times: int, cap: float) -> float:
    """Return a pause that doubles up to *cap*, less a random part of up to a fifth, so that hosts spread out."""
    return float(min(cap, base * 2 ** min(times, 20))) * random.uniform(0.8, 1.0)


def credit_spacing(source: Source, cost: int, calls: Mapping[str, int], now: datetime) -> float:
    """Return the seconds between two requests of *cost* calls that the month's credits allow, after *calls* so far."""
    used = calls.get(f"{source.NAME}:{now:%Y-%m}", 0)
    return spread_credits(monthly_credits(source), used, cost, now)


def monthly_credits(source: Source) -> int | None:
    """Return how many calls a month *source* may get; None without such a limit."""
    monthly: int | None = getattr(settings, source.CREDITS_SETTING) if source.CREDITS_SETTING else None
    return monthly


def spread_credits(monthly: int | None, used: int, cost: int, now: datetime) -> float:
    """
    Return the seconds between two requests of *cost* credits that spread what is left evenly over the month.

    Infinite if the *monthly* credits are used up; 0 without such a limit (None).
    """
    if monthly is None:
        return 0.0
    affordable = (monthly - used) // cost
    if affordable < 1:
        return float("inf")
    return seconds_left_in_month(now) / affordable


def seconds_left_in_month(now: datetime) -> float:
    """Return the seconds until the next month begins, UTC."""
    days = calendar.monthrange(now.year, now.month)[1]
    end = datetime(now.year, now.month, days, 23, 59, 59, 999999, tzinfo=UTC)
    return max(1.0, (end - now).total_seconds())
