"""The clock of a process is set by an hour, forwards and back, while it runs."""

import re
import shutil
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.clients import Clients
from tests.faults.conftest import Figure
from tests.faults.processes import System, wait_until
from tests.faults.running import PAGES
from tests.stand_ins.coingecko import CoinGecko

HOUR = 3600
INTERVAL = 2.0

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler (cc) to build the clock that is set")


class Clock:
    """A wall clock that can be set; the monotonic one goes on as it does."""

    def __init__(self, folder: Path) -> None:
        library = folder / "clock.so"
        source = Path(__file__).with_name("clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
        self._file = folder / "clock"
        self._file.write_bytes(bytes(8))
        self.settings = {"LD_PRELOAD": str(library), "CLOCK_FILE": str(self._file)}

    def set(self, offset: int) -> None:
        """Set it so many seconds away from the true time, at once for all who use it."""
        with self._file.open("r+b", buffering=0) as file:
            file.write(struct.pack("=q", offset))


def negative_ages(system: System) -> list[str]:
    """Return every age below zero that a page, the API or the metrics show."""
    texts = {path: system.get(path)[1] for path in PAGES}
    found = [
        f"{path}: {m[0]}" for path, text in texts.items() for m in re.finditer(r"[-−]\d+(\.\d+)? (s|min|h)\b", text)
    ]
    metrics = texts["/metrics"]
    return found + re.findall(r"^rates_\w*(?:age|seconds)\w*(?:\{.*\})? -.*$", metrics, re.M)


@pytest.mark.parametrize("kind", ["worker", "one_process_worker"])
@pytest.mark.parametrize("offset", [HOUR, -HOUR])
def test_the_workers_clock_steps(
    offset: int, kind: str, build: Callable[..., System], listen: Callable[..., Clients], market: CoinGecko,
    tmp_path: Path, figure: Figure,
) -> None:  # fmt: skip
    clock = Clock(tmp_path)
    system = build(RATES_REFRESH_INTERVAL=str(INTERVAL))
    system.start("web")
    worker = system.start(kind, **clock.settings)
    system.wait_fresh()
    clients = listen(system, 5)
    time.sleep(2 * INTERVAL)
    clock.set(offset)
    stepped = time.time()
    wait_until(lambda: regular(market, stepped), 8 * INTERVAL, "three fetches, one interval apart")
    figure("regular after", max(0.0, regular(market, stepped) - stepped) / INTERVAL, "intervals")
    assert regular(market, stepped) - stepped <= 3 * INTERVAL
    assert negative_ages(system) == []
    wait_until(lambda: worker.lines("the clock of this host is (3599|3600|3601) s"), 10, "a line about it")
    frames = len(clients.clients[0].heard)
    clock.set(0)
    back = time.time()
    wait_until(lambda: regular(market, back), 8 * INTERVAL, "three fetches, one interval apart")
    assert regular(market, back) - back <= 3 * INTERVAL
    system.wait_fresh(3 * INTERVAL)
    assert negative_ages(system) == []
    assert len(clients.clients[0].heard) > frames
    assert not clients.closes()
    assert worker.lines("Traceback") == []


@pytest.mark.parametrize("offset", [30, -30])
def test_clocks_of_beat_and_worker_differ_by_less_than_a_minute(
    offset: int, build: Callable[..., System], market: CoinGecko, tmp_path: Path, figure: Figure
) -> None:
    clock = Clock(tmp_path)
    clock.set(offset)
    system = build(RATES_REFRESH_INTERVAL=str(INTERVAL))
    worker = system.start("plain_worker", **clock.settings)
    system.start("beat")
    wait_until(lambda: market.calls > 1, 60, "ticks of beat")
    began = time.time()
    wait_until(lambda: regular(market, began), 8 * INTERVAL, "three fetches, one interval apart")
    figure("regular after", max(0.0, regular(market, began) - began) / INTERVAL, "intervals")
    words = "ahead of" if offset > 0 else "behind"
    assert len(worker.lines(f"the clock of this host is (29|30|31) s {words} that of Redis")) == 1
    clock.set(0)
    wait_until(lambda: worker.lines("the clock of this host agrees with that of Redis again"), 10, "the end of it")


def regular(market: CoinGecko, since: float) -> float:
    """Return when the first of three fetches came that are an interval apart; 0 while there are none."""
    times = [call.at for call in market.requests if call.at > since]
    for first, second, third in zip(times, times[1:], times[2:], strict=False):
        if all(0.75 * INTERVAL < gap < 1.25 * INTERVAL for gap in (second - first, third - second)):
            return first
    return 0.0


@pytest.mark.parametrize("offset", [HOUR, -HOUR])
def test_the_webs_clock_steps(
    offset: int, build: Callable[..., System], listen: Callable[..., Clients], market: CoinGecko, tmp_path: Path,
    figure: Figure,
) -> None:  # fmt: skip
    clock = Clock(tmp_path)
    system = build()
    web = system.start("web", **clock.settings)
    system.start("worker")
    system.wait_fresh()
    clients = listen(system, 5)
    clock.set(offset)
    figure("next board after", clients.wait_fresh(time.time(), 3), "s")
    assert negative_ages(system) == []
    assert ('data-state="delayed"' in system.get("/")[1]) == (offset > 0)
    assert system.get("/readyz")[0] == (503 if offset > 0 else 200)
    wait_until(lambda: web.lines("the clock of this host is (3599|3600|3601) s"), 10, "a line about it")
    clock.set(0)
    system.wait_fresh(5)
    clients.wait_fresh(time.time(), 3)
    assert negative_ages(system) == []
    assert clients.gaps() == 0
    assert not clients.closes()
    assert web.lines("Traceback") == []
