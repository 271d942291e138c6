"""
What `make run` does before it starts anything: check settings, port and Redis, bring the database up to date.

Whatever stops the start is one line on stderr and an exit code; else the last line of stdout is JSON for the launcher.
"""

import json
import signal
import socket
import sys
from errno import EACCES, EADDRINUSE
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.exceptions import RedisError, ResponseError
from redis.sentinel import Sentinel

from config import embedded_redis, settings
from config.console import refuse_start
from config.environment.redis_address import sentinel
from config.local import prepare_database

TOLD = ("HOST", "PORT", "RATES_ROOT_PATH", "REDIS_URL", "RATES_STREAM")


def main() -> int:
    """Check and prepare; return the exit code."""
    try:
        check_port(settings.HOST, settings.PORT)
        if not embedded_redis.is_own(settings.REDIS_URL):  # that one is started later
            check_redis(settings.REDIS_URL)
        said = prepare_database()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    print(*said, json.dumps({name: getattr(settings, name) for name in TOLD}), sep="\n")
    return 0


def check_port(host: str, port: int) -> None:
    """Refuse to start where we cannot listen."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        reason = error.strerror or str(error)
        other = "PORT=8001" if error.errno in (EADDRINUSE, EACCES) else "HOST=127.0.0.1"
        refuse_start(f"Cannot listen on {host} port {port}: {reason}. Choose another: {other} make run")


def check_redis(address: str) -> None:
    """Refuse to start without the Redis that was configured, or with a cluster."""
    place = urlsplit(address).netloc.rpartition("@")[2]
    try:
        with connect_redis(address) as client:
            client.ping()
            cluster = _is_cluster(client)
    except RedisError as error:
        reason = str(error).splitlines()[0]
        refuse_start(f"Redis at {place} cannot be used: {reason} (REDIS_URL, REDIS_HOST)")
    if cluster:
        refuse_start(f"Redis at {place} is a Redis Cluster, which cannot be used; use one server, or Sentinel.")


def _is_cluster(client: Any) -> bool:
    """Return whether *client* says that it is part of a cluster; one that may not run INFO says nothing."""
    try:
        return bool(client.info("cluster").get("cluster_enabled"))
    except ResponseError:
        return False


def connect_redis(address: str) -> Any:
    """Return a client that waits for two seconds at most."""
    waits = {"socket_connect_timeout": 2, "socket_timeout": 2}
    if known := sentinel(address):
        finder = Sentinel(  # type: ignore[no-untyped-call]
            known.pop("sentinels"), sentinel_kwargs=known.pop("sentinel_kwargs")
        )
        return finder.master_for(known.pop("master_name"), **known, **waits)  # type: ignore[no-untyped-call]
    return redis.Redis.from_url(address, **waits)


if __name__ == "__main__":
    sys.exit(main())
