"""The data folder is full, or the database is gone: prices go on, and the admin says what is wrong."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.admin import LIST, Staff
from tests.faults.clients import Clients
from tests.faults.conftest import Figure
from tests.faults.processes import Process, Redis, System, wait_until
from tests.faults.running import wait_phase

Build, Listen = Callable[..., System], Callable[..., Clients]


def fill(folder: Path) -> Path:
    """Leave no byte in *folder*."""
    path = folder / "filling"
    with path.open("ab", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return path
    raise AssertionError("the disk takes everything")


def last_dump(redis_server: Redis) -> str:
    return str(redis_server.client.info("persistence")["rdb_last_bgsave_status"])


def test_the_data_folder_is_full(
    build: Build, listen: Listen, small_disk: Path, redis_server: Redis, figure: Figure
) -> None:
    """Database and Redis' dump are in it; `make run` has both in `var/`, and lets Redis go on without a dump."""
    redis_server.client.config_set("dir", str(small_disk))
    redis_server.client.config_set("stop-writes-on-bgsave-error", "no")
    redis_server.client.config_set("save", "1 1")
    database = small_disk / "db.sqlite3"
    system = build(DATABASE_URL=f"sqlite:///{database}")
    shutil.copy(system.folder / "db.sqlite3", database)
    web, worker = system.start("web"), system.start("worker")
    system.wait_fresh()
    staff = Staff.log_in(system)
    clients = listen(system, 20)
    filling = fill(small_disk)
    # What a connection holds of the database is free again when it is closed.
    wait_until(lambda: fill(small_disk) and last_dump(redis_server) == "err", 30, "no dump")
    status, page = staff.switch("XLM", on=False)
    figure("answer of the admin", status)
    assert "The database is unavailable" in page
    assert "disk" in page
    assert_prices_go_on(system, clients, figure)
    filling.unlink()
    wait_until(lambda: staff.switch("XLM", on=False)[0] == 200, 10, "the admin saves again")
    wait_until(lambda: "XLM" not in clients.clients[0].rates, 10, "the edit is on the board")
    assert_quiet(web, worker)
    assert not clients.closes()


def test_the_database_is_gone(build: Build, listen: Listen, figure: Figure) -> None:
    system = build()
    web, worker = system.start("web"), system.start("worker")
    system.wait_fresh()
    staff = Staff.log_in(system)
    clients = listen(system, 20)
    # Between two ticks: one that is under way removes or makes files beside it.
    wait_phase(1.0, 0.5)
    files = [path for path in system.folder.glob("db.sqlite3*") if path.is_file()]
    for path in files:
        path.rename(path.with_name(f"away-{path.name}"))
    (system.folder / "db.sqlite3").mkdir()
    status, page = staff.get(LIST)
    figure("answer of the admin", status)
    assert "The database is unavailable" in page
    assert "unable to open database file" in page
    assert_prices_go_on(system, clients, figure)
    assert staff.get("/")[0] == 200
    (system.folder / "db.sqlite3").rmdir()
    for path in files:
        path.with_name(f"away-{path.name}").rename(path)
    wait_until(lambda: staff.switch("XLM", on=False)[0] == 200, 10, "the admin works again")
    wait_until(lambda: "XLM" not in clients.clients[0].rates, 10, "the edit is on the board")
    assert_quiet(web, worker)
    assert not clients.closes()


def assert_prices_go_on(system: System, clients: Clients, figure: Figure, within: float = 3) -> None:
    """Ten times a fresh board comes *within* so many seconds, and the last is not that of before."""
    before = clients.clients[0].rates["BTC"]["price"]
    slowest = 0.0
    for _ in range(10):
        slowest = max(slowest, clients.wait_fresh(time.time(), within))
        time.sleep(0.5)
    figure("longest wait for a fresh board", slowest, "s")
    assert clients.clients[0].rates["BTC"]["price"] != before
    assert system.get("/")[0] == 200
    assert system.get("/readyz")[0] == 200


def assert_quiet(*processes: Process) -> None:
    """What went wrong was said in a few lines."""
    for process in processes:
        assert process.lines("Traceback") == []
        assert len(process.lines("WARNING|ERROR")) < 10, process.said
