"""
What has become cheaper or dearer since the last release: `make bench-quick`, two minutes.

    hub        1,000 and 100 sockets of `rates.v1`, beside the release, websockets.broadcast() and the hub in Go
    tick       300 coins, in turns
    at rest    all processes of `make demo`, and how their start went

Prints ratios of CPU time and memory, never of seconds: those depend on what else the machine does. The release is the
newest tag, or the commit named by `BENCH_RELEASE`; it is cloned once, with an environment of its own, into
`var/releases/`, or the folder named by `BENCH_FOLDER`.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import redis

from benchmarks import at_rest
from benchmarks.fan_out import ROOT, build, redis_server, set_up_django
from benchmarks.versions import IDLE_SECONDS, PEERS, Row, Server, list_servers, measure, name_of, publisher

# The last state before there were tags.
FIRST_RELEASE = "0846c17"
MEASURED = ((1000, "rates.v1"), (1000, "websockets.broadcast()"), (1000, "Go gorilla"), (100, "rates.v1"))
COINS, TICK_COINS = 4, 300
# The name of each in the output, and in `Row`.
FIGURES = {"accept": "cpu_per_accept", "memory": "memory", "around": "around", "window": "window", "idle": "idle"}


def last_release() -> str:
    """Return the commit to compare with."""
    command = ["git", "describe", "--tags", "--abbrev=0"]
    newest = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    return os.environ.get("BENCH_RELEASE") or newest or FIRST_RELEASE


def clone(release: str) -> Path:
    """Return a folder with *release* and its environment; the first time takes a minute."""
    folder = Path(os.environ.get("BENCH_FOLDER") or ROOT / "var/releases") / release
    if not (folder / ".venv/run").exists():
        print(f"Cloning {release} into {folder} (once) …", flush=True)
        if not folder.exists():
            subprocess.run(["git", "clone", "-q", ROOT, folder], check=True)
        subprocess.run(["git", "checkout", "-q", release], cwd=folder, check=True)
        subprocess.run(["make", ".venv/run", f"PYTHON={sys.base_prefix}/bin/python3"], cwd=folder, check=True)
    return folder


def measure_hub(release: Path, folder: Path) -> Iterator[str]:
    """Yield a line for each size: our figures as multiples of the release's and of the peers'."""
    with redis_server(folder) as url:
        set_up_django(url, folder)
        servers = list_servers([ROOT, release], build(folder))
        for size in sorted({size for size, _ in MEASURED}):
            names = tuple(name for each, name in MEASURED if each == size)
            rows = {server: row_of(server, size, folder, url) for server in servers if server.name.endswith(names)}
            (_, ours), *others = rows.items()
            for server, row in others:
                shared = [name for name in FIGURES if name != "idle" or server.name not in PEERS]
                yield f"{size:,} sockets beside {server.name}: {ratios(ours, row, shared)}"


def row_of(server: Server, size: int, folder: Path, url: str) -> Row:
    """Return the figures of one server."""
    redis.Redis.from_url(url).flushall()
    with publisher(server.folder, url, COINS, folder) as publish:
        publish()
        return measure(server, publish, size, folder, url, idle=1 if server.name in PEERS else IDLE_SECONDS)


def ratios(ours: Row, other: Row, of: Sequence[str]) -> str:
    """Return our figures as multiples of the *other*'s; accepts as CPU for each, so that less is better everywhere."""
    return ", ".join(f"{name} {getattr(ours, FIGURES[name]) / getattr(other, FIGURES[name]):.2f}" for name in of)


def measure_tick(release: Path) -> str:
    """Return the table of one size, with the ratio in its last column."""
    command = [sys.executable, "-m", "benchmarks.tick", str(TICK_COINS), "--beside", str(release)]
    return subprocess.check_output(command, cwd=ROOT, text=True)


def measure_rest(versions: Sequence[Path]) -> str:
    """Return what we take at rest, as multiples of the other's."""
    (our_start, ours), (their_start, theirs) = (at_rest.measure(folder) for folder in versions)
    memory = [sum(each.pss for each in found) for found in (ours, theirs)]
    return (
        f"at rest: memory {memory[0] / memory[1]:.2f} ({memory[0]:.0f} of {memory[1]:.0f} MiB), "
        f"CPU until the first price {our_start.cpu / their_start.cpu:.2f}"
    )


def main() -> None:
    """Measure, and print the ratios; three things at a time, because memory and CPU time depend little on that."""
    release = clone(last_release())
    print(f"{name_of(ROOT)} beside {release.name}; less is better, 1.00 is as before", flush=True)
    with ThreadPoolExecutor(2) as other, tempfile.TemporaryDirectory() as folder:
        rest, tick = other.submit(measure_rest, [ROOT, release]), other.submit(measure_tick, release)
        for line in measure_hub(release, Path(folder)):
            print(line, flush=True)
        print(rest.result(), tick.result(), sep="\n", flush=True)


if __name__ == "__main__":
    main()
