"""Of several workers, beats and streams one does the work, also when it is killed: nothing twice, nothing left out."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.faults.conftest import Figure
from tests.faults.processes import Process, Redis, System, reports, wait_until
from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko

SLOTS = 100
KILLED_AFTER = 40


def publications(redis_server: Redis, until: float) -> Iterator[int]:
    """Yield the slot of every publication, as they come."""
    with redis_server.client.pubsub(ignore_subscribe_messages=True) as subscriber:
        subscriber.subscribe("rates_update")
        while (left := until - time.time()) > 0:
            if subscriber.get_message(timeout=left):
                yield int(time.time())


def test_one_call_and_one_publication_per_slot_while_one_of_three_workers_is_killed(
    build: Callable[..., System], market: CoinGecko, redis_server: Redis, figure: Figure
) -> None:
    system = build()
    workers = [system.start("worker") for _ in range(3)]
    wait_until(lambda: all(len(worker.children()) >= 2 for worker in workers), 60, "child and beat of every worker")
    wait_until(lambda: market.calls >= 3, 60, "ticks")
    first = int(time.time()) + 2
    published: Counter[int] = Counter()
    for slot in publications(redis_server, first + SLOTS + 0.5):
        published[slot] += 1
        if slot >= first + KILLED_AFTER and workers[0].popen.poll() is None:
            workers[0].kill()
    asked = Counter(int(call.at) for call in market.requests)
    slots = range(first, first + SLOTS)
    figure("slots with one call", sum(asked[slot] == 1 for slot in slots))
    figure("slots with one publication", sum(published[slot] == 1 for slot in slots))
    assert workers[0].popen.poll() is not None
    assert {slot: asked[slot] for slot in slots if asked[slot] != 1} == {}
    assert {slot: published[slot] for slot in slots if published[slot] != 1} == {}


@pytest.fixture
def exchange(stack: ExitStack) -> Binance:
    """A Binance whose prices move, to stream from."""
    return stack.enter_context(Binance(moves=True))


def start_two_streams(system: System, redis_server: Redis, exchange: Binance) -> Process:
    """Start two `stream_rates`, and return the active one when the other one waits."""
    active = system.start("stream")
    wait_until(lambda: exchange.calls, 60, "a connection")
    waiting = system.start("stream")
    wait_until(lambda: reports(redis_server, waiting), 60, "both")
    return active


def test_killed_stream_is_replaced(
    build: Callable[..., System], exchange: Binance, redis_server: Redis, figure: Figure
) -> None:
    active = start_two_streams(build(RATES_STREAM="binance", BINANCE_STREAM_URL=exchange.url), redis_server, exchange)
    assert exchange.calls == 1
    active.kill()
    killed = time.monotonic()
    wait_until(lambda: exchange.calls == 2, 10, "a connection of the other one")
    figure("taken over after", time.monotonic() - killed, "s")


@pytest.mark.parametrize("fault", ["418", "451"])
def test_killed_stream_leaves_its_pause_behind(
    fault: str, build: Callable[..., System], exchange: Binance, redis_server: Redis
) -> None:
    exchange.fault = fault
    active = start_two_streams(build(RATES_STREAM="binance", BINANCE_STREAM_URL=exchange.url), redis_server, exchange)
    wait_until(lambda: redis_server.client.hexists("rates:sources", "binance stream"), 10, "the pause")
    active.kill()
    holder = redis_server.client.get("rates:stream")
    wait_until(lambda: redis_server.client.get("rates:stream") not in (None, holder), 10, "another holder")
    time.sleep(2)
    assert exchange.calls == 1
    until = json.loads(redis_server.client.hget("rates:sources", "binance stream"))["paused_until"]
    assert until - time.time() > 60
