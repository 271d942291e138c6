"""
What the history keeps in Redis: minutes that are not in the database yet, and how far the past has been fetched.

Of a minute each process that publishes has its own part. Tested in `tests/history/test_recording.py`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rates.store.keys import BACKFILL, DAY_STATS, RUNNING_MINUTES, minute_key
from rates.store.redis_client import client, redis_errors

# Seconds that a minute waits for a database that is down; a minute of 300 coins has some 30 kB from each publisher.
MINUTES_KEPT = 2 * 3600
DAY_STATS_KEPT = 3600


def save_minutes(process: str, candles: Mapping[int, str]) -> None:
    """Store the *candles* that *process* has published so far, as text by the Unix time at which their minute began."""
    with redis_errors(), client().pipeline() as pipe:
        for minute, text in candles.items():
            pipe.hset(minute_key(minute), process, text).expire(minute_key(minute), MINUTES_KEPT)
            pipe.zadd(RUNNING_MINUTES, {str(minute): minute})
        pipe.execute()


def load_minutes(until: int, most: int) -> dict[int, Sequence[str]]:
    """Return the oldest minutes, *most* of them, that began before the Unix time *until*, each with all its texts."""
    with redis_errors(), client().pipeline(transaction=False) as pipe:
        minutes = client().zrangebyscore(RUNNING_MINUTES, "-inf", f"({until}", start=0, num=most)
        for minute in minutes:
            pipe.hvals(minute_key(int(minute)))
        return dict(zip(map(int, minutes), pipe.execute(), strict=True))


def load_newest_minutes(now: float, most: int) -> dict[int, Sequence[str]]:
    """Return the newest minutes that began by the Unix time *now*, *most* of them, oldest first, with their texts."""
    with redis_errors(), client().pipeline(transaction=False) as pipe:
        minutes = client().zrangebyscore(RUNNING_MINUTES, "-inf", now)[-most:]
        for minute in minutes:
            pipe.hvals(minute_key(int(minute)))
        return dict(zip(map(int, minutes), pipe.execute(), strict=True))


def forget_minutes(minutes: Iterable[int]) -> None:
    """Drop *minutes*, which are in the database now."""
    gone = list(minutes)
    if gone:
        with redis_errors(), client().pipeline() as pipe:
            pipe.delete(*map(minute_key, gone)).zrem(RUNNING_MINUTES, *gone)
            pipe.execute()


def save_day_stats(text: str) -> None:
    """Store the statistics of the last 24 hours; they expire if nobody keeps them up to date."""
    with redis_errors():
        client().set(DAY_STATS, text, ex=DAY_STATS_KEPT)


def load_day_stats() -> str | None:
    """Return the statistics of the last 24 hours as they were stored; None if there are none."""
    with redis_errors():
        text: str | None = client().get(DAY_STATS)
    return text


def save_backfill(progress: Mapping[str, Any]) -> None:
    """Store how far the past has been fetched."""
    with redis_errors():
        client().set(BACKFILL, json.dumps(progress))


def load_backfill() -> Mapping[str, Any] | None:
    """Return how far the past has been fetched; None before anybody began."""
    with redis_errors():
        text = client().get(BACKFILL)
    return None if text is None else json.loads(text)
