"""
What open sockets cost while nothing is published: `python -m benchmarks.idle`, or with the number of sockets.

For half a minute the server sends heartbeats to the clients of `rates.v1` and pings to all of them, and they send their
pongs; a second run with plain clients has the pings alone, a third one with event streams the heartbeats. Prints the
server's CPU time as a share of one core.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.fan_out import DIALECTS, HERE, PLAIN, Load, Publisher, cpu_seconds, redis_server, running, set_up_django
from tests.ports import free_port

SECONDS = 30
SETTLE_SECONDS = 12


def measure(folder: Path, size: int, *dialect: str) -> float:
    """Return the share of one core that *size* sockets take."""
    port = free_port()
    with running([sys.executable, "manage.py", "serve"], port, PORT=str(port)) as server:
        load = Load(folder / "load", port, size, *dialect)
        time.sleep(SETTLE_SECONDS)
        before, began = cpu_seconds(server.pid), time.monotonic()
        time.sleep(SECONDS)
        used = (cpu_seconds(server.pid) - before) / (time.monotonic() - began)
        load.close()
    return used


def main() -> None:
    """Measure both dialects, and streams."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    with tempfile.TemporaryDirectory() as name, redis_server(folder := Path(name)) as url:
        set_up_django(url, folder)
        subprocess.run(["gcc", "-O2", "-o", folder / "load", HERE / "load.c"], check=True)
        Publisher(4).publish()
        for words, dialect in (
            ("rates.v1: heartbeats and pings", DIALECTS["rates, rates.v1"]),
            ("plain: pings", PLAIN),
            ("events: heartbeats", DIALECTS["rates, events"]),
        ):
            print(f"{size:,} sockets, {words:31} {measure(folder, size, *dialect):6.2%} of a core", flush=True)


if __name__ == "__main__":
    main()
