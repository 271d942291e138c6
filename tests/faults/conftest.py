"""
What every fault test gets: real processes with a Redis of their own, and a place for its figures.

`make test-faults` runs this folder; a plain `make test` leaves it out. A test notes what it measured with
`figure("fresh after", 2.34, "s")`, and the figures are printed at the end of the run.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.databases import made_once
from tests.faults.clients import Clients
from tests.faults.processes import Redis, System, deployment_environment, lift_file_limit, manage
from tests.faults.proxy import Proxy
from tests.faults.running import Running
from tests.stand_ins.coingecko import CoinGecko

HERE = Path(__file__).parent
Figure = Callable[..., None]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder; those that wait for whole minutes begin first."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("faults")
    items.sort(key=lambda item: item.path != HERE / "test_history.py")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    """Show beside a failure what the processes have said last."""
    report = yield
    if report.when == "call" and report.failed:
        arguments = item.funcargs  # type: ignore[attr-defined]
        folder = arguments["deployment"].folder if "deployment" in arguments else arguments["tmp_path"]
        for log in sorted(folder.rglob("*.log")):
            report.sections.append((log.name, "\n".join(log.read_text(errors="replace").splitlines()[-60:])))
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the figures."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.getreports(kind) if r.when == "call"]
    lines = [
        f"{report.nodeid.rpartition('::')[2].removeprefix('test_').replace('_', ' ')}: "
        + ", ".join(f"{name} {value}" for name, value in report.user_properties)
        for report in sorted(reports, key=lambda report: report.nodeid)
        if report.user_properties
    ]
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Note a figure: name, value, unit."""

    def note(name: str, value: float | str, unit: str = "") -> None:
        shown = value if isinstance(value, str) else f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
        record_property(name, f"{shown} {unit}".strip())

    return note


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite with the default coins, to be copied."""
    return made_once(tmp_path_factory, "default.sqlite3", make_database)


def make_database(path: Path) -> None:
    environment = deployment_environment() | {"DATABASE_URL": f"sqlite:///{path}"}
    for command in (["migrate", "--verbosity", "0"], ["seed_coins"]):
        manage(environment, *command)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What is entered here ends with the test, last first."""
    lift_file_limit()
    with ExitStack() as entered:
        yield entered


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that holds 8 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def redis_server(tmp_path: Path, stack: ExitStack) -> Redis:
    """A Redis of the test's own."""
    server = Redis(tmp_path)
    stack.callback(lambda: server.process.end())
    return server


@pytest.fixture
def proxy(redis_server: Redis, stack: ExitStack) -> Proxy:
    """The way to that Redis, to be cut."""
    return stack.enter_context(Proxy(redis_server.port))


@pytest.fixture
def market(stack: ExitStack) -> CoinGecko:
    """A CoinGecko whose prices move."""
    return stack.enter_context(CoinGecko(moves=True))


@pytest.fixture
def build(
    tmp_path: Path, stack: ExitStack, database: Path, redis_server: Redis, market: CoinGecko
) -> Callable[..., System]:
    """Make a system: ``build()`` on the test's Redis, or ``build(redis_url=..., RATES_REFRESH_INTERVAL="0.5")``."""

    def make(redis_url: str = "", **settings: str) -> System:
        sources = {"RATES_SOURCES": "coingecko", "COINGECKO_API_URL": market.url}
        return stack.enter_context(System(tmp_path, redis_url or redis_server.url, database, **sources | settings))

    return make


@pytest.fixture
def listen(stack: ExitStack) -> Callable[..., Clients]:
    """Open sockets: ``listen(system, 20)``; returns when each has a board."""

    def open_all(system: System, count: int, **options: Any) -> Clients:
        clients = stack.enter_context(Clients(system.address, count, **options))
        clients.wait_served()
        return clients

    return open_all


@pytest.fixture
def run(build: Callable[..., System], listen: Callable[..., Clients]) -> Callable[..., Running]:
    """Start web and worker and 20 sockets: ``run(redis_url=..., sockets=500)``; returns when prices are fresh."""

    def start(redis_url: str = "", sockets: int = 20, **settings: str) -> Running:
        system = build(redis_url, **settings)
        web, worker = system.start("web"), system.start("worker")
        system.wait_fresh()
        return Running(system, web, worker, listen(system, sockets))

    return start
