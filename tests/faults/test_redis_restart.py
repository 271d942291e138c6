"""Redis is killed and comes back empty: nobody loses a socket, and prices are fresh soon after."""

import time
from collections.abc import Callable

import pytest

from tests.faults.clients import Clients
from tests.faults.conftest import Figure
from tests.faults.processes import Redis, System


@pytest.mark.parametrize("away", [3])
def test_redis_killed(
    away: int, build: Callable[..., System], listen: Callable[..., Clients], redis_server: Redis, figure: Figure
) -> None:
    system = build()
    system.start("web")
    system.start("worker")
    system.wait_fresh()
    clients = listen(system, 20)
    redis_server.kill()
    time.sleep(away)
    redis_server.start()
    back = time.time()
    figure("fresh after", clients.wait_fresh(back, 10), "s")
    assert not clients.closes()
