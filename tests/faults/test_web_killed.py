"""A web process with 500 sockets is killed: they come back spread, and no page is left wrong."""

import json
import re
import time
from collections.abc import Callable

from tests.faults.clients import BackOff, Clients
from tests.faults.conftest import Figure
from tests.faults.processes import ROOT, System

SOCKETS = 500


def test_all_sockets_come_back_without_a_crush(
    build: Callable[..., System], listen: Callable[..., Clients], figure: Figure
) -> None:
    system = build()
    web = system.start("web")
    system.start("worker")
    system.wait_fresh()
    clients = listen(system, SOCKETS, policy=BackOff, spread=3.0)
    time.sleep(BackOff.GOOD_AFTER)
    web.end()
    killed = time.monotonic()
    time.sleep(1)
    system.start("web")
    system.wait_answers()
    away = time.monotonic() - killed
    while clients.count_open() < SOCKETS or len(clients.attempts) < 2 * SOCKETS:
        assert time.monotonic() - killed < away + BackOff.LONGEST_WAIT / 2 + 5, (
            f"{clients.count_open()} of {SOCKETS} are back"
        )
        time.sleep(0.05)
    figure("all back after", time.monotonic() - killed, "s")
    busiest = clients.busiest_second(killed)
    figure("most handshakes in a second", busiest)
    # Each second a tenth of all, and a tenth of those who have come in vain so far; by chance a few more.
    rate = SOCKETS / BackOff.SPREAD * (1 + min(away, BackOff.SPREAD) / BackOff.SPREAD)
    assert busiest <= rate + 5 * rate**0.5
    assert_pages_right(clients, system)


def assert_pages_right(clients: Clients, system: System) -> None:
    """Every client shows the same board as every other one that is at the same publication, and as the API."""
    clients.wait_fresh(time.time(), 5)
    time.sleep(0.3)
    assert clients.gaps() == 0
    shown = {(client.epoch, client.seq): client.rates for client in clients.clients}
    assert all(shown[client.epoch, client.seq] == client.rates for client in clients.clients)
    epoch, seq = max(shown, key=lambda board: board[1])
    assert {board for board in shown if board[0] != epoch or board[1] < seq - 1} == set()
    served = json.loads(system.get("/api/rates")[1])
    if served["seq"] == seq:
        assert shown[epoch, seq] == {rate["symbol"]: rate for rate in served["rates"]}


def test_the_policy_is_that_of_the_page() -> None:
    script = (ROOT / "dashboard/static/dashboard/js/rates-socket.js").read_text()
    assert re.search(r"firstWait = (\d+), longestWait = (\d+), stableAfter = (\d+)", script).groups() == (  # type: ignore[union-attr]
        f"{BackOff.SPREAD:.0f}",
        f"{BackOff.LONGEST_WAIT:.0f}",
        f"{BackOff.GOOD_AFTER:.0f}",
    )
    assert "Math.random() * Math.min(longestWait, Math.max(firstWait, 2 ** failures++))" in script
    assert "requested * (1 + Math.random())" in script
