"""`make run` from the outside: a first price on socket and page, a clean end, one clear line on trouble."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.request import urlopen

import pytest
from websockets.sync.client import connect

from tests.config.commands import running_in
from tests.ports import free_port
from tests.stand_ins.coingecko import CoinGecko

# Set for the tests' own Django; `make run` finds its own.
NOT_INHERITED = ("SECRET_KEY", "DEBUG", "REDIS_URL", "DJANGO_SETTINGS_MODULE")


class Service:
    """`make run` in a folder of its own, without `make`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port = free_port()
        self.folder = folder
        inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "config.launcher"],
            cwd=folder,
            env=inherited | {"PORT": str(self.port)} | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []

    def wait_for(self, words: str) -> str:
        """Return the first line with *words*."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line)
            print(line, end="")
            if words in line:
                return line
        raise AssertionError("".join(self.said))

    def end(self, number: int = signal.SIGTERM) -> int:
        """Signal, and return the exit code."""
        self.process.send_signal(number)
        print(self.process.communicate(timeout=30)[0])
        return self.process.returncode


@pytest.fixture
def service(checkout: Path, coingecko: CoinGecko) -> Iterator[Service]:
    coingecko.prices["BTC"] = Decimal("76975.25")
    running = Service(
        checkout, COINGECKO_API_URL=coingecko.url, RATES_SOURCES="coingecko", RATES_STREAM="off",
        RATES_REFRESH_INTERVAL="1",
    )  # fmt: skip
    yield running
    if running.process.poll() is None:
        running.end()


def first_price(port: int) -> str:
    with connect(f"ws://127.0.0.1:{port}/ws/rates", proxy=None) as client:
        while not (prices := json.loads(client.recv(timeout=60), parse_float=str, parse_int=str)):
            pass
    return str(prices["BTC"])


def test_a_price_comes_to_socket_and_page_and_nothing_is_left_behind(service: Service) -> None:
    assert f"Open http://127.0.0.1:{service.port}/" in service.wait_for("Open http")
    assert first_price(service.port) == "76975.25"
    page = urlopen(f"http://127.0.0.1:{service.port}/", timeout=10).read().decode()
    assert "76,975.25" in page or "76975.25" in page
    assert urlopen(f"http://127.0.0.1:{service.port}/static/rates/admin/admin.css", timeout=10).status == 200
    asked = time.monotonic()
    assert service.end(signal.SIGINT) == 0
    assert time.monotonic() - asked < 10
    assert running_in(service.folder) == {}


def test_every_line_is_json_where_the_log_is(checkout: Path) -> None:
    service = Service(checkout, LOG_FORMAT="json", RATES_SOURCES="simulated")
    service.wait_for("Open http")
    service.process.send_signal(signal.SIGINT)
    service.said += service.process.communicate(timeout=30)[0].splitlines()
    said = [json.loads(line) for line in service.said]
    assert {"time", "level", "logger", "message", "process"} <= set.intersection(*map(set, said))
    messages = " ".join(line["message"] for line in said)
    for words in ("Coins: BTC", "serving on 127.0.0.1", "Redis for other programs: 127.0.0.1 port", "Stopping"):
        assert words in messages


def test_when_one_process_dies_all_stop_and_it_is_named(service: Service) -> None:
    service.wait_for("Open http")
    worker = next(pid for pid, command in running_in(service.folder).items() if "config.celery" in command)
    os.kill(worker, signal.SIGKILL)
    service.wait_for("worker ended with exit code -9")
    service.process.communicate(timeout=30)
    assert service.process.returncode == 1
    assert running_in(service.folder) == {}


def one_line(checkout: Path, **settings: str) -> str:
    refused = Service(checkout, **settings)
    said, _ = refused.process.communicate(timeout=30)
    assert refused.process.returncode != 0
    assert len(said.strip().splitlines()) == 1, said
    return said


def test_a_taken_port_is_one_line(checkout: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Cannot listen on 127.0.0.1 port {port}" in one_line(checkout, PORT=str(port))


def test_an_unreachable_redis_is_one_line(checkout: Path) -> None:
    assert "Redis at 127.0.0.1:9" in one_line(checkout, REDIS_HOST="127.0.0.1", REDIS_PORT="9")


def test_a_bad_setting_is_one_line(checkout: Path) -> None:
    said = one_line(checkout, RATES_REFRESH_INTERVAL="fast")
    assert "RATES_REFRESH_INTERVAL='fast'" in said
    assert "allowed" in said
