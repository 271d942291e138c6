"""
20,000 sockets behind one nginx while both web processes are replaced: `python -m benchmarks.rolling_restart`.

    sockets, as many in each of 2 processes ─► nginx (`deploy/nginx.conf`, without TLS) ─► web at 127.0.0.11, .12, …

Each web is replaced by a new one beside it: that is ready, the name server tells nginx of it and no longer of the old
one, and the old one gets SIGTERM. Sockets come back as those of a page. One publication every 5 seconds. The argument
is another number of sockets. Prints how many sockets each step closed and when all were back; and at the end, which
boards they have, and how many updates any of them missed unseen.
"""

import asyncio
import json
import multiprocessing
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.fan_out import cpu_seconds, memory_kb, redis_server
from tests.faults.clients import BackOff
from tests.faults.names import NameServer
from tests.faults.processes import lift_file_limit
from tests.nginx import ROOT, local_configuration
from tests.ports import free_port

SOCKETS = 20_000
INTERVAL = 5.0
# Handshakes a second of each crowd, at the start.
OPENING_RATE = 400
CROWDS = 2
# nginx tells a changed address within this time: `valid=` in its configuration.
NAME_VALID = 6.0
LONGEST = 180.0
# Of Linux; the module `socket` does not name it.
IP_BIND_ADDRESS_NO_PORT = 24
HANDSHAKE = (
    b"GET /ws/rates HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: rates.v1\r\n\r\n"
)
PONG = bytes([0x8A, 0x80, 1, 2, 3, 4])


class Visitor(asyncio.Protocol):
    """One socket that comes back."""

    def __init__(self, crowd: "Crowd") -> None:
        self.crowd, self.policy = crowd, BackOff()
        self.seq, self.gaps, self.lost_at = 0, 0, time.monotonic()
        self.open = False

    def connection_made(self, transport: Any) -> None:
        """Ask for the socket."""
        self.transport, self.buffer, self.code = transport, b"", 1006
        transport.write(HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        """Read the handshake, and then frames."""
        self.buffer += data
        if not self.open:
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            status = head.split(b" ", 2)[1].decode()
            self.crowd.statuses[status] += 1
            if status != "101":
                self.transport.close()
                return
            self.open, self.buffer = True, rest
            self.crowd.closed.append(time.monotonic() - self.lost_at)
            self.policy.opened()
        while self.take_frame():
            pass

    def take_frame(self) -> bool:
        """Take one whole frame from the buffer."""
        if len(self.buffer) < 4:
            return False
        size, start = self.buffer[1], 2
        if size == 126:
            size, start = int.from_bytes(self.buffer[2:4], "big"), 4
        end = start + size
        if len(self.buffer) < end:
            return False
        kind, payload, self.buffer = self.buffer[0] & 15, self.buffer[start:end], self.buffer[end:]
        if kind == 1:
            self.take_text(payload)
        elif kind == 8:
            self.code = int.from_bytes(payload[:2], "big")
            self.transport.close()
        elif kind == 9:
            self.transport.write(PONG)
        return True

    def take_text(self, payload: bytes) -> None:
        """Follow the board by its number."""
        frame = json.loads(payload)
        if frame["type"] == "bye":
            self.policy.bye(frame["retry_ms"])
        elif frame["type"] in ("board", "update"):
            self.gaps += frame["type"] == "update" and frame["seq"] != self.seq + 1
            self.seq = frame["seq"]

    def connection_lost(self, _: Exception | None) -> None:
        """Come back as a page does."""
        if self.open:
            self.open, self.lost_at = False, time.monotonic()
            self.crowd.closes[self.code] += 1
        asyncio.get_running_loop().call_later(self.policy.wait(self.code), self.crowd.connect, self)


class Crowd:
    """*count* visitors from the address *source*."""

    def __init__(self, port: int, source: str, count: int) -> None:
        self.port, self.source = port, source
        self.visitors = [Visitor(self) for _ in range(count)]
        self.statuses: Counter[str] = Counter()
        self.closes: Counter[int] = Counter()
        # Seconds from the end of a socket to its return; of the first ones, to their beginning.
        self.closed: list[float] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def connect(self, visitor: Visitor) -> None:
        """Open the socket of *visitor*."""
        task = asyncio.create_task(self._connect(visitor))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, visitor: Visitor) -> None:
        loop = asyncio.get_running_loop()
        sock = socket.socket()
        sock.setblocking(False)
        # A port that is chosen before the connect would be kept from nginx, which connects to the webs from here too.
        sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((self.source, 0))
        try:
            await loop.sock_connect(sock, ("127.0.0.1", self.port))
            await loop.create_connection(lambda: visitor, sock=sock)
        except OSError as error:
            sock.close()
            self.statuses[str(error.strerror)] += 1
            loop.call_later(visitor.policy.wait(1006), self.connect, visitor)

    async def live(self, pipe: Connection) -> None:
        """Open all sockets, and answer what is asked through *pipe* until it says `end`."""
        loop, asked = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(pipe.fileno(), asked.set)
        for number, visitor in enumerate(self.visitors):
            self.connect(visitor)
            if number % 20 == 0:
                await asyncio.sleep(20 / OPENING_RATE)
        while True:
            await asked.wait()
            asked.clear()
            while pipe.poll():
                if pipe.recv() == "end":
                    return
                pipe.send(self.report())

    def report(self) -> dict[str, Any]:
        """Return what became of the sockets."""
        return {
            "open": sum(visitor.open for visitor in self.visitors),
            "seqs": Counter(visitor.seq for visitor in self.visitors),
            "gaps": sum(visitor.gaps for visitor in self.visitors),
            "statuses": self.statuses,
            "closes": self.closes,
            "closed": self.closed[len(self.visitors) :],
        }


def run_crowd(port: int, source: str, count: int, pipe: Connection) -> None:
    """Run a crowd in this process."""
    lift_file_limit()
    asyncio.run(Crowd(port, source, count).live(pipe))


def ask(pipes: list[Connection]) -> dict[str, Any]:
    """Return the reports of all crowds as one."""
    for pipe in pipes:
        pipe.send("report")
    reports = [pipe.recv() for pipe in pipes]
    return {name: sum((report[name] for report in reports), type(reports[0][name])()) for name in reports[0]}


def wait_for(claim: Callable[[], object], words: str) -> float:
    """Wait until *claim* holds; return the seconds."""
    began = time.monotonic()
    while not claim():
        if time.monotonic() - began > LONGEST:
            raise SystemExit(f"not in {LONGEST:g} s: {words}")
        time.sleep(0.2)
    return time.monotonic() - began


def is_ready(address: str, port: int) -> bool:
    """Return whether the web there has fresh prices."""
    connection = HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def children_seconds() -> float:
    """Return the CPU seconds of all our processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Deployment:
    """Webs at addresses of their own, on one port, behind nginx."""

    def __init__(self, folder: Path, redis_url: str, stack: ExitStack) -> None:
        self.stack, self.web_port, self.port = stack, free_port(), free_port()
        self.environment = os.environ | {
            "DEBUG": "True", "HTTPS": "False", "REDIS_URL": redis_url, "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
            "RATES_SOURCES": "simulated", "RATES_STREAM": "off", "RATES_REFRESH_INTERVAL": str(INTERVAL),
            "RATES_MAX_CONNECTIONS": "19000", "RATES_MAX_CONNECTIONS_PER_IP": "19000", "TRUSTED_PROXY": "True",
            "LOG_LEVEL": "WARNING", "PORT": str(self.web_port), "ALLOWED_HOSTS": "*",
        }  # fmt: skip
        for command in ("migrate", "seed_coins"):
            subprocess.run([sys.executable, "manage.py", command, "-v0"], cwd=ROOT, env=self.environment, check=True)
        self.start(sys.executable, "-m", "celery", "--quiet", "-A", "config", "worker", "-B")
        self.names = stack.enter_context(NameServer([]))
        path = local_configuration(folder, free_port(), self.port, self.web_port, self.names.port)
        text = path.read_text()
        for old, new in {
            # One that accepts is not asked for more than its share, and may have as many files as sockets.
            "worker_processes auto": "worker_processes 6",
            f"listen 127.0.0.1:{self.port} ssl": f"listen 127.0.0.1:{self.port} reuseport",
            "worker_rlimit_nofile 65536;": "",
        }.items():
            assert old in text
            text = text.replace(old, new)
        path.write_text("".join(line for line in text.splitlines(True) if "ssl_certificate" not in line))
        self.start("nginx", "-c", str(path), "-e", str(folder / "error.log"), "-g", "daemon off;")

    def start(self, *command: str, **more: str) -> "subprocess.Popen[bytes]":
        """Start a process that is ended with the measurement."""
        process = subprocess.Popen(command, cwd=ROOT, env=self.environment | more)
        self.stack.callback(process.wait)
        self.stack.callback(process.terminate)
        return process

    def start_web(self, address: str) -> "subprocess.Popen[bytes]":
        """Start a web, and tell nginx of it when it is ready."""
        web = self.start(sys.executable, "manage.py", "serve", HOST=address)
        wait_for(lambda: is_ready(address, self.web_port), f"the web at {address} is ready")
        self.names.addresses = [*self.names.addresses, address]
        return web

    def stop_web(self, web: "subprocess.Popen[bytes]", address: str) -> float:
        """Take a web out of the name server's answers, then stop it; return the CPU seconds of its end."""
        self.names.addresses = [other for other in self.names.addresses if other != address]
        time.sleep(NAME_VALID)
        before = cpu_seconds(web.pid) + children_seconds()
        web.terminate()
        web.wait()
        return children_seconds() - before


def measure(count: int, folder: Path, stack: ExitStack) -> None:
    """Run the whole story."""
    deployment = Deployment(folder, stack.enter_context(redis_server(folder)), stack)
    webs = {address: deployment.start_web(address) for address in ("127.0.0.11", "127.0.0.12")}
    time.sleep(NAME_VALID)
    pipes = []
    for number in range(CROWDS):
        ours, theirs = multiprocessing.Pipe()
        source = f"127.0.1.{number + 1}"
        crowd = multiprocessing.Process(target=run_crowd, args=(deployment.port, source, count // CROWDS, theirs))
        crowd.start()
        stack.callback(crowd.terminate)
        pipes.append(ours)
    took = wait_for(lambda: ask(pipes)["open"] == count, "all sockets are open")
    print(f"{count} sockets opened in {took:.0f} s", flush=True)
    closed = 0
    for new, old in (("127.0.0.13", "127.0.0.11"), ("127.0.0.14", "127.0.0.12")):
        webs[new] = deployment.start_web(new)
        time.sleep(NAME_VALID)
        size = memory_kb(webs[old].pid)
        stopped = deployment.stop_web(webs[old], old)
        back = wait_for(lambda: ask(pipes)["open"] == count, "all sockets are back")
        closed, closed_before = sum(ask(pipes)["closes"].values()), closed
        print(
            f"{old} with {closed - closed_before} sockets ({size // 1024} MB) replaced: its end took {stopped:.1f} s "
            f"of CPU, all {count} open {back:.1f} s later",
            flush=True,
        )
    time.sleep(3 * INTERVAL)
    newest = max(ask(pipes)["seqs"])
    wait_for(lambda: min(ask(pipes)["seqs"]) >= newest, "all sockets have the newest board")
    report = ask(pipes)
    print(f"all {report['open']} have the newest board; updates missed unseen: {report['gaps']}")
    closed_for = report["closed"]
    print(f"a socket was closed for {statistics.median(closed_for):.1f} s (median), {max(closed_for):.1f} s at most")
    print(f"closes by code: {dict(report['closes'])}; answers to handshakes: {dict(report['statuses'])}")
    for pipe in pipes:
        pipe.send("end")


def main() -> None:
    """Measure, and leave nothing behind."""
    lift_file_limit()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else SOCKETS
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        measure(count, Path(folder), stack)


if __name__ == "__main__":
    main()
