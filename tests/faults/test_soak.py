"""Everything at once for a while: sockets that come and go, edits, a restart of Redis; nothing is lost or grows."""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from tests.faults.admin import Staff
from tests.faults.clients import AtOnce, Clients
from tests.faults.conftest import Figure
from tests.faults.processes import ROOT, Process, Redis, System, memory_of, wait_until
from tests.faults.running import Running

# Seconds; `make soak` takes 15 minutes.
SECONDS = float(os.environ.get("SOAK_SECONDS", "90"))
INTERVAL = 0.5
SOCKETS, CHURN = 1000, 20
# Seconds from the kill of Redis in which freshness is not counted: it is away for 3 and may be waited for 5 more.
RESTART = 8.0
# Part of the time in which memory may still grow.
WARMING = 0.3


@dataclass
class Log:
    """What was seen in each second: the age of the newest board, and the memory of each process."""

    ages: list[tuple[float, float]] = field(default_factory=list)
    memory: dict[str, list[int]] = field(default_factory=dict)


def test_soak(
    build: Callable[..., System],
    listen: Callable[..., Clients],
    redis_server: Redis,
    stack: ExitStack,
    tmp_path: Path,
    figure: Figure,
) -> None:
    source = stack.enter_context(source_of_its_own(tmp_path))
    system = build(RATES_REFRESH_INTERVAL=str(INTERVAL), COINGECKO_API_URL=source)
    running = Running(system, system.start("web"), system.start("worker"), None)  # type: ignore[arg-type]
    system.wait_fresh()
    staff = Staff.log_in(system)
    observer = listen(system, 1)
    crowd = listen(system, SOCKETS, policy=AtOnce, spread=5.0, whole=False)
    crowd.churn(CHURN)
    over = Event()
    editing = Thread(target=edit, args=(staff, over), daemon=True)
    editing.start()
    log = Log()
    began = time.monotonic()
    watch(running, observer, log, began + SECONDS / 2)
    killed = time.time()
    redis_server.kill()
    time.sleep(3)
    redis_server.start()
    back = time.time()
    figure("fresh after the restart", crowd.wait_fresh(back, 10), "s")
    watch(running, observer, log, began + SECONDS)
    over.set()
    editing.join(15)
    report(running, observer, crowd, log, killed, figure)


@contextmanager
def source_of_its_own(folder: Path) -> Iterator[str]:
    """Run the CoinGecko in another process than the crowd, and return its address: a tick waits 0.18 s for it."""
    command = [sys.executable, "-m", "tests.stand_ins", "coingecko"]
    source = Process("coingecko", command, folder, os.environ, ROOT)
    try:
        yield wait_until(lambda: re.search(r"coingecko: (\S+)", source.said), 30)[1]
    finally:
        source.end()


def edit(staff: Staff, over: Event) -> None:
    """Take a coin off the board and put it back, over and over."""
    on = False
    while not over.wait(2.5):
        staff.switch("XLM", on)
        on = not on


def watch(running: Running, observer: Clients, log: Log, until: float) -> None:
    """Take down ages and memory once a second."""
    while (left := until - time.monotonic()) > 0:
        newest = max(heard.as_of for heard in list(observer.clients[0].heard)[-8:])
        log.ages.append((time.time(), time.time() - newest))
        for name, kilobytes in memory(running).items():
            log.memory.setdefault(name, []).append(kilobytes)
        time.sleep(min(1.0, left))


def memory(running: Running) -> dict[str, int]:
    """Return the resident memory of each process, in KB."""
    found = {process.name: process.memory_kb() for process in (running.web, running.worker)}
    return found | {f"the worker's child {pid}": memory_of(pid) for pid in running.worker.children()}


def report(running: Running, observer: Clients, crowd: Clients, log: Log, killed: float, figure: Figure) -> None:
    """Note the figures of the whole time, and hold them against what was promised."""
    counted = [age for at, age in log.ages if not killed <= at <= killed + RESTART]
    late = [age for age in counted if age > INTERVAL + 1]
    fresh = 100 * (1 - len(late) / len(counted))
    figure("seconds counted", len(counted))
    figure("of them fresh", fresh, "%")
    figure("oldest board", max(counted), "s")
    figure("sockets that came and went", crowd.closes()[1000])
    figure("publications", observer.clients[0].seq)
    for name, values in log.memory.items():
        warm = values[int(len(values) * WARMING) :]
        part = max(1, len(warm) // 4)
        before, after = sum(warm[:part]) / part, sum(warm[-part:]) / part
        figure(f"memory of {name}", f"{before / 1024:.1f} to {after / 1024:.1f} MB")
        assert after <= 1.05 * before, f"{name} grows: {values[::10]}"
    assert crowd.gaps() == observer.gaps() == 0
    assert set(crowd.closes()) <= {1000, 1005}, crowd.closes()
    assert not observer.closes()
    for process in (running.web, running.worker):
        assert process.lines("Traceback") == []
    assert len(late) <= max(1, 0.001 * len(counted)), late
