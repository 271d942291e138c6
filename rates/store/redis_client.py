"""The connection to Redis: by address or by Sentinel, never waiting long, its failures turned into ours."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import redis
from django.conf import settings
from redis.backoff import ExponentialBackoff
from redis.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, WatchError
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelManagedConnection

from rates.exceptions import StoreUnavailable

T = TypeVar("T")

ATTEMPTS = 10


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
        return sentinels.master_for(  # type: ignore[no-untyped-call]
            known.pop("master_name"), connection_class=_ManagedConnection, **known, **options
        )
    return redis.Redis.from_url(settings.REDIS_URL, **options)


class _ManagedConnection(SentinelManagedConnection):
    """
    A connection to the master that ends with a read that failed, as the library's other connections do.

    One that stays open after a time-out asks a master that hangs again and again, though Sentinel knows another; and
    when that one answers after all, it takes the late answer for that of the next command.
    """

    def read_response(self, *args: Any, **options: Any) -> Any:
        return super().read_response(*args, **{"disconnect_on_error": True, **options})


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


def transact(work: Callable[[Any], T], *keys: str) -> T:
    """
    Return what *work* returns: with a pipeline that watches *keys* it reads, then calls `multi` and says what to write.

    It runs again when another process was faster, so it must have no effects of its own.

    Raises:
        StoreUnavailable: when Redis cannot be reached, does not answer or refuses.
    """
    pool, callbacks = client().connection_pool, client().response_callbacks
    pipe: Any = _WatchingPipeline(pool, callbacks, transaction=True, shard_hint=None)
    with redis_errors(), pipe:
        for _ in range(ATTEMPTS):
            try:
                pipe.watch(*keys)
                result = work(pipe)
                pipe.execute()
            except WatchError:
                continue
            return result
    raise StoreUnavailable("Redis: too many processes change the same at once")


class _WatchingPipeline(Pipeline):
    """
    A pipeline that has nothing to say to a server whose connection has ended, which forgets what it watched.

    The library's own sends UNWATCH after every failure, over a new connection: to a server that hangs, which costs the
    time-out again, three times, and at last the connection, which never comes back to the pool.
    """

    def reset(self) -> None:  # type: ignore[override] # as in the library, whose `Redis` has a command of that name
        if self.connection and not self.connection.is_connected:
            self.watching = False
        super().reset()


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turn every failure of Redis into `StoreUnavailable`."""
    try:
        yield
    except WatchError:
        raise
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis: {error}") from error


def read_hash(texts: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    """Return the objects in the JSON *texts* of a hash; what became unreadable is left out."""
    objects = {name: _read_json(text) for name, text in texts.items()}
    return {name: found for name, found in objects.items() if isinstance(found, dict)}


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
