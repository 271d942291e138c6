"""
What the whole service takes at rest: `python -m benchmarks.at_rest [FOLDER...]`.

Each of the folders, checkouts with their own `.venv`, is copied and started as by `make demo`, with four coins; by
default it is this one. Prints how long the first price took, and the memory of each process: its proportional share
(PSS) and what it shares with nobody (private and dirty), in MiB.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

from tests.ports import free_port

FIRST_START, REST = 15.0, 25.0
DEMO = {"RATES_SOURCES": "simulated", "RATES_STREAM": "off", "PYTHONHASHSEED": "0"}


def family(pid: int) -> list[int]:
    """Return *pid* and its descendants."""
    told = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [pid, *(each for children in told for child in children for each in family(int(child)))]


def memory(pid: int) -> tuple[float, float, str]:
    """Return PSS, private dirty memory in MiB, and the command of *pid*."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines}
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return sizes["Pss:"], sizes["Private_Dirty:"], " ".join(words)[-60:].strip()


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


def measure(tree: Path) -> None:
    """Print the figures of one folder."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        files = subprocess.run(["git", "archive", "HEAD"], cwd=tree, stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["tar", "x"], cwd=folder, input=files, check=True)
        (folder / ".venv").symlink_to((tree / ".venv").resolve())
        # The first start makes the database and the files of compiled code.
        first = start(folder, port)
        time.sleep(FIRST_START)
        end(first)
        began = time.monotonic()
        process = start(folder, port)
        try:
            while not wait_for_price(port):
                time.sleep(0.02)
            print(f"{tree}: first price after {time.monotonic() - began:.1f} s")
            time.sleep(REST)
            found = [memory(pid) for pid in family(process.pid)]
            for pss, dirty, command in found:
                print(f"{pss:8.1f} {dirty:8.1f}  {command}")
            print(f"{sum(pss for pss, _, _ in found):8.1f} {sum(dirty for _, dirty, _ in found):8.1f}  all", flush=True)
        finally:
            end(process)


if __name__ == "__main__":
    for argument in sys.argv[1:] or ["."]:
        measure(Path(argument).resolve())
