"""
PostgreSQL cannot be used, in every way that was met, and prices go on: from a worker and a stream, running or new.

Both have a Redis of their own, and ask the database at one address; what is there changes from fault to fault.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from tests.faults.conftest import Figure
from tests.faults.postgres import Bouncer, Postgres
from tests.faults.processes import START, Process, Redis, System, wait_until
from tests.ports import free_port
from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko

INTERVAL = 1.0
# Seconds that the board may be old: what is promised, and what a busy machine may take for a tick.
OLDEST, BUSY = INTERVAL + 3, 1.0
# Longer than a database that failed is left alone.
LOOK_FOR = 7.0
TOLD = "the coin list cannot be read, the last one is used"
BACK = "the coin list can be read again"


@dataclass
class Publisher:
    """One system whose prices come from *process* alone; *beat* sends its ticks, if it takes any."""

    system: System
    redis_server: Redis
    kind: str
    process: Process

    def age(self) -> float:
        """Return how old its board is."""
        header = self.redis_server.client.get("rates:board")
        as_of = header.partition('"as_of": "')[2].partition('"')[0]
        return time.time() - datetime.fromisoformat(as_of).timestamp()

    def wait_published(self) -> float:
        """Wait for a board of later than now; return the seconds."""
        began = time.time()
        wait_until(lambda: self.age() < time.time() - began, START, f"a board of the {self.kind}")
        return time.time() - began

    def lose_child(self) -> None:
        """Kill what makes the prices; a stream has no child and is killed itself."""
        if self.kind == "stream":
            self.restart()
        else:
            (child,) = self.process.children()
            os.kill(child, signal.SIGKILL)

    def restart(self) -> None:
        """Kill the process and start it again."""
        self.process.end()
        self.process = self.system.start(self.kind)


@dataclass
class Deployment:
    """Two publishers and their database: at `port` answers PostgreSQL itself, or a PgBouncer before it."""

    folder: Path
    publishers: list[Publisher]
    server: Postgres
    port: int
    inner: int

    def move(self, port: int) -> None:
        """Let PostgreSQL answer at *port*."""
        self.server.stop()
        self.server.port = port
        self.server.start()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.server.stop()
        yield
        self.server.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        self.server.process.freeze()
        yield
        self.server.process.thaw()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """No role may log in, and who is there is thrown out."""
        rules = self.server.data / "data/pg_hba.conf"
        kept = rules.read_text()
        rules.write_text("host all all 127.0.0.1/32 reject\n")
        with psycopg.connect(self.server.url) as staff:
            staff.execute("SELECT pg_reload_conf()")
            staff.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        yield
        rules.write_text(kept)
        self.server.control("reload")

    @contextmanager
    def used_up(self) -> Iterator[None]:
        """Two clients of PgBouncer hold its two connections, in transactions that they leave open."""
        with self.behind_bouncer() as bouncer, psycopg.connect(bouncer.url) as one, psycopg.connect(bouncer.url) as two:
            one.execute("SELECT 1")
            two.execute("SELECT 1")
            yield

    @contextmanager
    def dead_behind_bouncer(self) -> Iterator[None]:
        with self.behind_bouncer():
            self.server.stop()
            yield
            self.server.start()

    @contextmanager
    def behind_bouncer(self) -> Iterator[Bouncer]:
        self.move(self.inner)
        bouncer = Bouncer(self.folder, self.port, self.inner)
        try:
            time.sleep(INTERVAL)
            yield bouncer
        finally:
            bouncer.end()
            self.move(self.port)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory, database: Path) -> Iterator[Deployment]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("databases")
        server = Postgres(folder)
        stack.callback(server.end)
        market = stack.enter_context(CoinGecko(moves=True))
        exchange = stack.enter_context(Binance(moves=True))
        publishers = []
        for kind in ("plain_worker", "stream"):
            (folder / kind).mkdir()
            redis_server = Redis(folder / kind)
            stack.callback(redis_server.process.end)
            system = stack.enter_context(
                System(
                    folder / kind, redis_server.url, database, DATABASE_URL=server.url, RATES_SOURCES="coingecko",
                    COINGECKO_API_URL=market.url, RATES_STREAM="binance", BINANCE_STREAM_URL=exchange.url,
                )
            )  # fmt: skip
            if not publishers:
                system.manage("migrate", "--verbosity", "0")
                system.manage("seed_coins")
                system.start("beat")
            publishers.append(Publisher(system, redis_server, kind, system.start(kind)))
        for publisher in publishers:
            wait_until(lambda p=publisher: p.redis_server.client.exists("rates:board"), START, "a board")
        yield Deployment(folder, publishers, server, server.port, free_port())


FAULTS = ("stopped", "used_up") if not os.environ.get("DATABASE_FAULTS") else (
    "stopped", "frozen", "refusing", "used_up", "dead_behind_bouncer"
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_prices_outlive_the_database(fault: str, deployment: Deployment, figure: Figure) -> None:
    publishers = deployment.publishers
    for publisher in publishers:
        publisher.wait_published()
    with getattr(deployment, fault)():
        for step in ("running", "child killed", "started new"):
            if step != "running":
                for publisher in publishers:
                    publisher.lose_child() if step == "child killed" else publisher.restart()
                for publisher in publishers:
                    figure(f"{publisher.kind} {step}: published after", publisher.wait_published(), "s")
            for publisher, oldest in zip(publishers, watch(publishers, LOOK_FOR), strict=True):
                figure(f"{publisher.kind} {step}: oldest board", oldest, "s")
                assert oldest < OLDEST + BUSY
        for publisher in publishers:
            assert len(publisher.process.lines(TOLD)) == 1, publisher.process.said
    for publisher in publishers:
        wait_until(lambda p=publisher: p.process.lines(BACK), 30, "the list is read again")
        assert not publisher.process.lines("Traceback")


def watch(publishers: list[Publisher], seconds: float) -> list[float]:
    """Return how old the board of each got within so many *seconds*."""
    until, oldest = time.monotonic() + seconds, [0.0 for _ in publishers]
    while time.monotonic() < until:
        oldest = [max(age, publisher.age()) for age, publisher in zip(oldest, publishers, strict=True)]
        time.sleep(0.1)
    return oldest
