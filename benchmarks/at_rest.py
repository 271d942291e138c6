"""
What the whole service takes at rest: `python -m benchmarks.at_rest [FOLDER...]`.

Each of the folders, checkouts with their own `.venv`, is copied and started as by `make demo`, with four coins; by
default it is this one. Prints how long the first price took, in seconds and in seconds of CPU of all processes (in
turns, on a machine that does other things too, compare those), and the memory of each process: its proportional share
(PSS) and what it shares with nobody (private and dirty), in MiB.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

from tests.ports import free_port

FIRST_START, REST = 15.0, 25.0
# Seconds between ticks. A start in a slot that has a tick already would wait for the next one.
INTERVAL = 5.0
DEMO = {"RATES_SOURCES": "simulated", "RATES_STREAM": "off", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": ""}


class Start(NamedTuple):
    """How long the first price took, and the CPU time of all processes until then."""

    seconds: float
    cpu: float


class Memory(NamedTuple):
    """What one process takes, in MiB."""

    pss: float
    dirty: float
    command: str


def family(pid: int) -> list[int]:
    """Return *pid* and its descendants."""
    told = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [pid, *(each for children in told for child in children for each in family(int(child)))]


def memory(pid: int) -> Memory:
    """Return what *pid* takes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines}
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return Memory(sizes["Pss:"], sizes["Private_Dirty:"], " ".join(words)[-60:].strip())


def cpu_time(pid: int) -> float:
    """Return the seconds of CPU that *pid*, its descendants and those that have ended have used."""
    # User and system time of the process, and of its children that have ended.
    times = [Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[11:15] for each in family(pid)]
    return sum(int(ticks) for four in times for ticks in four) / os.sysconf("SC_CLK_TCK")


def start(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    """Start the service in *folder*."""
    command = [str(folder / ".venv/bin/python"), "-m", "config.launcher"]
    environment = os.environ | DEMO | {"PORT": str(port)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **quiet)  # type: ignore[call-overload,no-any-return]


def end(process: "subprocess.Popen[bytes]") -> None:
    """End the service, with all its processes."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for_price(port: int) -> bool:
    """Return whether there is a price by now."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/api/rates", timeout=1) as answer:
            return any(coin["price"] for coin in json.load(answer)["rates"])
    except OSError:
        return False


@contextmanager
def running(folder: Path) -> Iterator[tuple["subprocess.Popen[bytes]", Start]]:
    """Run the service in *folder*; yield its first process, and how it started."""
    port = free_port()
    time.sleep(INTERVAL - time.time() % INTERVAL)
    began = time.monotonic()
    process = start(folder, port)
    try:
        while not wait_for_price(port):
            time.sleep(0.02)
        yield process, Start(time.monotonic() - began, cpu_time(process.pid))
    finally:
        end(process)


@contextmanager
def copied(tree: Path) -> Iterator[Path]:
    """Yield a copy of *tree*'s commit, started once: that makes the database and the files of compiled code."""
    with tempfile.TemporaryDirectory() as name:
        files = subprocess.run(["git", "archive", "HEAD"], cwd=tree, stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["tar", "x"], cwd=name, input=files, check=True)
        (Path(name) / ".venv").symlink_to((tree / ".venv").resolve())
        first = start(Path(name), free_port())
        time.sleep(FIRST_START)
        end(first)
        yield Path(name)


def measure(tree: Path) -> tuple[Start, list[Memory]]:
    """Return how *tree* starts, and what its processes take."""
    with copied(tree) as folder, running(folder) as (process, started):
        time.sleep(REST)
        return started, [memory(pid) for pid in family(process.pid)]


def main() -> None:
    """Print the figures of each folder."""
    for tree in [Path(argument).resolve() for argument in sys.argv[1:] or ["."]]:
        started, found = measure(tree)
        print(f"{tree}: first price after {started.seconds:.1f} s, {started.cpu:.1f} s of CPU")
        for each in (*found, Memory(sum(each.pss for each in found), sum(each.dirty for each in found), "all")):
            print(f"{each.pss:8.1f} {each.dirty:8.1f}  {each.command}", flush=True)


if __name__ == "__main__":
    main()
