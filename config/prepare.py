"""
What `make run` does before it starts anything: check settings, port and Redis, bring the database up to date.

Whatever stops the start is one line on stderr and an exit code; else it goes on as the supervisor.
"""

import json
import os
import signal
import socket
import sys
from errno import EACCES, EADDRINUSE
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis
from honcho.environ import parse_procfile
from redis.exceptions import RedisError, ResponseError
from redis.sentinel import Sentinel

from config import embedded_redis, settings
from config.console import refuse_start
from config.environment.addresses import in_url
from config.environment.redis_address import sentinel
from config.folder import BASE_DIR
from config.launcher import become
from config.local import is_up_to_date, prepare_database
from config.probe import reachable
from rates.redis_words import find_hint


def main() -> int:
    """Check and prepare, and go on to run everything; return the exit code when interrupted."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        check_port(settings.HOST, settings.PORT)
        if not embedded_redis.is_own(settings.REDIS_URL):  # that one is started later
            check_redis(settings.REDIS_URL)
        said = [] if is_prepared() else prepare_database()
        os.environ.update(HOST=settings.HOST, PORT=str(settings.PORT), PYTHONUNBUFFERED="1")
        become("config.supervisor", str(readable(json.dumps(plan() | {"said": said}))))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def readable(words: str) -> int:
    """Return a descriptor that the next program reads *words* from: arguments would be in everybody's list."""
    here, there = os.pipe()
    os.set_inheritable(here, True)
    with open(there, "w") as pipe:
        pipe.write(words)
    return here


def is_prepared() -> bool:
    """Return whether the database needs nothing; finding that out is quick in a file only."""
    database = settings.DATABASES["default"]
    return database["ENGINE"].endswith("sqlite3") and is_up_to_date(Path(database["NAME"]))


def plan() -> dict[str, Any]:
    """Return what the supervisor has to know."""
    place = f"{in_url(reachable(settings.HOST))}:{settings.PORT}{settings.RATES_ROOT_PATH}"
    return {"commands": commands(), "host": settings.HOST, "port": settings.PORT, "address": f"http://{place}/"}


def commands() -> dict[str, str]:
    """
    Return the commands to run, by name.

    `redis` is the embedded one: there is none when another is configured, or when a command typed by hand has started
    it already. `stream` is left out when there is none to keep open.
    """
    found = dict(parse_procfile((BASE_DIR / "Procfile").read_text()).processes)
    if not settings.RATES_STREAM:
        found.pop("stream", None)
    if embedded_redis.is_own(settings.REDIS_URL) and not embedded_redis.is_running():
        return {"redis": "python -m config.embedded_redis", **found}
    return found


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
        hint = find_hint(reason, address)
        refuse_start(f"Redis at {place} cannot be used: {reason}{hint and f'; {hint}'} (REDIS_URL, REDIS_HOST)")
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
