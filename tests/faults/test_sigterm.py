"""SIGTERM: every process ends cleanly, soon, and leaves nothing behind; every socket is told to come back."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.faults.clients import Clients
from tests.faults.conftest import Figure
from tests.faults.processes import BIN, ROOT, START, Process, Redis, System, deployment_environment, pids, wait_until
from tests.ports import free_port
from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko

Build, Listen = Callable[..., System], Callable[..., Clients]
WITHIN = 10.0


def end(process: Process, figure: Figure) -> None:
    """Ask *process* to end; it must do so in time, with exit code 0, and leave nobody of its group."""
    took = process.terminate(WITHIN)
    figure("ended after", took, "s")
    assert process.popen.returncode == 0
    wait_until(lambda: not process.family(), WITHIN - took, "nobody of its group is left")
    assert process.lines("Traceback|Exception|ERROR") == []


@pytest.mark.parametrize(("server", "count"), [("web", 1), ("web", 2), ("daphne", 1)])
def test_web_says_goodbye_to_500_sockets(server: str, count: int, build: Build, listen: Listen, figure: Figure) -> None:
    system = build()
    web = system.start(server, WEB_CONCURRENCY=str(count))
    system.start("worker")
    system.wait_fresh()
    clients = listen(system, 500, spread=3.0)
    end(web, figure)
    wait_until(lambda: sum(clients.closes().values()) == 500, 10, "all are closed")
    figure("sockets closed with 1012", clients.closes()[1012])
    assert clients.closes() == {1012: 500}
    byes = [client.heard[-1].frame for client in clients.clients]
    assert {bye["type"] for bye in byes} == {"bye"}
    assert len({bye["retry_ms"] for bye in byes}) > 100


@pytest.mark.parametrize("fault", ["", "hang"])
def test_worker_with_beat_ends_also_in_the_middle_of_a_fetch(
    fault: str, build: Build, market: CoinGecko, figure: Figure
) -> None:
    worker = build(RATES_REFRESH_INTERVAL="5").start("worker")
    wait_until(lambda: market.calls >= 1, 60)
    market.fault = fault
    calls = market.calls
    wait_until(lambda: market.calls > calls, 20)
    end(worker, figure)


@pytest.mark.parametrize("name", ["plain_worker", "beat"])
def test_worker_and_beat_of_their_own_end(name: str, build: Build, redis_server: Redis, figure: Figure) -> None:
    process = build().start(name)
    started = {"plain_worker": lambda: len(process.children()) == 1, "beat": lambda: redis_server.client.keys("*")}
    wait_until(started[name], 60)
    end(process, figure)


def test_stream_ends_and_frees_its_lock(build: Build, redis_server: Redis, stack: ExitStack, figure: Figure) -> None:
    exchange = stack.enter_context(Binance(moves=True))
    stream = build(RATES_STREAM="binance", BINANCE_STREAM_URL=exchange.url).start("stream")
    wait_until(lambda: redis_server.client.exists("rates:board"), 60)
    end(stream, figure)
    assert not redis_server.client.exists("rates:stream")
    wait_until(lambda: not exchange.connections, 2)


def processes_in(folder: Path) -> dict[int, str]:
    """Return the command lines of the processes that run from *folder*."""
    found = {}
    for pid in pids():
        with suppress(OSError):
            path = Path(f"/proc/{pid}")
            if (path / "cwd").resolve().is_relative_to(folder) and (command := (path / "cmdline").read_text()):
                found[pid] = command.replace("\0", " ")
    return found


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A clone of the project that uses this one's virtual environment."""
    folder = tmp_path / "project"
    for part in ("config", "rates", "dashboard", "templates"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("manage.py", "Procfile", "Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(BIN.parent)
    yield folder
    for pid in processes_in(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_make_run_ends_as_a_whole(
    number: int, project: Path, tmp_path: Path, stack: ExitStack, market: CoinGecko, figure: Figure
) -> None:
    exchange = stack.enter_context(Binance(moves=True))
    port = free_port()
    settings = {
        "PORT": str(port),
        "RATES_SOURCES": "coingecko",
        "COINGECKO_API_URL": market.url,
        "RATES_STREAM": "binance",
        "BINANCE_STREAM_URL": exchange.url,
    }
    environment = {name: value for name, value in deployment_environment().items() if name != "REDIS_URL"}
    make = Process("make", ["make", "run"], tmp_path, environment | settings, project)
    stack.callback(make.end)
    wait_until(lambda: make.lines("Open http"), 4 * START, "the address")
    clients = stack.enter_context(Clients(f"127.0.0.1:{port}", 50))
    clients.wait_served()
    began = time.monotonic()
    # Ctrl-C reaches the whole group of the terminal, `kill` only whom it names.
    (make.signal if number == signal.SIGTERM else make.signal_group)(number)
    make.popen.wait(WITHIN)
    wait_until(lambda: processes_in(project) == {}, WITHIN - (time.monotonic() - began), "nothing is left")
    figure("ended after", time.monotonic() - began, "s")
    wait_until(lambda: sum(clients.closes().values()) == 50, 10, "all are closed")
    assert clients.closes() == {1012: 50}
    assert make.lines("Traceback|ERROR") == []
