"""Worker, its child, beat are killed or frozen: one fetch in a slot, no replay, fresh soon after."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable

from tests.faults.clients import Clients
from tests.faults.conftest import Figure
from tests.faults.processes import Process, System, wait_until
from tests.faults.running import Running, wait_phase
from tests.stand_ins.coingecko import CoinGecko

Build, Listen = Callable[..., System], Callable[..., Clients]
# Seconds; the default of the service.
INTERVAL = 5.0


def fetches(market: CoinGecko, since: float = 0.0) -> Counter[int]:
    """Return how often the source was asked, by slot."""
    return Counter(int(call.at // INTERVAL) for call in market.requests if call.at >= since)


def started(build: Build, listen: Listen, *names: str) -> tuple[Running, dict[str, Process]]:
    """Start web and the processes *names* at the default interval, and wait for fresh prices."""
    system = build(RATES_REFRESH_INTERVAL=str(INTERVAL))
    web = system.start("web")
    wait_phase(INTERVAL)
    processes = {name: system.start(name) for name in names}
    system.wait_fresh()
    return Running(system, web, processes[names[0]], listen(system, 5)), processes


def assert_recovered(running: Running, market: CoinGecko, since: float, figure: Figure) -> None:
    """Prices are fresh within two intervals, and no slot was run twice, then or in the next two."""
    figure("fresh after", running.clients.wait_fresh(since, 2 * INTERVAL), "s")
    time.sleep(2 * INTERVAL)
    slots = fetches(market)
    figure("most fetches in a slot", max(slots.values()))
    assert max(slots.values()) == 1, slots
    assert not running.clients.closes()


def test_worker_is_killed_and_its_orphaned_beat_goes_on(
    build: Build, listen: Listen, market: CoinGecko, figure: Figure
) -> None:
    """kill -9 of the parent leaves the embedded beat alive: it goes on sending ticks that nobody takes."""
    running, _ = started(build, listen, "worker")
    running.worker.kill()
    time.sleep(2.5 * INTERVAL)
    assert running.worker.family(), "the orphan"
    wait_phase(INTERVAL)
    began = time.time()
    running.system.start("worker")
    assert_recovered(running, market, began, figure)


def test_pool_child_is_killed_in_the_middle_of_a_fetch(
    build: Build, listen: Listen, market: CoinGecko, figure: Figure
) -> None:
    running, processes = started(build, listen, "plain_worker", "beat")
    market.fault = "hang"
    calls = market.calls
    wait_until(lambda: market.calls > calls, 2 * INTERVAL, "a fetch that hangs")
    (child,) = processes["plain_worker"].children()
    market.fault = ""
    os.kill(child, signal.SIGKILL)
    assert_recovered(running, market, time.time(), figure)


def test_beat_is_killed(build: Build, listen: Listen, market: CoinGecko, figure: Figure) -> None:
    running, processes = started(build, listen, "plain_worker", "beat")
    processes["beat"].kill()
    time.sleep(2.5 * INTERVAL)
    wait_phase(INTERVAL)
    began = time.time()
    running.system.start("beat")
    assert_recovered(running, market, began, figure)


def test_worker_stands_still_for_a_minute_while_beat_goes_on(
    build: Build, listen: Listen, market: CoinGecko, figure: Figure
) -> None:
    running, processes = started(build, listen, "plain_worker", "beat")
    processes["plain_worker"].freeze()
    frozen = time.time()
    time.sleep(60)
    wait_phase(INTERVAL)
    thawed = time.time()
    processes["plain_worker"].thaw()
    assert_recovered(running, market, thawed, figure)
    missed = [slot for slot in fetches(market, frozen + 1) if slot < thawed // INTERVAL]
    figure("missed slots that were run afterwards", len(missed))
    assert missed == []
