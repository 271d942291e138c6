"""Worker, its child, beat are killed or frozen: one fetch in a slot, no replay, fresh soon after."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.clients import Clients
from tests.faults.conftest import Figure
from tests.faults.processes import START, Process, Redis, System, reports, wait_until
from tests.faults.running import Running, wait_phase
from tests.stand_ins.coingecko import CoinGecko

Build, Listen = Callable[..., System], Callable[..., Clients]
# Seconds; the default of the service.
INTERVAL = 5.0


class Claims:
    """The claims of slots, as Redis tells of them: when a fetch arrives says little about the slot that it is for."""

    def __init__(self, redis_server: Redis) -> None:
        redis_server.client.config_set("notify-keyspace-events", "K$")
        self._listener = redis_server.client.pubsub(ignore_subscribe_messages=True)
        self._listener.psubscribe("__keyspace@0__:rates:slot:*")
        # The confirmation; what is ignored ends a wait too.
        self._listener.get_message(timeout=5)
        self._slots: Counter[int] = Counter()

    def count(self) -> Counter[int]:
        """Return how often each slot was claimed so far."""
        while message := self._listener.get_message(timeout=0.5):
            self._slots[int(message["channel"].rpartition(":")[2])] += message["data"] == "set"
        return self._slots


@pytest.fixture
def claims(redis_server: Redis) -> Claims:
    return Claims(redis_server)


def begin(system: System, redis_server: Redis, name: str) -> float:
    """Start the process *name*; return the time when it is there, for a start may take longer than two intervals."""
    process = system.start(name)
    wait_until(lambda: reports(redis_server, process), START, f"{name} reports")
    return time.time()


def started(build: Build, listen: Listen, *names: str) -> tuple[Running, dict[str, Process]]:
    """Start web and the processes *names* at the default interval, and wait for fresh prices."""
    system = build(RATES_REFRESH_INTERVAL=str(INTERVAL))
    web = system.start("web")
    wait_phase(INTERVAL)
    processes = {name: system.start(name) for name in names}
    system.wait_fresh()
    return Running(system, web, processes[names[0]], listen(system, 5)), processes


def assert_recovered(running: Running, market: CoinGecko, claims: Claims, since: float, figure: Figure) -> None:
    """Prices are fresh within two intervals, and no slot was run twice, then or in the next two."""
    figure("fresh after", running.clients.wait_fresh(since, 2 * INTERVAL), "s")
    time.sleep(2 * INTERVAL)
    fetches = market.calls
    slots = claims.count()
    figure("most claims of a slot", max(slots.values()))
    assert max(slots.values()) == 1, slots
    assert fetches <= len(slots)
    assert not running.clients.closes()


def test_worker_is_killed_and_its_orphaned_beat_goes_on(
    build: Build, listen: Listen, market: CoinGecko, redis_server: Redis, claims: Claims, figure: Figure
) -> None:
    """kill -9 of the parent leaves the embedded beat alive: it goes on sending ticks that nobody takes."""
    running, _ = started(build, listen, "worker")
    running.worker.kill()
    time.sleep(2.5 * INTERVAL)
    assert running.worker.family(), "the orphan"
    wait_phase(INTERVAL)
    began = begin(running.system, redis_server, "worker")
    assert_recovered(running, market, claims, began, figure)


def test_pool_child_is_killed_in_the_middle_of_a_fetch(
    build: Build, listen: Listen, market: CoinGecko, claims: Claims, figure: Figure
) -> None:
    running, processes = started(build, listen, "plain_worker", "beat")
    market.fault = "hang"
    calls = market.calls
    wait_until(lambda: market.calls > calls, 2 * INTERVAL, "a fetch that hangs")
    (child,) = processes["plain_worker"].children()
    market.fault = ""
    os.kill(child, signal.SIGKILL)
    assert_recovered(running, market, claims, time.time(), figure)


def test_beat_is_killed(
    build: Build, listen: Listen, market: CoinGecko, redis_server: Redis, claims: Claims, figure: Figure
) -> None:
    running, processes = started(build, listen, "plain_worker", "beat")
    processes["beat"].kill()
    time.sleep(2.5 * INTERVAL)
    wait_phase(INTERVAL)
    began = begin(running.system, redis_server, "beat")
    assert_recovered(running, market, claims, began, figure)


def test_worker_stands_still_for_a_minute_while_beat_goes_on(
    build: Build, listen: Listen, market: CoinGecko, claims: Claims, figure: Figure
) -> None:
    running, processes = started(build, listen, "plain_worker", "beat")
    wait_phase(INTERVAL, INTERVAL / 2)
    processes["plain_worker"].freeze()
    frozen = int(time.time() // INTERVAL)
    time.sleep(60)
    wait_phase(INTERVAL)
    thawed = time.time()
    processes["plain_worker"].thaw()
    assert_recovered(running, market, claims, thawed, figure)
    missed = [slot for slot in claims.count() if frozen < slot < thawed // INTERVAL]
    figure("missed slots that were run afterwards", len(missed))
    assert missed == []
