"""
What `make run` does before it starts anything: check settings, port and Redis, bring the database up to date.

Whatever stops the start is one line on stderr and an exit code; else the last line of stdout is JSON for the launcher.
"""

import json
import signal
import socket
import subprocess
import sys

import redis
from redis.exceptions import RedisError

from config import embedded_redis, settings
from config.environment import BASE_DIR, DATA_DIR

TOLD = ("HOST", "PORT", "REDIS_URL", "RATES_STREAM")


def main() -> int:
    """Check and prepare; return the exit code."""
    try:
        check_port(settings.HOST, settings.PORT)
        if embedded_redis.address(DATA_DIR) != settings.REDIS_URL:  # that one is started later
            check_redis(settings.REDIS_URL)
        prepare_database()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    print(json.dumps({name: getattr(settings, name) for name in TOLD}))
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
        raise SystemExit(f"Cannot listen on {host} port {port}: {reason}. Choose another: PORT=8001 make run") from None


def check_redis(address: str) -> None:
    """Refuse to start without the Redis that was configured."""
    place = address.rpartition("@")[2].removeprefix("redis://").removeprefix("rediss://")
    try:
        with redis.Redis.from_url(address, socket_connect_timeout=2, socket_timeout=2) as client:
            client.ping()
    except RedisError as error:
        reason = str(error).splitlines()[0]
        raise SystemExit(f"Redis at {place} cannot be used: {reason} (REDIS_URL, REDIS_HOST)") from None


def prepare_database() -> None:
    """Bring the tables up to date and fill an empty coin list."""
    for command in (["migrate", "--verbosity", "0"], ["seed_coins"]):
        done = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=BASE_DIR, capture_output=True, text=True, check=False
        )
        sys.stdout.write(done.stdout)
        if done.returncode:
            reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
            raise SystemExit(f"The database cannot be prepared (manage.py {command[0]}): {reason}")
        sys.stderr.write(done.stderr)


if __name__ == "__main__":
    sys.exit(main())
