"""The name server hangs while Redis has to be looked up: nothing waits for it as long as the system's library would."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.clients import Clients
from tests.faults.conftest import Figure
from tests.faults.processes import Redis, System
from tests.faults.running import Watch

HOSTS = "127.0.0.1 localhost"
KNOWN = f"{HOSTS} redis-host"
NAME_SERVER = "127.0.0.9"


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Path]:
    """The `/etc/hosts` of processes that find all other names at a server which never answers."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        pytest.skip("a process cannot have its own name server here (needs root)")
    (tmp_path / "resolv.conf").write_text(f"nameserver {NAME_SERVER}\n")
    path = tmp_path / "hosts"
    path.write_text(KNOWN)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((NAME_SERVER, 53))
        yield path


def test_a_name_server_hangs_while_redis_is_looked_up(
    hosts: Path, build: Callable[..., System], listen: Callable[..., Clients], redis_server: Redis, figure: Figure
) -> None:
    mounts = [f"mount --bind {path} /etc/{path.name}" for path in (hosts, hosts.with_name("resolv.conf"))]
    within = ["unshare", "-m", "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh"]
    system = build(f"redis://redis-host:{redis_server.port}/0")
    system.start("web", within=within)
    system.start("worker", within=within)
    system.wait_fresh()
    clients, watch = listen(system, 20), Watch(system)
    watch.look()
    hosts.write_text(HOSTS)
    redis_server.kill()
    redis_server.start()
    watch.during(20)
    figure("longest answer", watch.slowest, "s")
    assert not watch.failed
    assert watch.slowest < 6
    hosts.write_text(KNOWN)
    figure("fresh after", clients.wait_fresh(time.time(), 10), "s")
    assert not clients.closes()
