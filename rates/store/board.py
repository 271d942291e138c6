"""The published board, its histories and the state of each coin: changed together by publishers, read by everybody."""

import json
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_hex
from typing import Any, NamedTuple, TypeVar

from django.conf import settings

from rates.deployment import describe_deployment, find_difference
from rates.exceptions import ForeignBoard, StoreUnavailable
from rates.outage_log import OutageLog
from rates.store.codec import decode_state, encode_state
from rates.store.keys import (
    BANK_FILE,
    BOARD,
    CALLS,
    COUNTERS,
    OWNERS,
    PROCESSES,
    SCRATCH,
    SOURCE_HEALTHS,
    STATES,
    history_key,
    rate_key,
)
from rates.store.known import Known
from rates.store.redis_client import ATTEMPTS, client, read_hash, redis_errors, transact
from rates.types import (
    CoinState,
    Currency,
    Fragment,
    HistoryPoint,
    OwnerChange,
    Snapshot,
    map_prices,
    read_time,
    time_text,
)

N = TypeVar("N", HistoryPoint, OwnerChange)

BOARD_VERSION = 1
# Seconds after its last update that a coin's history expires.
HISTORY_TTL = 7 * 86400
OWNER_CHANGES_KEPT = 50
# One command for all coins, because hundreds would cost the client more time than the server. A history is in order of
# time whoever owns the coin: what is behind its last update is left out, unless our clock was set back since, and one
# of the same time replaces it. What is stored there must not make it fail, as the rest of the transaction is done then
# all the same: a key that is no list is not ours, and is replaced.
APPEND_ALL = """
local function time_of(text)
    local is_json, point = pcall(cjson.decode, text)
    return is_json and type(point) == "table" and type(point.observed_at) == "string" and point.observed_at or ""
end
for i, key in ipairs(KEYS) do
    local point, last = ARGV[i + 3], redis.pcall("LINDEX", key, -1)
    if type(last) == "table" then redis.call("DEL", key) end
    local at, last_at = time_of(point), time_of(last)
    if last_at == at then
        redis.call("LSET", key, -1, point)
    elseif at > last_at or last_at > ARGV[3] then
        redis.call("RPUSH", key, point)
        redis.call("LTRIM", key, -ARGV[2], -1)
    end
    redis.call("EXPIRE", key, ARGV[1])
end
"""

logger = logging.getLogger(__name__)
_foreign_log = OutageLog(logger)

# A tick reads both, and usually they are what the same process wrote in the tick before.
_states = Known(lambda _, text: decode_state(text))
_fragments = Known(lambda symbol, text: Fragment(symbol, text, json.loads(text)["price"]))


@dataclass(frozen=True, slots=True)
class Header:
    """The published board without its coins: number and time of the publication, and the coins' order."""

    epoch: str
    seq: int
    as_of: str
    symbols: tuple[str, ...]
    currencies: Mapping[str, Currency] = field(default_factory=dict)
    difference: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """
    What all publishers share: the published board (None before the first) and the state of each coin.

    *inherited* are the coins on a board that another deployment has left behind; nothing else is taken from it.
    """

    snapshot: Snapshot | None
    states: Mapping[str, CoinState]
    inherited: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """
    What a publisher wants to change.

    Attributes:
        as_of: time of the publication.
        fragments: the new board, in order.
        states: the new state of every coin and quote pair.
        points: the new update of each coin that has one, for its history.
        forgotten: symbols whose history is about another coin and is deleted.
        owners: changes of owner.
        counts: how often each kind of event happened, for the counters.
        notes: what the operator should know, one log line each.
        stale: those of *states* whose price is stale.
        proven: coins with a source whose pair has just agreed with the price that is asked for by id.
        currencies: what the base is worth in every other currency that has been measured, by code.
        only_if_changed: publish only if a coin looks different or the list has changed; the states are stored anyway.
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
    proven: Sequence[tuple[str, str]] = ()
    currencies: Mapping[str, Currency] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Saved:
    """
    What was stored.

    Attributes:
        changed, removed: which coins look different, and which left the board.
        owners, notes, states, stale, proven: as in the `Change`.
        published: whether it is to be sent to the other processes.
    """

    snapshot: Snapshot
    changed: frozenset[str]
    removed: frozenset[str]
    owners: Sequence[OwnerChange]
    notes: Sequence[str]
    states: Mapping[str, CoinState]
    stale: Collection[str]
    published: bool
    proven: Sequence[tuple[str, str]] = ()


def update_board(decide: Callable[[Memory], Change]) -> Saved:
    """
    Replace the board by what *decide* makes of the present one.

    *decide* runs again when another publisher was faster, so it must have no side effects.

    Raises:
        StoreUnavailable: when Redis cannot be reached or refuses to write. Nothing has changed then, unless Redis hung
            and executes the transaction later; hubs notice that by its number.
        ForeignBoard: while another deployment publishes the board.
    """
    # Most likely the board still has the coins that it had; all of it is read in one round trip then.
    expected = _fragments.names
    reads = [("GET", BOARD), ("HGETALL", STATES), ("MGET", *_rate_keys(expected))]

    def work(pipe: Any, answers: Sequence[Any]) -> Saved:
        header, states, texts = _read_any_header(answers[0]), _states.read(answers[1]), answers[2]
        if header and header.symbols != expected:
            texts = pipe.mget(_rate_keys(header.symbols))
        if header and header.difference:
            memory = _inherit(header)
        else:
            memory = Memory(_read_snapshot(header, texts) if header else None, states)
        change = decide(memory)
        saved = _assign_seq(memory.snapshot, change)
        pipe.multi()
        _write(pipe, memory, saved, change)
        return saved

    # Both keys, because a change that is not published writes the states alone.
    return transact(work, reads, BOARD, STATES)


def _inherit(header: Header) -> Memory:
    """
    Return the memory of a deployment that begins where another one has stopped.

    Raises:
        ForeignBoard: when that one has published within `RATES_STALE_AFTER`.
    """
    if abs(time.time() - read_time(header.as_of).timestamp()) < settings.RATES_STALE_AFTER:
        raise ForeignBoard(describe_foreign(header.difference))
    return Memory(None, {}, header.symbols)


def describe_foreign(difference: str) -> str:
    """Return what the operator is told about a board that differs from ours in *difference*."""
    return f"the board in Redis is of another deployment: {difference}"


def _assign_seq(before: Snapshot | None, change: Change) -> Saved:
    old = before.fragments if before else {}
    epoch, seq = (before.epoch, before.seq + 1) if before else (token_hex(8), 1)
    snapshot = Snapshot(epoch, seq, time_text(change.as_of), dict(change.fragments), change.currencies)
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
        proven=change.proven,
    )


def _write(pipe: Any, memory: Memory, saved: Saved, change: Change) -> None:
    if memory.inherited:
        # In another currency, or of other coins of the same names.
        pipe.delete(STATES, *(key for symbol in memory.inherited for key in (rate_key(symbol), history_key(symbol))))
    _write_states(pipe, memory.states, change.states)
    if saved.published:
        _write_board(pipe, saved, change)


def _write_states(pipe: Any, before: Mapping[str, CoinState], after: Mapping[str, CoinState]) -> None:
    """Write what has changed: a publication of a stream is about few coins."""
    texts = {symbol: encode_state(state) for symbol, state in after.items() if state != before.get(symbol)}
    if texts:
        pipe.hset(STATES, mapping=texts)
    if gone := before.keys() - after.keys():
        pipe.hdel(STATES, *gone)
    _states.remember(texts, after, after)


def _write_board(pipe: Any, saved: Saved, change: Change) -> None:
    snapshot = saved.snapshot
    header: dict[str, Any] = {"v": BOARD_VERSION, "epoch": snapshot.epoch, "seq": snapshot.seq, "as_of": snapshot.as_of}
    # Neither expires: a coin whose price does not change for long must not make the board unreadable.
    currencies = [worth._asdict() for worth in snapshot.currencies.values()]
    header |= {"symbols": list(snapshot.fragments), "currencies": currencies, "deployment": describe_deployment()}
    pipe.set(BOARD, json.dumps(header))
    rates = {rate_key(symbol): snapshot.fragments[symbol].json for symbol in saved.changed}
    if rates:
        pipe.mset(rates)
    _fragments.remember({s: f.json for s, f in snapshot.fragments.items()}, snapshot.fragments, snapshot.fragments)
    gone = [history_key(symbol) for symbol in change.forgotten]
    gone += [key for symbol in saved.removed for key in (rate_key(symbol), history_key(symbol))]
    if gone:
        pipe.delete(*gone)
    points = {history_key(symbol): json.dumps(point._asdict()) for symbol, point in change.points.items()}
    if points:
        limits = (HISTORY_TTL, settings.RATES_HISTORY_LENGTH, snapshot.as_of)
        _demand_permissions(pipe)
        pipe.eval(APPEND_ALL, len(points), *points, *limits, *points.values())
    if change.owners:
        pipe.lpush(OWNERS, *(json.dumps(owner._asdict()) for owner in change.owners))
        pipe.ltrim(OWNERS, 0, OWNER_CHANGES_KEPT - 1)
    for name, count in change.counts.items():
        pipe.hincrby(COUNTERS, name, count)
    # Inside the transaction, so that messages are in the order of the publications; prices alone do not tell it.
    pipe.publish(settings.REDIS_CHANNEL, map_prices(snapshot.fragments.values()))


def _demand_permissions(pipe: Any) -> None:
    """
    Queue every command of `APPEND_ALL` once, on a key that is gone afterwards.

    A command that the server refuses is refused while it is queued, and then nothing of the transaction is done; in a
    script it would be refused when half of that is.
    """
    pipe.rpush(SCRATCH, "").lindex(SCRATCH, -1).lset(SCRATCH, -1, "").ltrim(SCRATCH, 0, -1)
    pipe.expire(SCRATCH, 1).delete(SCRATCH)


def load_header() -> Header | None:
    """Return the header of the published board; None before the first publication."""
    with redis_errors():
        return _read_header(client().get(BOARD))


def load_snapshot() -> Snapshot | None:
    """Return the published board; None before the first publication."""
    with redis_errors(), client().pipeline() as pipe:
        for _ in range(ATTEMPTS):
            header = load_header()
            if header is None:
                return None
            after, *texts = pipe.get(BOARD).mget(_rate_keys(header.symbols)).execute()
            if _read_header(after) == header:
                return None if None in texts[0] else _read_snapshot(header, texts[0])
    raise StoreUnavailable("Redis: the board changes too fast to be read")


def _rate_keys(symbols: Sequence[str]) -> list[str]:
    return [rate_key(symbol) for symbol in symbols] or [BOARD]


def load_difference() -> str:
    """Return how the deployment whose board is in Redis differs from this one; empty when it is ours, or none."""
    with redis_errors():
        header = _read_any_header(client().get(BOARD))
    return header.difference if header else ""


def _read_header(text: str | None) -> Header | None:
    """Return the header of our own board."""
    header = _read_any_header(text)
    if header and header.difference:
        _foreign_log.failed("no prices are shown: %s", ForeignBoard(describe_foreign(header.difference)))
        return None
    return header


def _read_any_header(text: str | None) -> Header | None:
    if text is None:
        return None
    data = json.loads(text)
    if data.get("v") != BOARD_VERSION:
        return None
    currencies = {item["code"]: Currency.read(item) for item in data.get("currencies", ())}
    difference = find_difference(data.get("deployment"))
    return Header(data["epoch"], data["seq"], data["as_of"], tuple(data["symbols"]), currencies, difference)


def _read_snapshot(header: Header, texts: Sequence[str | None]) -> Snapshot:
    """Return the board of the coins whose *texts* exist; the next publication writes those that were lost again."""
    found = zip(header.symbols, texts, strict=False)
    fragments = _fragments.read({symbol: text for symbol, text in found if text is not None})
    return Snapshot(header.epoch, header.seq, header.as_of, fragments, header.currencies)


def _read_tuple(kind: type[N], text: str) -> N:
    """Return the named tuple in *text*; fields that a newer release has added are ignored."""
    data = json.loads(text)
    return kind(*(data[name] for name in kind._fields))


class TickMemory(NamedTuple):
    """What a tick begins with: states by symbol or quote pair, health of each source, the bank's file, calls so far."""

    states: Mapping[str, CoinState]
    healths: Mapping[str, Mapping[str, Any]]
    bank_file: str | None
    calls: Mapping[str, int]


def load_tick(*, calls: bool) -> TickMemory:
    """Return what a tick begins with, in one round trip; the *calls* only if they are wanted."""
    with redis_errors(), client().pipeline(transaction=False) as pipe:
        pipe.hgetall(STATES).hgetall(SOURCE_HEALTHS).get(BANK_FILE)
        states, healths, bank_file, *counted = (pipe.hgetall(CALLS) if calls else pipe).execute()
    return TickMemory(_states.read(states), read_hash(healths), bank_file, _read_counts(counted[0] if calls else {}))


def _read_counts(texts: Mapping[str, str]) -> dict[str, int]:
    return {name: int(count) for name, count in texts.items()}


def load_states() -> dict[str, CoinState]:
    """Return the state of each coin and quote pair."""
    with redis_errors():
        return _states.read(client().hgetall(STATES))


def load_histories(symbols: Iterable[str], newest: int = 0) -> dict[str, list[HistoryPoint]]:
    """Return the stored updates of each of *symbols*, or so many of the *newest*, oldest first, in one round trip."""
    wanted = list(symbols)
    with redis_errors(), client().pipeline(transaction=False) as pipe:
        pipe.get(BOARD)
        for symbol in wanted:
            pipe.lrange(history_key(symbol), -newest, -1)
        head, *lists = pipe.execute()
    if _is_foreign(head):
        return {symbol: [] for symbol in wanted}
    return {symbol: _read_history(texts) for symbol, texts in zip(wanted, lists, strict=True)}


def _is_foreign(text: str | None) -> bool:
    return text is not None and _read_any_header(text) is not None and _read_header(text) is None


def _read_history(texts: Iterable[str]) -> list[HistoryPoint]:
    """Return the updates in *texts* in order of time, one for each: an earlier release kept them as they came."""
    points = {point.observed_at: point for point in (_read_tuple(HistoryPoint, text) for text in texts)}
    return [points[moment] for moment in sorted(points)]


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
    header, ours = _read_header(head), not _is_foreign(head)
    texts = dict(zip(wanted, rest[::2], strict=True))
    return Overview(
        snapshot=_read_snapshot(header, [texts.get(s) for s in header.symbols]) if header else None,
        states=_states.read(states if ours else {}),
        histories={s: _read_history(texts if ours else ()) for s, texts in zip(wanted, rest[1::2], strict=True)},
        healths=read_hash(sources),
        calls=_read_counts(calls),
        counters=_read_counts(counters),
        owners=[_read_tuple(OwnerChange, text) for text in owners],
        processes=read_hash(processes),
        latency_ms=(time.monotonic() - started) * 1000,
    )
