"""The active stream is killed: another one takes over, and no price is stale meanwhile."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import pairwise

from tests.faults.clients import Clients
from tests.faults.conftest import Figure
from tests.faults.processes import START, Redis, System, reports, wait_until
from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko


def test_another_stream_takes_over_and_polling_covers_the_gap(
    build: Callable[..., System], listen: Callable[..., Clients], stack: ExitStack, market: CoinGecko,
    redis_server: Redis, figure: Figure,
) -> None:  # fmt: skip
    exchange = stack.enter_context(Binance(moves=True))
    system = build(RATES_STREAM="binance", BINANCE_STREAM_URL=exchange.url)
    system.start("web")
    system.start("worker")
    active = system.start("stream")
    wait_until(lambda: active.lines("this process streams: binance"), 60)
    waiting = system.start("stream")
    system.wait_fresh()
    clients = listen(system, 5)
    wait_until(lambda: reports(redis_server, waiting) and market.calls, START, "the other stream and the worker are up")
    time.sleep(5)
    active.kill()
    killed, killed_at = time.monotonic(), time.time()
    wait_until(lambda: waiting.lines("this process streams: binance"), 10, "the other one streams")
    figure("taken over after", time.monotonic() - killed, "s")
    wait_until(lambda: exchange.connections, 5)
    time.sleep(3)
    heard = [heard for heard in list(clients.clients[0].heard) if heard.as_of >= killed_at]
    figure("longest time without a board", max(b.at - a.at for a, b in pairwise(heard)), "s")
    assert not [rate for item in heard for rate in item.frame.get("rates", ()) if rate["stale"]]
    assert max(b.at - a.at for a, b in pairwise(heard)) < 3
    assert not clients.closes()
