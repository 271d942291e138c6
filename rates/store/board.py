"""The published board, its histories and the state of each coin: publishers change them together, everybody reads."""

import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_hex
from typing import Any, TypeVar

from django.conf import settings

from rates.exceptions import StoreUnavailable
from rates.store.codec import decode_state, encode_state
from rates.store.keys import BOARD, CALLS, COUNTERS, OWNERS, PROCESSES, SOURCE_HEALTHS, STATES, history_key, rate_key
from rates.store.redis_client import ATTEMPTS, client, read_hash, redis_errors, transact
from rates.types import CoinState, Fragment, HistoryPoint, OwnerChange, Snapshot, map_prices, time_text

N = TypeVar("N", HistoryPoint, OwnerChange)

BOARD_VERSION = 1
# Seconds: a history whose coin has no updates any more goes by itself.
HISTORY_TTL = 7 * 86400
OWNER_CHANGES_KEPT = 50
# One command for all coins: hundreds of them would cost the client more than the server.
APPEND_ALL = """
for i, key in ipairs(KEYS) do
    redis.call("RPUSH", key, ARGV[i + 2])
    redis.call("LTRIM", key, -ARGV[2], -1)
    redis.call("EXPIRE", key, ARGV[1])
end
"""

# The states that this process wrote or read last, by their texts: a tick reads them twice, and mostly they are those
# that the same process wrote a tick ago.
_decoded: dict[str, CoinState] = {}


@dataclass(frozen=True, slots=True)
class Header:
    """Where the board stands: which publication, when, and which coins in which order."""

    epoch: str
    seq: int
    as_of: str
    symbols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """What the publishers share: the published board (None before the first) and the state of each coin."""

    snapshot: Snapshot | None
    states: Mapping[str, CoinState]


@dataclass(frozen=True, slots=True)
class Change:
    """
    What a publisher makes of the memory.

    Attributes:
        as_of: time of the publication.
        fragments: the new board, in order.
        states: state of every coin that the publishers follow.
        points: the new update of each coin that has one, for its history.
        forgotten: symbols whose history belongs to another coin and goes.
        owners: changes of owner.
        counts: what happened, by name, for the counters.
        notes: what the operator should know, one log line each.
        stale: those of *states* whose price is.
        only_if_changed: no publication unless a coin looks different or the list has changed; the states are kept all
            the same.
    """

    as_of: datetime
    fragments: Mapping[str, Fragment]
    states: Mapping[str, CoinState]
    points: Mapping[str, HistoryPoint] = field(default_factory=dict)
    forgotten: Sequence[str] = ()
    owners: Sequence[OwnerChange] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()
    stale: Collection[str] = ()
    only_if_changed: bool = False


@dataclass(frozen=True, slots=True)
class Saved:
    """
    A publication as it was stored.

    Attributes:
        changed, removed: which coins look different, and which left the board.
        owners, notes, states, stale: as in the `Change`.
        published: whether others are to hear of it.
    """

    snapshot: Snapshot
    changed: frozenset[str]
    removed: frozenset[str]
    owners: Sequence[OwnerChange]
    notes: Sequence[str]
    states: Mapping[str, CoinState]
    stale: Collection[str]
    published: bool


def update_board(decide: Callable[[Memory], Change]) -> Saved:
    """
    Replace the board by what *decide* makes of the present one; several publishers take turns.

    *decide* runs again when another publisher was faster, so it must have no effects of its own.

    Raises:
        StoreUnavailable: when Redis cannot be reached or refuses to write; nothing has changed then, unless it hung and
            goes on with what it was told: hubs find that by its number.
    """

    def work(pipe: Any) -> Saved:
        memory = _load_memory(pipe)
        change = decide(memory)
        saved = _assign_seq(memory.snapshot, change)
        pipe.multi()
        _write(pipe, saved, change)
        return saved

    # A quiet change writes the states alone.
    return transact(work, BOARD, STATES)


def _load_memory(pipe: Any) -> Memory:
    header = _read_header(pipe.get(BOARD))
    states = _read_states(pipe.hgetall(STATES))
    snapshot = _read_snapshot(header, pipe.mget(_rate_keys(header))) if header else None
    return Memory(snapshot, states)


def _assign_seq(before: Snapshot | None, change: Change) -> Saved:
    old = before.fragments if before else {}
    epoch, seq = (before.epoch, before.seq + 1) if before else (token_hex(8), 1)
    snapshot = Snapshot(epoch, seq, time_text(change.as_of), dict(change.fragments))
    changed = frozenset(symbol for symbol, fragment in change.fragments.items() if fragment != old.get(symbol))
    published = not change.only_if_changed or bool(changed) or list(old) != list(change.fragments)
    return Saved(
        snapshot=snapshot,
        changed=changed,
        removed=frozenset(old) - frozenset(change.fragments),
        owners=change.owners,
        notes=change.notes,
        states=change.states,
        stale=change.stale,
        published=published,
    )


def _write(pipe: Any, saved: Saved, change: Change) -> None:
    _write_states(pipe, change)
    if saved.published:
        _write_board(pipe, saved, change)


def _write_states(pipe: Any, change: Change) -> None:
    pipe.delete(STATES)
    if change.states:
        texts = {symbol: encode_state(state) for symbol, state in change.states.items()}
        _remember(texts, change.states)
        pipe.hset(STATES, mapping=texts)


def _read_states(texts: Mapping[str, str]) -> dict[str, CoinState]:
    states = {symbol: _decoded.get(text) or decode_state(text) for symbol, text in texts.items()}
    _remember(texts, states)
    return states


def _remember(texts: Mapping[str, str], states: Mapping[str, CoinState]) -> None:
    _decoded.clear()
    _decoded.update((text, states[symbol]) for symbol, text in texts.items())


def _write_board(pipe: Any, saved: Saved, change: Change) -> None:
    snapshot = saved.snapshot
    header = {"v": BOARD_VERSION, "epoch": snapshot.epoch, "seq": snapshot.seq, "as_of": snapshot.as_of}
    # Neither expires: a coin that stood still for longer would take the whole board away.
    pipe.set(BOARD, json.dumps(header | {"symbols": list(snapshot.fragments)}))
    rates = {rate_key(symbol): snapshot.fragments[symbol].json for symbol in saved.changed}
    if rates:
        pipe.mset(rates)
    gone = [history_key(symbol) for symbol in change.forgotten]
    gone += [key for symbol in saved.removed for key in (rate_key(symbol), history_key(symbol))]
    if gone:
        pipe.delete(*gone)
    points = {history_key(symbol): json.dumps(point._asdict()) for symbol, point in change.points.items()}
    if points:
        pipe.eval(APPEND_ALL, len(points), *points, HISTORY_TTL, settings.RATES_HISTORY_LENGTH, *points.values())
    if change.owners:
        pipe.lpush(OWNERS, *(json.dumps(owner._asdict()) for owner in change.owners))
        pipe.ltrim(OWNERS, 0, OWNER_CHANGES_KEPT - 1)
    for name, count in change.counts.items():
        pipe.hincrby(COUNTERS, name, count)
    # Here, and not after the transaction: who hears only prices could not tell that one came before another.
    pipe.publish(settings.REDIS_CHANNEL, map_prices(snapshot.fragments.values()))


def load_header() -> Header | None:
    """Return where the board stands; None before the first publication."""
    with redis_errors():
        return _read_header(client().get(BOARD))


def load_snapshot() -> Snapshot | None:
    """Return the board as it was published last; None before the first publication."""
    with redis_errors(), client().pipeline() as pipe:
        for _ in range(ATTEMPTS):
            header = load_header()
            if header is None:
                return None
            after, *texts = pipe.get(BOARD).mget(_rate_keys(header)).execute()
            if _read_header(after) == header:
                return None if None in texts[0] else _read_snapshot(header, texts[0])
    raise StoreUnavailable("Redis: the board changes too fast to be read")


def _rate_keys(header: Header) -> list[str]:
    return [rate_key(symbol) for symbol in header.symbols] or [BOARD]


def _read_header(text: str | None) -> Header | None:
    if text is None:
        return None
    data = json.loads(text)
    if data.get("v") != BOARD_VERSION:
        return None
    return Header(data["epoch"], data["seq"], data["as_of"], tuple(data["symbols"]))


def _read_snapshot(header: Header, texts: Sequence[str | None]) -> Snapshot:
    """Return the board of the coins whose *texts* are there; a publisher writes those anew that are lost."""
    fragments = {
        symbol: Fragment(symbol, text, json.loads(text)["price"])
        for symbol, text in zip(header.symbols, texts, strict=False)
        if text is not None
    }
    return Snapshot(header.epoch, header.seq, header.as_of, fragments)


def _read_tuple(kind: type[N], text: str) -> N:
    """Return the named tuple that *text* holds; fields that a newer release has added are left out."""
    data = json.loads(text)
    return kind(*(data[name] for name in kind._fields))


def load_states() -> dict[str, CoinState]:
    """Return what the publishers know of each coin they follow."""
    with redis_errors():
        return _read_states(client().hgetall(STATES))


def load_histories(symbols: Iterable[str]) -> dict[str, list[HistoryPoint]]:
    """Return the stored updates of each of *symbols*, oldest first, in one round trip."""
    wanted = list(symbols)
    with redis_errors(), client().pipeline(transaction=False) as pipe:
        for symbol in wanted:
            pipe.lrange(history_key(symbol), 0, -1)
        lists = pipe.execute()
    return {
        symbol: [_read_tuple(HistoryPoint, text) for text in texts] for symbol, texts in zip(wanted, lists, strict=True)
    }


@dataclass(frozen=True, slots=True)
class Overview:
    """All that is known of the coins and of the service, read in one round trip; `latency_ms` is Redis' own."""

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
    header = _read_header(head)
    texts = dict(zip(wanted, rest[::2], strict=True))
    return Overview(
        snapshot=_read_snapshot(header, [texts.get(s) for s in header.symbols]) if header else None,
        states=_read_states(states),
        histories={s: [_read_tuple(HistoryPoint, t) for t in ts] for s, ts in zip(wanted, rest[1::2], strict=True)},
        healths=read_hash(sources),
        calls={name: int(count) for name, count in calls.items()},
        counters={name: int(count) for name, count in counters.items()},
        owners=[_read_tuple(OwnerChange, text) for text in owners],
        processes=read_hash(processes),
        latency_ms=(time.monotonic() - started) * 1000,
    )
