"""
Two versions of the service beside each other and beside the peers: `python -m benchmarks.versions --beside FOLDER`.

*FOLDER* is a clone of this project at another commit with an environment of its own (`make .venv/run`). For every size
and server, one after the other: open the sockets, publish once a second, then publish nothing. Everything is the CPU
time and the memory of the server; a row takes less than half a minute.

    accepts   sockets a second, and CPU for each: handshake, greeting and first board; the peers greet nobody
    around    CPU per delivery from the publication until the last socket has it
    window    CPU per delivery with all that happens in that second
    idle      share of one core while nothing is published
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import redis

from benchmarks.fan_out import ROOT, Command, Load, build, cpu_seconds, memory_kb, redis_server, running, set_up_django
from tests.ports import free_port

SIZES = (100, 1000, 10000)
PUBLICATIONS = 8
# Both a ping to every client and a heartbeat fall into it.
IDLE_SECONDS = 13
# Text frames before the first publication: `hello` and the board, or the board alone.
DIALECTS = {"plain": ("", "1"), "rates.v1": ("rates.v1", "2")}
PEERS = ("websockets.broadcast()", "Node ws", "Go gorilla")
# Runs in the folder of a version, because versions keep different states in Redis.
PUBLISHER = """
import sys, tempfile, pathlib
from benchmarks.fan_out import Publisher, set_up_django
set_up_django(sys.argv[1], pathlib.Path(sys.argv[2]))
publisher = Publisher(int(sys.argv[3]))
for line in sys.stdin:
    publisher.publish()
    print("published", flush=True)
"""


class Server(NamedTuple):
    """What is measured: a command, the folder that it runs in, and what its clients offer and expect."""

    name: str
    command: Command
    folder: Path = ROOT
    dialect: tuple[str, ...] = ()


class Row(NamedTuple):
    """What was measured; times are microseconds, memory is in KB."""

    accepts: float
    cpu_per_accept: float
    memory: float
    around: float
    window: float
    idle: float


@contextmanager
def publisher(folder: Path, url: str, coins: int, scratch: Path) -> Iterator[Callable[[], None]]:
    """Start the publisher of the version in *folder*; the value publishes once."""
    command = [python_of(folder), "-c", PUBLISHER, url, str(scratch), str(coins)]
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:

        def publish() -> None:
            assert process.stdin
            assert process.stdout
            process.stdin.write("\n")
            assert process.stdout.readline()

        yield publish
        process.kill()


def python_of(folder: Path) -> str:
    """Return the interpreter of the environment in *folder*."""
    return sys.executable if folder == ROOT else str(folder / ".venv/bin/python")


def measure(
    server: Server, publish: Callable[[], None], size: int, folder: Path, url: str, *, idle: float = IDLE_SECONDS
) -> Row:
    """Measure one server with *size* sockets."""
    port = free_port()
    with running(server.command(port, url), port, server.folder, PORT=str(port)) as process:
        time.sleep(0.7)
        empty, began = memory_kb(process.pid), cpu_seconds(process.pid)
        sockets = Load(folder / "load", port, size, "/ws/rates", *server.dialect)
        accepting = cpu_seconds(process.pid) - began
        time.sleep(1)
        publish()
        time.sleep(1)
        memory = (memory_kb(process.pid) - empty) / size
        around, got = [], 0
        began, due = cpu_seconds(process.pid), time.monotonic()
        for _ in range(PUBLICATIONS):
            sockets.ask()
            before = cpu_seconds(process.pid)
            publish()
            got += sockets.wait()[0]
            around.append((cpu_seconds(process.pid) - before) / size)
            due += 1
            time.sleep(max(0, due - time.monotonic()))
        window = (cpu_seconds(process.pid) - began) / got
        began = cpu_seconds(process.pid)
        time.sleep(idle)
        idle_share = (cpu_seconds(process.pid) - began) / idle
        sockets.close()
    if got < size * PUBLICATIONS:
        print(f"{size * PUBLICATIONS - got} deliveries were lost", flush=True)
    return Row(
        size / sockets.seconds,
        accepting / size * 1e6,
        memory,
        statistics.median(around) * 1e6,
        window * 1e6,
        idle_share,
    )


def name_of(folder: Path) -> str:
    """Return the commit in *folder*."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty"]
    return subprocess.check_output(command, text=True).strip()


def list_servers(versions: list[Path], peers: dict[str, Command]) -> list[Server]:
    """Return the versions in both dialects, and the peers."""
    return [
        *(
            Server(f"{name_of(folder)} {dialect}", serve_from(folder), folder, expected)
            for dialect, expected in DIALECTS.items()
            for folder in versions
        ),
        *(Server(name, peers[name]) for name in PEERS if name in peers),
    ]


def serve_from(folder: Path) -> Command:
    """Return the command that serves the version in *folder*."""
    return lambda port, url: [python_of(folder), "manage.py", "serve"]


def show(server: Server, size: int, row: Row) -> None:
    """Print one line."""
    print(
        f"{server.name:32} {size:6} sockets {row.accepts:7.0f} accepts/s {row.cpu_per_accept:6.1f} us"
        f"  {row.memory:5.1f} KB/socket  around {row.around:6.1f} us  window {row.window:6.1f} us"
        f"  idle {row.idle:6.2%}",
        flush=True,
    )


def main() -> None:
    """Measure, and print a line for each row."""
    parser = argparse.ArgumentParser(description="Compare two versions of the service with each other and with peers.")
    parser.add_argument("--beside", type=Path, action="append", default=[], help="folder of another version")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--coins", type=int, default=4)
    parser.add_argument("--only", nargs="+", default=[""], help="measure servers whose name contains one of these")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, redis_server(folder := Path(name)) as url:
        set_up_django(url, folder)
        servers = list_servers([ROOT, *options.beside], build(folder))
        for size in options.sizes:
            for server in servers:
                if any(part in server.name for part in options.only):
                    redis.Redis.from_url(url).flushall()
                    with publisher(server.folder, url, options.coins, folder) as publish:
                        publish()
                        row = measure(server, publish, size, folder, url)
                    show(server, size, row)


if __name__ == "__main__":
    main()
