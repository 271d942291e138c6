"""
The Redis client: by address or by Sentinel, with timeouts, transactions, and one exception for all failures.

Tested in `tests/faults/test_redis_away.py` and `tests/faults/test_redis_kinds.py`.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple, TypeVar

import redis
from django.conf import settings
from hiredis import pack_command
from redis.backoff import ExponentialBackoff
from redis.client import Pipeline
from redis.connection import HiredisRespSerializer
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError, WatchError
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelManagedConnection, SentinelManagedSSLConnection

from rates.exceptions import StoreUnavailable
from rates.outage_log import OutageLog, note_refusal
from rates.redis_words import NAMED, find_hint, find_refusal, shorten_command

T = TypeVar("T")

logger = logging.getLogger(__name__)
_failure_log = OutageLog(logger)

ATTEMPTS = 10
# More than any command has whose name consists of several words.
MANY_ARGUMENTS = 32
# Seconds: a failure that takes this long is a server, or a name server, that is silent; then nobody asks for a while.
SLOW_FAILURE, SILENCE = 1.0, 1.0


@cache
def client() -> Any:
    """
    Return this process's `redis.Redis`; it returns text, and no call on it takes longer than a few seconds.

    Typed as Any because the library's type hints do not know about `decode_responses`.
    """
    # A Unix socket has no keep-alive and refuses the option.
    keepalive = {} if settings.REDIS_URL.startswith("unix://") else {"socket_keepalive": True}
    options = {
        "decode_responses": True,
        "socket_timeout": 2,
        "socket_connect_timeout": 2,
        **keepalive,
        "health_check_interval": 10,
        "max_connections": 50,
        "command_packer": _Packer(),
        # A lost connection is retried once; a timeout is not, as it has already cost its seconds.
        "retry": Retry(ExponentialBackoff(cap=0.2, base=0.02), 1, supported_errors=(RedisConnectionError,)),
    }
    if settings.REDIS_SENTINEL:
        known = dict(settings.REDIS_SENTINEL)
        sentinels = Sentinel(  # type: ignore[no-untyped-call]
            known.pop("sentinels"), sentinel_kwargs=known.pop("sentinel_kwargs")
        )
        kind = _ManagedSSLConnection if known.pop("ssl", False) else _ManagedConnection
        return sentinels.master_for(  # type: ignore[no-untyped-call]
            known.pop("master_name"), _Client, connection_class=kind, **known, **options
        )
    return _Client.from_url(settings.REDIS_URL, **options)


class _Packer(HiredisRespSerializer):
    """Puts commands together; the library's own looks at every argument for what we never give it."""

    def pack(self, *args: Any) -> list[bytes]:
        if len(args) < MANY_ARGUMENTS:
            return super().pack(*args)  # type: ignore[no-any-return]
        return [pack_command(args)]


class _Client(redis.Redis):
    """A client that says which command was refused where the server does not, as with keys and channels."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except ResponseError as error:
            if not NAMED.search(str(error)):
                error.args = (f"{args[0]}: {error}",)
            raise


class _ManagedConnection(SentinelManagedConnection):
    """
    A connection to the master that is closed by a failed read, as the library's other connections are.

    If it stayed open after a timeout, it would keep asking a master that hangs although Sentinel knows another one; and
    a late answer would be taken for the answer to the next command.
    """

    def read_response(self, *args: Any, **options: Any) -> Any:
        return super().read_response(*args, **{"disconnect_on_error": True, **options})


class _ManagedSSLConnection(_ManagedConnection, SentinelManagedSSLConnection):
    """The same over TLS."""


class ServerFacts(NamedTuple):
    """What a server says of itself; its *version* is that of the Redis that it is compatible with."""

    version: str
    is_cluster: bool
    eviction: str


def load_server_facts() -> ServerFacts:
    """
    Return what matters at the start.

    Raises:
        StoreUnavailable: when Redis cannot be reached, or does not tell.
    """
    with redis_errors():
        try:
            info = client().info()
            return ServerFacts(
                info.get("redis_version", ""), bool(info.get("cluster_enabled")), info.get("maxmemory_policy", "")
            )
        finally:
            # Called at the start: a process that is forked afterwards must not inherit the connection.
            client().connection_pool.disconnect()


def transact(work: Callable[[Any, Sequence[Any]], T], reads: Sequence[Sequence[str]], *keys: str) -> T:
    """
    Run *work* as an optimistic transaction of two round trips and return its result.

    *work* gets a pipeline that watches *keys* and the answers to the commands *reads*: it calls `multi`, and queues the
    writes. It runs again when another process has changed one of the keys, so it must have no side effects.

    A command that is refused stops all of them. One that fails while they run, as a script can, does not undo the
    others: that is logged.

    Raises:
        StoreUnavailable: when Redis cannot be reached, does not answer or refuses.
    """
    pool, callbacks = client().connection_pool, client().response_callbacks
    pipe: Any = _WatchingPipeline(pool, callbacks, transaction=True, shard_hint=None)
    with redis_errors(), pipe:
        for _ in range(ATTEMPTS):
            try:
                result = work(pipe, pipe.watch_and_read(keys, reads))
                answers = pipe.execute(raise_on_error=False)
            except WatchError:
                continue
            _tell_failures(answers)
            return result
    raise StoreUnavailable("Redis: too many processes are changing the same keys at once")


def _tell_failures(answers: Sequence[Any]) -> None:
    """Tell the operator what failed while a transaction ran: all else in it is done, so its caller goes on."""
    for answer in answers:
        if isinstance(answer, ResponseError):
            _failure_log.failed("a part of a transaction failed, all else is done: %s", answer)


class _WatchingPipeline(Pipeline):
    """
    A pipeline that reads together with WATCH, and does not send UNWATCH over a connection that has been closed: the
    server has forgotten it anyway.

    The library's own sends it after every failure, over a new connection: with a server that hangs this costs the
    timeout three more times, and then the connection is never returned to the pool.
    """

    def watch_and_read(self, keys: Sequence[str], reads: Sequence[Sequence[str]]) -> list[Any]:
        """Watch *keys* and return the answers to the commands *reads*, in one round trip and not one for each."""
        commands: list[Any] = [(command, {}) for command in (("WATCH", *keys), *reads)]
        connection: Any = self.connection_pool.get_connection()
        self.connection = connection
        execute: Any = self._execute_pipeline
        answers: list[Any] = connection.retry.call_with_retry(
            lambda: execute(connection, commands, True), lambda _: connection.disconnect()
        )
        return answers[1:]

    def reset(self) -> None:  # type: ignore[override] # as in the library, whose `Redis` has a command of that name
        if self.connection and not self.connection.is_connected:
            self.watching = False
        super().reset()


class _Silence:
    """Which server is not asked, until when, in monotonic seconds, and why."""

    of: Any = None
    until = 0.0
    words = ""


@contextmanager
def redis_errors() -> Iterator[None]:
    """
    Turn every failure of Redis into `StoreUnavailable`.

    After one that took its time, all calls of this process fail at once for `SILENCE` seconds: a page asks several
    times, and each would wait again.
    """
    began = time.monotonic()
    if began < _Silence.until and _Silence.of is client():
        raise StoreUnavailable(_Silence.words)
    try:
        yield
    except WatchError:
        raise
    except (RedisError, OSError) as error:
        failure = explain(error)
        if time.monotonic() - began >= SLOW_FAILURE:
            _Silence.of, _Silence.until, _Silence.words = client(), time.monotonic() + SILENCE, str(failure)
        raise failure from error


def explain(error: Exception) -> StoreUnavailable:
    """Return *error* of the client in one line for the operator, with a hint where there is one."""
    words = shorten_command(str(error)) or "no answer in time"
    hint = find_hint(words, settings.REDIS_URL)
    failure = StoreUnavailable(f"Redis: {words}{hint and f'; {hint}'}", find_refusal(error))
    if failure.refusal:
        note_refusal(failure)
    return failure


def read_hash(texts: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    """Return the objects in the JSON *texts* of a hash; unreadable ones are left out."""
    objects = {name: _read_json(text) for name, text in texts.items()}
    return {name: found for name, found in objects.items() if isinstance(found, dict)}


def read_counts(texts: Mapping[str, str]) -> dict[str, int]:
    """Return the numbers in the *texts* of a hash."""
    return {name: int(count) for name, count in texts.items()}


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
