"""Redis is killed, frozen, cut off, emptied, restarted, full: sockets stay, pages answer, prices come back soon."""

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from rates import store
from rates.exceptions import StoreUnavailable
from rates.store import Change, Memory
from rates.store.redis_client import SILENCE
from tests.faults.conftest import Figure
from tests.faults.processes import ROOT, START, Process, Redis, System, wait_until
from tests.faults.proxy import Proxy
from tests.faults.running import Running, Watch, board_age, repeat
from tests.stand_ins.coingecko import CoinGecko

Run = Callable[..., Running]
# Seconds.
FRESH = 5.0
LONGEST_CALL = 6.0
NOTICED = 15.0
DEAF = 10.0
# How long a tick may take at an interval of 1 s (`CELERY_TASK_TIME_LIMIT`).
TICK_LIMIT = 4.0


def healed(running: Running, since: float, figure: Figure, within: float = FRESH) -> None:
    """Every socket is open and fresh soon after *since*, and nobody has printed a traceback."""
    figure("fresh after", running.clients.wait_fresh(since, within), "s")
    assert not running.clients.closes()
    assert not running.web.lines("Traceback")
    assert not running.worker.lines("Traceback")


@pytest.mark.parametrize("away", [3, 60])
def test_redis_is_killed_and_comes_back_empty(away: int, run: Run, redis_server: Redis, figure: Figure) -> None:
    running = run()
    watch = Watch(running.system)
    watch.look()
    redis_server.kill()
    watch.during(away)
    page = running.system.get("/")[1]
    assert ('data-state="delayed"' in page) == (board_age(running.system) > 15), "the banner"
    redis_server.start()
    healed(running, time.time(), figure)
    assert not watch.failed
    figure("pages and sockets served meanwhile", watch.rounds * 7)
    figure("lines of the worker's log", len(running.worker.said.splitlines()))
    assert len(running.worker.lines("WARNING|ERROR")) <= 8, running.worker.said
    assert len(running.web.lines("WARNING|ERROR")) <= 8, running.web.said


def test_redis_is_killed_in_the_middle_of_a_tick(
    run: Run, redis_server: Redis, market: CoinGecko, figure: Figure
) -> None:
    """The tick ends while the worker looks for Redis: its child is idle then, and no time limit may end it."""
    running = run()
    market.fault = "hang"
    calls = market.calls
    wait_until(lambda: market.calls > calls, 10, "a fetch that hangs")
    redis_server.kill()
    time.sleep(2 * TICK_LIMIT)
    market.fault = ""
    redis_server.start()
    healed(running, time.time(), figure)


def test_worker_that_starts_without_redis_works_as_soon_as_it_is_there(
    build: Callable[..., System], redis_server: Redis, figure: Figure
) -> None:
    system = build()
    redis_server.kill()
    web, worker = system.start("web"), system.start("worker")
    system.wait_answers()
    wait_until(lambda: worker.lines("Cannot connect"), 30)
    time.sleep(20)
    redis_server.start()
    back = time.monotonic()
    system.wait_fresh(FRESH)
    figure("fresh after", time.monotonic() - back, "s")
    assert not web.lines("Traceback")
    assert not worker.lines("Traceback")


class Frozen:
    """Redis answers nothing: the process stands still."""

    def __init__(self, redis_server: Redis, proxy: Proxy) -> None:
        self.url = redis_server.url
        self.begin, self.finish = redis_server.freeze, redis_server.thaw


class CutOff:
    """Redis answers nothing: the network drops every packet."""

    def __init__(self, redis_server: Redis, proxy: Proxy) -> None:
        self.url = f"redis://127.0.0.1:{proxy.port}/0"
        self.begin, self.finish = proxy.cut, proxy.mend


@pytest.mark.parametrize("kind", [Frozen, CutOff])
def test_redis_is_silent_for_30_seconds(
    kind: type[Frozen | CutOff], run: Run, redis_server: Redis, proxy: Proxy, figure: Figure
) -> None:
    fault = kind(redis_server, proxy)
    running = run(fault.url)
    watch = Watch(running.system)
    watch.look()
    calls = start_calls(running.system)
    fault.begin()
    began = time.monotonic()
    with ThreadPoolExecutor(1) as threads:
        looking = threads.submit(watch.during, 30)
        wait_until(lambda: running.web.lines("hub: (no publications|missed)"), 30, "the hub notices")
        noticed = time.monotonic() - began
        looking.result()
    fault.finish()
    healed(running, time.time(), figure)
    assert not watch.failed
    figure("hub noticed after", noticed, "s")
    assert noticed <= NOTICED
    longest = longest_call(calls)
    figure("longest call to Redis", longest, "s")
    figure("longest page", watch.slowest, "s")
    assert 1 < longest <= LONGEST_CALL
    assert watch.slowest <= LONGEST_CALL


def start_calls(system: System) -> Process:
    """Start a process that calls Redis in every way of ours, over and over, and says how long each call took."""
    calls = Process("calls", [sys.executable, "-m", "tests.faults.calls"], system.folder, system.settings, ROOT)
    system.processes.append(calls)
    wait_until(lambda: len(calls.lines("seconds")) > 8, START, "the calls have begun")
    return calls


def longest_call(calls: Process) -> float:
    """Return the longest time of a call, in seconds; that of a call which still runs counts too."""
    wait_until(lambda: calls.lines("acquire_leadership"), 30)
    count = len(calls.lines("seconds"))
    wait_until(lambda: len(calls.lines("seconds")) > count + 8, 30, "all calls end")
    return max(float(line.split()[1]) for line in calls.lines("seconds"))


@pytest.fixture
def only_connection(redis_server: Redis, settings: Settings) -> Iterator[None]:
    """Our own client is one of that Redis, and has one connection in all."""
    settings.REDIS_URL = redis_server.url
    store.client.cache_clear()
    store.client().connection_pool.max_connections = 1
    yield
    store.client.cache_clear()


@pytest.mark.usefixtures("only_connection")
def test_redis_falls_silent_in_the_middle_of_a_publication(redis_server: Redis, figure: Figure) -> None:
    """That costs one time-out, and not the connection."""
    change = Change(datetime.now(UTC), {}, {})

    def decide(memory: Memory) -> Change:
        redis_server.freeze()
        return change

    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="Timeout"):
        store.update_board(decide)
    figure("given up after", took := time.monotonic() - began, "s")
    assert took <= LONGEST_CALL / 2
    redis_server.thaw()
    time.sleep(SILENCE)
    assert store.update_board(lambda _: change).snapshot == store.load_snapshot()


def test_redis_is_emptied_every_10_seconds_for_a_minute(run: Run, redis_server: Redis, figure: Figure) -> None:
    running = run()
    before = redis_server.connections(), running.web.handles(), running.worker.handles()
    worst = 0.0

    def empty() -> None:
        nonlocal worst
        redis_server.client.flushall()
        worst = max(worst, running.clients.wait_fresh(time.time(), DEAF))

    repeat(empty, times=6, every=10)
    figure("longest deafness", worst, "s")
    assert_flat(running, redis_server, before, figure)
    assert not running.clients.closes()


def test_redis_is_restarted_20_times_in_a_minute(run: Run, redis_server: Redis, figure: Figure) -> None:
    running = run()
    time.sleep(5)
    before = redis_server.connections(), running.web.handles(), running.worker.handles()

    def restart() -> None:
        redis_server.kill()
        redis_server.start()

    repeat(restart, times=20, every=3)
    healed(running, time.time(), figure, DEAF)
    assert_flat(running, redis_server, before, figure)


def assert_flat(running: Running, redis_server: Redis, before: tuple[int, int, int], figure: Figure) -> None:
    """Neither handles nor connections have become more; a few come and go with each moment."""
    time.sleep(5)
    after = redis_server.connections(), running.web.handles(), running.worker.handles()
    for name, now, then in zip(("connections", "handles of web", "handles of worker"), after, before, strict=True):
        figure(name, now - then, f"more than the {then} before")
        assert now - then <= 5


@pytest.mark.parametrize("limit", ["maxmemory", "min-replicas-to-write"])
def test_redis_refuses_to_write_for_70_seconds(limit: str, run: Run, redis_server: Redis, figure: Figure) -> None:
    """One byte of memory is too little for anything; a replica that is missing makes it refuse all writes."""
    running = run()
    watch = Watch(running.system)
    redis_server.client.config_set(limit, "1")
    watch.during(70)
    assert not watch.failed
    assert 'data-state="delayed"' in running.system.get("/")[1]
    for process in (running.web, running.worker):
        for line in (complaints := process.lines("WARNING|ERROR")):
            assert sum(line[9:] == other[9:] for other in complaints) <= 2, complaints
    figure("lines of the worker's log", len(running.worker.lines("WARNING|ERROR")))
    redis_server.client.config_set(limit, "0")
    healed(running, time.time(), figure, 10)
