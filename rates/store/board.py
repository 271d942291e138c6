"""The published board, its histories and the state of each coin: changed together by publishers."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from secrets import token_hex
from typing import Any

from django.conf import settings

from rates.store.codec import encode_state
from rates.store.header import encode_header
from rates.store.keys import BOARD, COUNTERS, OWNERS, SCRATCH, STATES, VERSION, history_key, rate_key
from rates.store.known import known_fragments, known_states
from rates.store.memory import Memory, MemoryQuery, remember
from rates.store.redis_client import transact
from rates.types import (
    CoinState,
    Currency,
    Fragment,
    HistoryPoint,
    OwnerChange,
    Snapshot,
    encode_json,
    map_prices,
    time_text,
)

# Seconds after its last update that a coin's history expires.
HISTORY_TTL = 7 * 86400
OWNER_CHANGES_KEPT = 50
# Some 100 kB of states: a larger command takes the client more than twice as long, as its memory is new each time.
COINS_PER_COMMAND = 100
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

# A `HistoryPoint`, of which there are hundreds in a publication; neither a number nor a time has to be escaped.
POINT = '{"price":"%s","observed_at":"%s"}'


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
    query = MemoryQuery()

    def work(pipe: Any, answers: Sequence[Any]) -> tuple[Saved, str, Memory]:
        memory = query.read(answers[0])
        change = decide(memory)
        saved = _assign_seq(memory.snapshot, change)
        pipe.multi()
        return saved, *_write(pipe, memory, saved, change)

    # Both keys, because a change that is not published writes the states alone.
    saved, version, memory = transact(work, [query.command], BOARD, STATES)
    remember(version, memory)
    return saved


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


def _write(pipe: Any, before: Memory, saved: Saved, change: Change) -> tuple[str, Memory]:
    """Queue what has changed; return the version that it will have, and what will then be stored."""
    if before.inherited:
        # In another currency, or of other coins of the same names.
        pipe.delete(STATES, *(key for symbol in before.inherited for key in (rate_key(symbol), history_key(symbol))))
    version = token_hex(8)
    pipe.set(VERSION, version)
    _write_states(pipe, before.states, change.states)
    if not saved.published:
        return version, replace(before, states=change.states)
    return version, Memory(saved.snapshot, change.states, head=_write_board(pipe, saved, change))


def _write_states(pipe: Any, before: Mapping[str, CoinState], after: Mapping[str, CoinState]) -> None:
    """Write what has changed: a publication of a stream is about few coins."""
    texts = {symbol: encode_state(state) for symbol, state in after.items() if state != before.get(symbol)}
    for part in _cut(texts):
        pipe.hset(STATES, mapping=part)
    if gone := before.keys() - after.keys():
        pipe.hdel(STATES, *gone)
    known_states.remember(texts, after)


def _write_board(pipe: Any, saved: Saved, change: Change) -> str:
    """Queue the board and what is told about it; return its header."""
    snapshot, head = saved.snapshot, encode_header(saved.snapshot)
    # Neither expires: a coin whose price does not change for long must not make the board unreadable.
    pipe.set(BOARD, head)
    texts = {symbol: snapshot.fragments[symbol].json for symbol in saved.changed}
    for part in _cut(texts):
        pipe.mset({rate_key(symbol): text for symbol, text in part.items()})
    known_fragments.remember(texts, snapshot.fragments)
    gone = [history_key(symbol) for symbol in change.forgotten]
    gone += [key for symbol in saved.removed for key in (rate_key(symbol), history_key(symbol))]
    if gone:
        pipe.delete(*gone)
    points = {history_key(symbol): POINT % point for symbol, point in change.points.items()}
    if points:
        limits = (HISTORY_TTL, settings.RATES_HISTORY_LENGTH, snapshot.as_of)
        _demand_permissions(pipe)
        pipe.eval(APPEND_ALL, len(points), *points, *limits, *points.values())
    if change.owners:
        pipe.lpush(OWNERS, *(encode_json(owner._asdict()) for owner in change.owners))
        pipe.ltrim(OWNERS, 0, OWNER_CHANGES_KEPT - 1)
    for name, count in change.counts.items():
        pipe.hincrby(COUNTERS, name, count)
    # Inside the transaction, so that messages are in the order of the publications; prices alone do not tell it.
    pipe.publish(settings.REDIS_CHANNEL, map_prices(snapshot.fragments.values()))
    return head


def _cut(texts: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Tell *texts* in parts of one command each."""
    items = iter(texts.items())
    while part := dict(islice(items, COINS_PER_COMMAND)):
        yield part


def _demand_permissions(pipe: Any) -> None:
    """
    Queue every command of `APPEND_ALL` once, on a key that is gone afterwards.

    A command that the server refuses is refused while it is queued, and then nothing of the transaction is done; in a
    script it would be refused when half of that is.
    """
    pipe.rpush(SCRATCH, "").lindex(SCRATCH, -1).lset(SCRATCH, -1, "").ltrim(SCRATCH, 0, -1)
    pipe.expire(SCRATCH, 1).delete(SCRATCH)
