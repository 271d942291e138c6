"""
Everything in Redis: the shared memory of all processes. No other module spells a key.

    rates:{symbol}          the coin object of the protocol, as it was published
    rates:{symbol}:history  list, oldest first: {"price", "observed_at"}
    rates:board             header of the board: {"v", "epoch", "seq", "as_of", "symbols"}
    rates:states            hash, symbol -> what the publishers know of the coin (`codec`)
    rates:sources           hash, source -> its health: pause, spacing, last answer (`pacing`)
    rates:calls             hash, "source:2026-11" and "source:2026-11-24" -> calls made
    rates:counters          hash, name -> count of what happened
    rates:owners            list, newest first: the last changes of owner
    rates:slot:{n}          who runs the tick of slot n
    rates:binance:unknown   sorted set, pair that Binance does not know -> Unix time until which it is not asked
    rates:stream            token of the one active `stream_rates`
    rates:processes         hash, "web:host:1234" -> what the process last said of itself (`reports`)
    rates:catalog           CoinGecko's list of coins, for the admin; kept for a day
    rates:search:{query}    what CoinGecko found for a query of the admin; kept for a day
    rates:login:{who}       attempts to log in, by address and by name (hashed); kept for minutes
    rates:known:{who}       a name has logged in from an address (hashed); kept for a month

Symbols are upper case and our own words are lower case, so they cannot meet.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from secrets import token_hex
from typing import Any, TypeVar

import redis
from django.conf import settings
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, WatchError
from redis.retry import Retry
from redis.sentinel import Sentinel

from rates.codec import decode_state, encode_state
from rates.exceptions import StoreUnavailable
from rates.types import CoinState, Fragment, HistoryPoint, OwnerChange, Snapshot, time_text

N = TypeVar("N", HistoryPoint, OwnerChange)

BOARD = "rates:board"
STATES = "rates:states"
SOURCES = "rates:sources"
CALLS = "rates:calls"
COUNTERS = "rates:counters"
OWNERS = "rates:owners"
PROCESSES = "rates:processes"
CATALOG = "rates:catalog"
UNKNOWN_PAIRS = "rates:binance:unknown"
STREAM = "rates:stream"
VERSION = 1
# Seconds: a pair that Binance does not know is asked for again after this.
UNKNOWN_PAIR_KEPT = 86400
# Seconds: what nobody renews goes by itself.
KEEP = 7 * 86400
OWNER_CHANGES_KEPT = 50
ATTEMPTS = 10

# Compare and act in one step, so that a process that was suspended cannot take away what another holds by now.
HOLD = """
local holder = redis.call("GET", KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return 1
"""
# One command for all coins: hundreds of them would cost the client more than the server.
SET_ALL = 'for i, key in ipairs(KEYS) do redis.call("SET", key, ARGV[i + 1], "EX", ARGV[1]) end'
APPEND_ALL = """
for i, key in ipairs(KEYS) do
    redis.call("RPUSH", key, ARGV[i + 2])
    redis.call("LTRIM", key, -ARGV[2], -1)
    redis.call("EXPIRE", key, ARGV[1])
end
"""
RELEASE = 'if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0'


def rate_key(symbol: str) -> str:
    """Return the key of a coin's published object."""
    return f"rates:{symbol}"


def history_key(symbol: str) -> str:
    """Return the key of a coin's stored updates."""
    return f"rates:{symbol}:history"


@cache
def client() -> Any:
    """
    Return this process's `redis.Redis`; its answers are text, and no call on it waits longer than a few seconds.

    The library's own hints do not know that answers are decoded, so they are not used.
    """
    # A unix socket has no keep-alive, and says so by refusing the option.
    keepalive = {} if settings.REDIS_URL.startswith("unix://") else {"socket_keepalive": True}
    options = {
        "decode_responses": True,
        "socket_timeout": 2,
        "socket_connect_timeout": 2,
        **keepalive,
        "health_check_interval": 10,
        "max_connections": 50,
        # A connection that was lost is worth a second try; a time-out has cost its seconds already.
        "retry": Retry(ExponentialBackoff(cap=0.2, base=0.02), 1, supported_errors=(RedisConnectionError,)),
    }
    if settings.REDIS_SENTINEL:
        known = dict(settings.REDIS_SENTINEL)
        sentinels = Sentinel(  # type: ignore[no-untyped-call]
            known.pop("sentinels"), sentinel_kwargs=known.pop("sentinel_kwargs")
        )
        return sentinels.master_for(known.pop("master_name"), **known, **options)  # type: ignore[no-untyped-call]
    return redis.Redis.from_url(settings.REDIS_URL, **options)


def is_cluster() -> bool:
    """
    Return whether the server is part of a Redis Cluster, which cannot serve: keys of ours change together.

    Raises:
        StoreUnavailable: when Redis cannot be reached, or does not say.
    """
    with redis_errors():
        try:
            return bool(client().info("cluster").get("cluster_enabled"))
        finally:
            # The start asks this; a process that is forked afterwards must not inherit the connection.
            client().connection_pool.disconnect()


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turn every failure of Redis into `StoreUnavailable`."""
    try:
        yield
    except WatchError:
        raise
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis: {error}") from error


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
        quiet: no publication unless a coin looks different or the list has changed; the states are kept all the same.
    """

    as_of: datetime
    fragments: Mapping[str, Fragment]
    states: Mapping[str, CoinState]
    points: Mapping[str, HistoryPoint] = field(default_factory=dict)
    forgotten: Sequence[str] = ()
    owners: Sequence[OwnerChange] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Saved:
    """A publication as it was stored: the board, which coins changed, which left it, who took a coin over."""

    snapshot: Snapshot
    changed: frozenset[str]
    removed: frozenset[str]
    owners: Sequence[OwnerChange]
    notes: Sequence[str]
    published: bool


def update_board(decide: Callable[[Memory], Change]) -> Saved:
    """
    Replace the board by what *decide* makes of the present one; several publishers take turns.

    *decide* runs again when another publisher was faster, so it must have no effects of its own.

    Raises:
        StoreUnavailable: when Redis cannot be reached or refuses to write; nothing has changed then.
    """
    with redis_errors(), client().pipeline() as pipe:
        for _ in range(ATTEMPTS):
            try:
                pipe.watch(BOARD)
                memory = _load_memory(pipe)
                change = decide(memory)
                saved = _number(memory.snapshot, change)
                pipe.multi()
                _write(pipe, saved, change)
                pipe.execute()
                return saved
            except WatchError:
                continue
    raise StoreUnavailable("Redis: too many publishers at once")


def _load_memory(pipe: Any) -> Memory:
    header = _read_header(pipe.get(BOARD))
    states = {symbol: decode_state(text) for symbol, text in pipe.hgetall(STATES).items()}
    snapshot = _read_snapshot(header, pipe.mget(_rate_keys(header))) if header else None
    return Memory(snapshot, states)


def _number(before: Snapshot | None, change: Change) -> Saved:
    old = before.fragments if before else {}
    epoch, seq = (before.epoch, before.seq + 1) if before else (token_hex(8), 1)
    snapshot = Snapshot(epoch, seq, time_text(change.as_of), dict(change.fragments))
    changed = frozenset(symbol for symbol, fragment in change.fragments.items() if fragment != old.get(symbol))
    published = not change.quiet or bool(changed) or list(old) != list(change.fragments)
    return Saved(
        snapshot, changed, frozenset(old) - frozenset(change.fragments), change.owners, change.notes, published
    )


def _write(pipe: Any, saved: Saved, change: Change) -> None:
    _write_states(pipe, change)
    if saved.published:
        _write_board(pipe, saved, change)


def _write_states(pipe: Any, change: Change) -> None:
    pipe.delete(STATES)
    if change.states:
        pipe.hset(STATES, mapping={symbol: encode_state(state) for symbol, state in change.states.items()})


def _write_board(pipe: Any, saved: Saved, change: Change) -> None:
    snapshot = saved.snapshot
    header = {"v": VERSION, "epoch": snapshot.epoch, "seq": snapshot.seq, "as_of": snapshot.as_of}
    pipe.set(BOARD, json.dumps(header | {"symbols": list(snapshot.fragments)}), ex=KEEP)
    rates = {rate_key(symbol): snapshot.fragments[symbol].json for symbol in saved.changed}
    if rates:
        pipe.eval(SET_ALL, len(rates), *rates, KEEP, *rates.values())
    gone = [history_key(symbol) for symbol in change.forgotten]
    gone += [key for symbol in saved.removed for key in (rate_key(symbol), history_key(symbol))]
    if gone:
        pipe.delete(*gone)
    points = {history_key(symbol): json.dumps(point._asdict()) for symbol, point in change.points.items()}
    if points:
        pipe.eval(APPEND_ALL, len(points), *points, KEEP, settings.RATES_HISTORY_LENGTH, *points.values())
    if change.owners:
        pipe.lpush(OWNERS, *(json.dumps(owner._asdict()) for owner in change.owners))
        pipe.ltrim(OWNERS, 0, OWNER_CHANGES_KEPT - 1)
    for name, count in change.counts.items():
        pipe.hincrby(COUNTERS, name, count)


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
                return _read_snapshot(header, texts[0])
    raise StoreUnavailable("Redis: the board changes too fast to be read")


def _rate_keys(header: Header) -> list[str]:
    return [rate_key(symbol) for symbol in header.symbols] or [BOARD]


def _read_header(text: str | None) -> Header | None:
    if text is None:
        return None
    data = json.loads(text)
    if data.get("v") != VERSION:
        return None
    return Header(data["epoch"], data["seq"], data["as_of"], tuple(data["symbols"]))


def _read_snapshot(header: Header, texts: Sequence[str | None]) -> Snapshot | None:
    if None in texts:
        return None
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
        return {symbol: decode_state(text) for symbol, text in client().hgetall(STATES).items()}


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
        for key in (STATES, SOURCES, CALLS, COUNTERS, PROCESSES):
            pipe.hgetall(key)
        pipe.lrange(OWNERS, 0, -1)
        for symbol in wanted:
            pipe.get(rate_key(symbol)).lrange(history_key(symbol), 0, -1)
        head, states, sources, calls, counters, processes, owners, *rest = pipe.execute()
    header = _read_header(head)
    texts = dict(zip(wanted, rest[::2], strict=True))
    shown = tuple(s for s in header.symbols if texts.get(s)) if header else ()
    return Overview(
        snapshot=_read_snapshot(replace(header, symbols=shown), [texts[s] for s in shown]) if header else None,
        states={symbol: decode_state(text) for symbol, text in states.items()},
        histories={s: [_read_tuple(HistoryPoint, t) for t in ts] for s, ts in zip(wanted, rest[1::2], strict=True)},
        healths=_read_hash(sources),
        calls={name: int(count) for name, count in calls.items()},
        counters={name: int(count) for name, count in counters.items()},
        owners=[_read_tuple(OwnerChange, text) for text in owners],
        processes=_read_hash(processes),
        latency_ms=(time.monotonic() - started) * 1000,
    )


def _read_hash(texts: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    return {name: json.loads(text) for name, text in texts.items()}


def report_process(name: str, facts: Mapping[str, Any]) -> None:
    """Store what the process *name* says of itself."""
    with redis_errors():
        client().hset(PROCESSES, name, json.dumps(facts))


def load_processes() -> dict[str, Mapping[str, Any]]:
    """Return what each process last said of itself, by name."""
    with redis_errors():
        return _read_hash(client().hgetall(PROCESSES))


def forget_processes(names: Iterable[str]) -> None:
    """Drop the reports of processes that are gone."""
    gone = list(names)
    if gone:
        with redis_errors():
            client().hdel(PROCESSES, *gone)


def save_catalog(coins: Mapping[str, Sequence[str]], seconds: int) -> None:
    """Keep CoinGecko's list of coins (id -> symbol and name) for *seconds*."""
    with redis_errors():
        client().set(CATALOG, json.dumps(coins), ex=seconds)


def load_catalog() -> dict[str, list[str]] | None:
    """Return CoinGecko's list of coins (id -> symbol and name); None when it is not kept."""
    with redis_errors():
        text = client().get(CATALOG)
    return json.loads(text) if text else None


def save_search(query: str, matches: Sequence[Sequence[Any]], seconds: int) -> None:
    """Keep what CoinGecko found for *query* for *seconds*."""
    with redis_errors():
        client().set(f"rates:search:{query}", json.dumps(matches), ex=seconds)


def load_search(query: str) -> list[list[Any]] | None:
    """Return what CoinGecko found for *query*; None when that is not kept."""
    with redis_errors():
        text = client().get(f"rates:search:{query}")
    return json.loads(text) if text else None


def publish_plain(text: str) -> None:
    """Send the map of prices to the plain Redis channel, for programs that know nothing of Django."""
    with redis_errors():
        client().publish(settings.REDIS_CHANNEL, text)


def claim_slot(slot: int, seconds: float) -> bool:
    """Return True for the one process that may run the tick of *slot*; the claim ends after *seconds*."""
    with redis_errors():
        return bool(client().set(f"rates:slot:{slot}", token_hex(4), nx=True, px=int(seconds * 1000)))


def load_healths() -> dict[str, dict[str, Any]]:
    """Return the health of each source that was ever asked, by name."""
    with redis_errors():
        return {name: json.loads(text) for name, text in client().hgetall(SOURCES).items()}


def save_healths(healths: Mapping[str, Mapping[str, Any]]) -> None:
    """Store the health of the sources that were asked just now."""
    if healths:
        with redis_errors():
            client().hset(SOURCES, mapping={name: json.dumps(health) for name, health in healths.items()})


def count_calls(calls: Mapping[str, int], now: datetime) -> None:
    """Count *calls* to each source, per month and per day, before they are made."""
    if calls:
        with redis_errors(), client().pipeline() as pipe:
            for name, count in calls.items():
                pipe.hincrby(CALLS, f"{name}:{now:%Y-%m}", count)
                pipe.hincrby(CALLS, f"{name}:{now:%Y-%m-%d}", count)
            pipe.execute()


def load_calls() -> dict[str, int]:
    """Return the calls made to each source: ``coingecko:2026-11`` and ``coingecko:2026-11-24``."""
    with redis_errors():
        return {name: int(count) for name, count in client().hgetall(CALLS).items()}


def load_unknown_pairs() -> frozenset[str]:
    """Return the pairs that Binance was found not to know within the last day."""
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


def forget_unknown_pair(pair: str) -> None:
    """Let Binance be asked about *pair* again."""
    with redis_errors():
        client().zrem(UNKNOWN_PAIRS, pair)


def hold_stream(token: str, seconds: float) -> bool:
    """Take or renew, for *seconds*, the right to be the one active stream; False while another process has it."""
    with redis_errors():
        return bool(client().eval(HOLD, 1, STREAM, token, int(seconds * 1000)))


def release_stream(token: str) -> None:
    """Give up the right to be the active stream, if *token* has it."""
    with redis_errors():
        client().eval(RELEASE, 1, STREAM, token)


def count_attempts(names: Sequence[str], seconds: int) -> list[tuple[int, int]]:
    """Count one more attempt for each of *names*; return its attempts since the first, and the seconds it is kept."""
    with redis_errors(), client().pipeline() as pipe:
        for name in names:
            key = f"rates:login:{name}"
            pipe.set(key, 0, ex=seconds, nx=True).incr(key).ttl(key)
        answers = pipe.execute()
    return list(zip(answers[1::3], answers[2::3], strict=True))


def forgive_attempts(names: Sequence[str], pair: str, seconds: int) -> None:
    """Take the attempts of *names* back, and remember for *seconds* that *pair* was right."""
    with redis_errors(), client().pipeline() as pipe:
        pipe.delete(*(f"rates:login:{name}" for name in names))
        pipe.set(f"rates:known:{pair}", 1, ex=seconds)
        pipe.execute()


def is_known(pair: str) -> bool:
    """Return whether *pair* was right before."""
    with redis_errors():
        return bool(client().exists(f"rates:known:{pair}"))
