"""A whole deployment under observation: web, worker with beat, and sockets that note what they hear."""

import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from websockets.sync.client import connect

from tests.faults.clients import Clients
from tests.faults.processes import Process, System

PAGES = ("/", "/coins/BTC/", "/api/rates", "/api/rates/BTC/history", "/readyz", "/metrics")


@dataclass
class Running:
    """A system that serves fresh prices to *clients*."""

    system: System
    web: Process
    worker: Process
    clients: Clients


@dataclass
class Watch:
    """
    Asks for every page and opens a socket again and again, while something is wrong.

    Attributes:
        slowest: the longest that any answer took, in seconds.
        failed: answers other than those that are allowed.
    """

    system: System
    slowest: float = 0.0
    failed: list[str] = field(default_factory=list)
    rounds: int = 0

    def during(self, seconds: float) -> None:
        """Look for *seconds*."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.look()
            time.sleep(0.5)

    def look(self) -> None:
        """Ask for everything once, all at the same time."""
        with ThreadPoolExecutor(len(PAGES) + 1) as threads:
            answers = [threads.submit(self._ask, path) for path in PAGES]
            answers.append(threads.submit(self._open_socket))
            for answer in answers:
                answer.result()
        self.rounds += 1

    def _ask(self, path: str) -> None:
        began = time.monotonic()
        status, body = self.system.get(path, 20)
        self._note(began)
        allowed = (200, 503) if path in ("/readyz", "/metrics") else (200,)
        if status not in allowed:
            self.failed.append(f"{path}: {status} {body[:200]}")
        elif path == "/" and not re.search(r"63,\d{3}\.\d\d", body):
            self.failed.append("the page has no price")

    def _open_socket(self) -> None:
        began = time.monotonic()
        try:
            board = first_board(self.system)
            if not board["rates"][0]["price"]:
                self.failed.append("a new socket got no price")
        except (OSError, TimeoutError) as error:
            self.failed.append(f"a new socket: {error!r}")
        self._note(began)

    def _note(self, began: float) -> None:
        self.slowest = max(self.slowest, time.monotonic() - began)


def first_board(system: System) -> dict:
    """Return the board that a new socket gets."""
    with connect(f"ws://{system.address}/ws/rates", subprotocols=["rates.v1"], proxy=None, open_timeout=20) as client:
        client.recv(timeout=20)
        return json.loads(client.recv(timeout=20))


def board_age(system: System) -> float:
    """Return how old the board is that `/api/rates` serves, in seconds."""
    as_of = json.loads(system.get("/api/rates")[1])["as_of"]
    return time.time() - datetime.fromisoformat(as_of).timestamp()


def repeat(work: Callable[[], object], times: int, every: float) -> None:
    """Run *work* so many times, beginning every so many seconds."""
    began = time.monotonic()
    for number in range(times):
        time.sleep(max(0.0, began + number * every - time.monotonic()))
        work()


def wait_phase(interval: float, phase: float = 0.3) -> None:
    """Wait until *phase* seconds of a slot have passed, so that nothing begins at its very edge, or in a tick."""
    time.sleep((phase - time.time()) % interval)
