"""
Everything that is stored about the coins and the service, for the admin, the metrics and the pages.

Tested in `tests/store/test_board.py`.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rates.store.header import is_foreign, read_header
from rates.store.keys import BOARD, CALLS, COUNTERS, OWNERS, PROCESSES, SOURCE_HEALTHS, STATES, history_key, rate_key
from rates.store.known import known_states
from rates.store.redis_client import client, read_counts, read_hash, redis_errors
from rates.store.snapshot import read_snapshot
from rates.types import CoinState, HistoryPoint, OwnerChange, Snapshot

N = TypeVar("N", HistoryPoint, OwnerChange)


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything stored about the coins and the service, read in one round trip, which took `latency_ms`."""

    snapshot: Snapshot | None
    states: Mapping[str, CoinState]
    histories: Mapping[str, Sequence[HistoryPoint]]
    healths: Mapping[str, Mapping[str, Any]]
    calls: Mapping[str, int]
    counters: Mapping[str, int]
    owners: Sequence[OwnerChange]
    processes: Mapping[str, Mapping[str, Any]]
    latency_ms: float


def load_overview(symbols: Iterable[str] = ()) -> Overview:
    """Return what the admin and the metrics show, with the histories of *symbols*."""
    wanted = list(symbols)
    started = time.monotonic()
    with redis_errors(), client().pipeline() as pipe:
        pipe.get(BOARD)
        for key in (STATES, SOURCE_HEALTHS, CALLS, COUNTERS, PROCESSES):
            pipe.hgetall(key)
        pipe.lrange(OWNERS, 0, -1)
        for symbol in wanted:
            pipe.get(rate_key(symbol)).lrange(history_key(symbol), 0, -1)
        head, states, sources, calls, counters, processes, owners, *rest = pipe.execute()
    header, ours = read_header(head), not is_foreign(head)
    texts = dict(zip(wanted, rest[::2], strict=True))
    return Overview(
        snapshot=read_snapshot(header, [texts.get(s) for s in header.symbols]) if header else None,
        states=known_states.read(states if ours else {}),
        histories={s: _read_history(texts if ours else ()) for s, texts in zip(wanted, rest[1::2], strict=True)},
        healths=read_hash(sources),
        calls=read_counts(calls),
        counters=read_counts(counters),
        owners=[_read_tuple(OwnerChange, text) for text in owners],
        processes=read_hash(processes),
        latency_ms=(time.monotonic() - started) * 1000,
    )


def load_histories(symbols: Iterable[str], newest: int = 0) -> dict[str, list[HistoryPoint]]:
    """Return the stored updates of each of *symbols*, or so many of the *newest*, oldest first, in one round trip."""
    wanted = list(symbols)
    with redis_errors(), client().pipeline(transaction=False) as pipe:
        pipe.get(BOARD)
        for symbol in wanted:
            pipe.lrange(history_key(symbol), -newest, -1)
        head, *lists = pipe.execute()
    if is_foreign(head):
        return {symbol: [] for symbol in wanted}
    return {symbol: _read_history(texts) for symbol, texts in zip(wanted, lists, strict=True)}


def _read_history(texts: Iterable[str]) -> list[HistoryPoint]:
    """Return the updates in *texts* in order of time, one for each: an earlier release kept them as they came."""
    points = {point.observed_at: point for point in (_read_tuple(HistoryPoint, text) for text in texts)}
    return [points[moment] for moment in sorted(points)]


def _read_tuple(kind: type[N], text: str) -> N:
    """Return the named tuple in *text*; fields that a newer release has added are ignored."""
    data = json.loads(text)
    return kind(*(data[name] for name in kind._fields))
