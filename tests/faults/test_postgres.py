"""The tables on a real PostgreSQL, and prices beside one that answers nothing."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.faults.admin import Staff
from tests.faults.clients import Clients
from tests.faults.conftest import Figure
from tests.faults.postgres import Postgres
from tests.faults.processes import System, wait_until
from tests.faults.proxy import Proxy
from tests.faults.running import wait_phase
from tests.faults.test_disk import assert_prices_go_on, assert_quiet
from tests.test_upgrades import check_migrations

Build, Listen = Callable[..., System], Callable[..., Clients]
# Seconds: an interval, and the time-out of a connection to the database.
NOMINAL = 1 + 2


@pytest.fixture
def database_server(tmp_path: Path, stack: ExitStack) -> Postgres:
    server = Postgres(tmp_path)
    stack.callback(server.end)
    return server


def test_tables_go_back_to_nothing_and_come_again(database_server: Postgres) -> None:
    check_migrations(database_server.url)


def start(build: Build, database_url: str, **settings: str) -> System:
    system = build(DATABASE_URL=database_url, **settings)
    system.manage("migrate", "--verbosity", "0")
    system.manage("seed_coins")
    system.start("web")
    system.start("worker")
    system.wait_fresh()
    return system


def test_prices_go_on_while_the_table_is_locked_and_staff_wait_for_it(
    build: Build, listen: Listen, database_server: Postgres, figure: Figure
) -> None:
    """As by a migration that stands behind a transaction which somebody has left open."""
    system = start(build, database_server.url)
    staff, clients = Staff.log_in(system), listen(system, 5)
    with psycopg.connect(database_server.url) as somebody, ThreadPoolExecutor(1) as thread:
        somebody.execute("LOCK TABLE rates_coin IN ACCESS EXCLUSIVE MODE")
        edit = thread.submit(staff.switch, "XLM", on=False)
        assert_prices_go_on(system, clients, figure)
        assert not edit.done()
        somebody.rollback()
        assert edit.result()[0] == 200
    wait_until(lambda: "XLM" not in clients.clients[0].rates, 10, "the edit is on the board")
    assert_quiet(*system.processes)


def test_prices_go_on_while_every_packet_is_dropped(
    build: Build, listen: Listen, database_server: Postgres, stack: ExitStack, figure: Figure
) -> None:
    way = stack.enter_context(Proxy(database_server.port))
    system = start(build, database_server.url.replace(str(database_server.port), str(way.port)))
    clients = listen(system, 5)
    # Between two ticks: a query that is under way would wait for ever behind this proxy, whose kernel acknowledges it.
    wait_phase(1.0, 0.5)
    way.cut()
    assert_prices_go_on(system, clients, figure, NOMINAL + 1)
    way.mend()
    assert_quiet(*system.processes)


def test_sessions_are_refused_soon_while_nobody_can_look_them_up(
    build: Build, database_server: Postgres, stack: ExitStack, figure: Figure
) -> None:
    way = stack.enter_context(Proxy(database_server.port))
    url = database_server.url.replace(str(database_server.port), str(way.port))
    system = start(build, url, RATES_WS_AUTH="jwt")
    with psycopg.connect(database_server.url) as somebody:
        somebody.execute("LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE")
        figure("table locked, longest of 10 handshakes", assert_refused(system), "s")
    way.cut()
    figure("packets dropped, longest of 10 handshakes", assert_refused(system), "s")
    status, page = system.get("/admin/", timeout=5)
    assert (status, "The database is unavailable" in page) == (503, True)
    assert_quiet(*system.processes)


def assert_refused(system: System) -> float:
    """Show ten sessions at once; return the seconds until the last one was refused."""

    def show_session(number: int) -> None:
        cookie = {"Cookie": f"sessionid=guessed{number}"}
        with pytest.raises(InvalidStatus, match="503"):
            connect(f"ws://{system.address}/ws/rates", additional_headers=cookie, proxy=None, open_timeout=30)

    began = time.monotonic()
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(show_session, range(10)))
    took = time.monotonic() - began
    assert took < 5
    return took
