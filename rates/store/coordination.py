"""What processes share: reports, slots, the leader of the streams, health of the sources, calls, login attempts."""

import json
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

from rates.store.keys import (
    CALLS,
    PROCESSES,
    SOURCE_HEALTHS,
    STREAM_LEADER,
    UNKNOWN_PAIRS,
    known_key,
    login_key,
    slot_key,
)
from rates.store.redis_client import client, read_counts, read_hash, redis_errors, transact

logger = logging.getLogger(__name__)

# What this process knows to be in Redis, to notice a loss: the calls of this month, the sources that have a health.
_counted: dict[str, int] = {}
_stored_healths: set[str] = set()

Healths = Mapping[str, Mapping[str, Any]]

# Seconds: a pair that Binance does not know is asked for again after this.
UNKNOWN_PAIR_KEPT = 86400

# Compare and set in one step, so that a process that was suspended cannot take leadership from its successor.
ACQUIRE = """
local holder = redis.call("GET", KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return 1
"""
RELEASE = 'if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0'


def report_process(name: str, facts: Mapping[str, Any]) -> float:
    """Store the report of the process *name*; return the Unix time by Redis' clock, which all processes share."""
    with redis_errors(), client().pipeline(transaction=False) as pipe:
        _, (seconds, microseconds) = pipe.hset(PROCESSES, name, json.dumps(facts)).time().execute()
    return float(seconds + microseconds / 1e6)


def load_processes() -> dict[str, Mapping[str, Any]]:
    """Return the last report of each process, by name."""
    with redis_errors():
        return read_hash(client().hgetall(PROCESSES))


def forget_processes(names: Iterable[str]) -> None:
    """Delete the reports of the processes *names*."""
    gone = list(names)
    if gone:
        with redis_errors():
            client().hdel(PROCESSES, *gone)


def claim_slot(slot: int, seconds: float) -> bool:
    """Return True to the first process that claims the tick of *slot*; the claim expires after *seconds*."""
    with redis_errors():
        return bool(client().set(slot_key(slot), token_hex(4), nx=True, px=int(seconds * 1000)))


def load_healths() -> Healths:
    """Return the health of each source that was ever asked, by name."""
    with redis_errors():
        return read_hash(client().hgetall(SOURCE_HEALTHS))


def update_healths(decide: Callable[[Healths], Healths]) -> Healths:
    """
    Store what *decide* makes of the health of each source, and return the health of all.

    *decide* runs again when another process was faster, so it must have no side effects.
    """

    def work(pipe: Any, answers: Sequence[Any]) -> Healths:
        stored = read_hash(answers[0])
        if not stored and _stored_healths:
            logger.warning("Redis has lost the health of %s: pauses begin again", ", ".join(sorted(_stored_healths)))
        decided = decide(stored)
        _stored_healths.clear()
        _stored_healths.update(stored.keys() | decided.keys())
        pipe.multi()
        if decided:
            pipe.hset(SOURCE_HEALTHS, mapping={name: json.dumps(health) for name, health in decided.items()})
        return {**stored, **decided}

    return transact(work, [("HGETALL", SOURCE_HEALTHS)], SOURCE_HEALTHS)


def count_calls(calls: Mapping[str, int], now: datetime) -> None:
    """Count *calls* to each source, per month and per day."""
    if calls:
        with redis_errors(), client().pipeline() as pipe:
            for name, count in calls.items():
                pipe.hincrby(CALLS, f"{name}:{now:%Y-%m}", count)
                pipe.hincrby(CALLS, f"{name}:{now:%Y-%m-%d}", count)
            answers = pipe.execute()
        months, days = answers[::2], answers[1::2]
        _note_lost_calls({f"{name}:{now:%Y-%m}": month for name, month in zip(calls, months, strict=True)}, calls)
        if any(day == count > 0 for day, count in zip(days, calls.values(), strict=True)):
            # The first call of a day.
            _forget_calls(now)


def _note_lost_calls(months: Mapping[str, int], calls: Mapping[str, int]) -> None:
    """Tell the operator when a month has fewer calls than this process has counted: its credits count from zero."""
    for (month, count), added in zip(months.items(), calls.values(), strict=True):
        left, known = count - added, _counted.get(month, 0)
        if left < known:
            logger.warning("Redis has lost calls that were counted for %s: %d of %d are left", month, left, known)
    _counted.update(months)


def _forget_calls(now: datetime) -> None:
    """Delete the counts from before last month."""
    month_before = now.replace(day=1) - timedelta(days=1)
    with redis_errors():
        names = client().hkeys(CALLS)
        if old := [name for name in names if name.rpartition(":")[2] < f"{month_before:%Y-%m}"]:
            client().hdel(CALLS, *old)


def load_calls() -> dict[str, int]:
    """Return the calls made to each source: ``coingecko:2026-11`` and ``coingecko:2026-11-24``."""
    with redis_errors():
        return read_counts(client().hgetall(CALLS))


def load_unknown_pairs() -> frozenset[str]:
    """Return the pairs that Binance did not know within the last day."""
    with redis_errors():
        return frozenset(client().zrangebyscore(UNKNOWN_PAIRS, time.time(), "+inf"))


def save_unknown_pairs(pairs: Iterable[str]) -> None:
    """Remember for a day that Binance does not know *pairs*."""
    until = time.time() + UNKNOWN_PAIR_KEPT
    with redis_errors(), client().pipeline() as pipe:
        pipe.zremrangebyscore(UNKNOWN_PAIRS, "-inf", time.time())
        pipe.zadd(UNKNOWN_PAIRS, dict.fromkeys(pairs, until))
        pipe.expire(UNKNOWN_PAIRS, UNKNOWN_PAIR_KEPT)
        pipe.execute()


def forget_unknown_pairs(pairs: Collection[str]) -> None:
    """Have Binance asked about *pairs* again."""
    if pairs:
        with redis_errors():
            client().zrem(UNKNOWN_PAIRS, *pairs)


def acquire_leadership(token: str, seconds: float, key: str = STREAM_LEADER) -> bool:
    """Become or stay the leader for *seconds*; return False while another process is."""
    with redis_errors():
        return bool(client().eval(ACQUIRE, 1, key, token, int(seconds * 1000)))


def release_leadership(token: str, key: str = STREAM_LEADER) -> None:
    """Stop being the leader, if *token* is."""
    with redis_errors():
        client().eval(RELEASE, 1, key, token)


def count_attempts(names: Sequence[str], seconds: int) -> list[tuple[int, int]]:
    """Count an attempt for each of *names*; return how many there are now, and in how many seconds they expire."""
    with redis_errors(), client().pipeline() as pipe:
        for name in names:
            key = login_key(name)
            pipe.set(key, 0, ex=seconds, nx=True).incr(key).ttl(key)
        answers = pipe.execute()
    return list(zip(answers[1::3], answers[2::3], strict=True))


def forgive_attempts(names: Sequence[str], pair: str, seconds: int) -> None:
    """Delete the attempts of *names*, and remember for *seconds* that *pair* has logged in."""
    with redis_errors(), client().pipeline() as pipe:
        pipe.delete(*(login_key(name) for name in names))
        pipe.set(known_key(pair), 1, ex=seconds)
        pipe.execute()


def is_known(pair: str) -> bool:
    """Return whether *pair* has logged in before."""
    with redis_errors():
        return bool(client().exists(known_key(pair)))
