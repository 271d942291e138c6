"""
Settings that cannot work together, found at the start: Django system checks, also for processes that do not run those.

    rates.E001  no channel layer that reaches other processes
    rates.E002  a timeout of the channel layer that is missing or too short
    rates.E003  a broker without a timeout
"""

import logging
from collections.abc import Iterator
from math import isfinite
from typing import Any, TypeGuard

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from rates import store
from rates.exceptions import StoreUnavailable

logger = logging.getLogger(__name__)

OLDEST_REDIS = (6, 2)
OURS = "config.channel_layer.PatientLayer"
PUBSUB = "channels_redis.pubsub.RedisPubSubChannelLayer"
# Seconds that the core layer waits in one read (`brpop_timeout` in channels_redis.core).
LONGEST_READ = 5


@register()
def find_problems(**_kwargs: Any) -> list[CheckMessage]:
    """Return what cannot work."""
    return [*_layer_problems(), *_broker_problems()]


def _layer_problems() -> Iterator[CheckMessage]:
    layer: Any = settings.CHANNEL_LAYERS.get("default", {})
    backend: str = layer.get("BACKEND", "")
    if backend != OURS and not backend.startswith("channels_redis."):
        if not settings.DEBUG:
            yield Error(
                f"the channel layer {backend or '(none)'} reaches no other process: no socket would get a price",
                hint=f"use {OURS}",
                id="rates.E001",
            )
        return
    for host in layer.get("CONFIG", {}).get("hosts", [None]):
        timeout = host.get("socket_timeout") if isinstance(host, dict) else None
        if not _is_finite(timeout):
            yield Error(
                "a host of the channel layer has no socket_timeout: a Redis that hangs would stop publishers for ever",
                hint="give the host as a dictionary with a finite socket_timeout",
                id="rates.E002",
            )
        elif backend not in {OURS, PUBSUB} and timeout <= LONGEST_READ:
            yield Error(
                f"socket_timeout={timeout} of the channel layer is not above {LONGEST_READ} s, which {backend} waits "
                "in one read: quiet sockets would be closed",
                hint=f"use {OURS}, or a socket_timeout of 15",
                id="rates.E002",
            )


def _is_finite(timeout: object) -> TypeGuard[float]:
    return isinstance(timeout, int | float) and isfinite(timeout) and timeout > 0


def _broker_problems() -> Iterator[CheckMessage]:
    if not _is_finite(settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("socket_timeout")):
        yield Error(
            "the broker has no socket_timeout: a Redis that hangs would stop workers for ever",
            hint="set socket_timeout in CELERY_BROKER_TRANSPORT_OPTIONS",
            id="rates.E003",
        )


def refuse_bad_settings() -> None:
    """End the process with one line when something cannot work."""
    for problem in find_problems():
        if problem.is_serious():
            raise SystemExit(f"Cannot start: {problem.msg}; {problem.hint} ({problem.id}).")


def is_too_old(version: str) -> bool:
    """Return whether a Redis of this *version* lacks what is needed; of an unreadable one nobody knows."""
    numbers = version.split(".")[:2]
    return all(number.isdecimal() for number in numbers) and tuple(map(int, numbers)) < OLDEST_REDIS


def refuse_bad_start() -> None:
    """End the process with one line for what cannot work; a Redis that is down is waited for later."""
    refuse_bad_settings()
    try:
        facts = store.load_server_facts()
    except StoreUnavailable:
        # Down, or not allowed to tell; what it refuses is told where it is needed.
        return
    if is_too_old(facts.version):
        raise SystemExit(f"Cannot start: the Redis at REDIS_URL is version {facts.version}; 6.2 or newer is needed.")
    if facts.eviction.startswith("allkeys"):
        logger.warning(
            "Redis may evict any key when its memory is full (maxmemory-policy %s), this month's calls and the pauses "
            "of sources too; set it to noeviction",
            facts.eviction,
        )
    if facts.is_cluster:
        raise SystemExit(
            "Cannot start: the Redis at REDIS_URL is a Redis Cluster, and this service changes several keys together; "
            "use one server, or Sentinel (docs/operations.md)."
        )
