"""The lines of `docs/clients/ledgers.md`, run: hledger, ledger and beancount get the prices of the board."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest
from pytest_django.live_server_helper import LiveServer

from rates.history.candles import HOUR
from rates.models import Coin
from tests.boards import publishing
from tests.docs.markdown import code_blocks
from tests.faults.processes import wait_until
from tests.history.test_archive import write
from tests.history.test_candles import candle
from tests.servers import Server

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = ROOT / "docs/clients"
PRICES = {"BTC": "63250.12", "PEPE": "0.00001197", "1INCH": "0.3", "888": "1.5", "USDC.e": "1", "NONE": None}
BOUGHT = """
2020-01-01 bought
    assets  1,000,000 "PEPE"
    income
"""


def lines() -> list[str]:
    """Return the commands of the page."""
    return [line for block in code_blocks(CLIENTS / "ledgers.md", "", "sh") for line in block.splitlines()]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("prepared", tmp_path_factory.mktemp("web") / "log") as server:
        yield server


@pytest.fixture
def address(server: Server) -> Iterator[str]:
    """Where the prices are, which stay fresh for as long as a test takes."""
    with publishing(0.5, **PRICES):
        wait_until(lambda: "63250.12" in read_board(server.address), 60, "the server has the board")
        yield server.address


def read_board(address: str) -> str:
    with suppress(OSError), urlopen(f"http://{address}/api/rates", timeout=10) as answer:
        return answer.read().decode()
    return ""


@pytest.fixture
def journal(address: str, tmp_path: Path) -> Path:
    """The journal that the line of the page makes, in which PEPE were bought."""
    if not (shutil.which("jq") and shutil.which("curl")):
        pytest.skip("needs jq and curl (apt install jq curl)")
    [line] = [line for line in lines() if line.startswith("curl")]
    subprocess.run(["bash", "-c", line.replace("127.0.0.1:8000", address)], cwd=tmp_path, check=True)
    path = tmp_path / "prices.journal"
    path.write_text(path.read_text() + BOUGHT)
    return path


@pytest.mark.parametrize(
    ("program", "option", "value"),
    [("hledger", "--value=now,USD", "11.97000000 USD"), ("ledger", "--exchange=USD", "USD12")],
    ids=["hledger", "ledger"],
)
def test_a_ledger_values_what_was_bought_by_our_prices(journal: Path, program: str, option: str, value: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"needs {program} (apt install {program})")
    command = [program, "-f", str(journal), "balance", "assets", option]
    assert value in subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_prices_that_are_in_doubt_or_unknown_stay_out_of_a_journal(journal: Path) -> None:
    assert "NONE" not in journal.read_text()
    assert journal.read_text().count("P 20") == len(PRICES) - 1


def bean_price(address: str, words: str) -> str:
    """Run the line of the page for BTC, with *words* in place of its last."""
    [line] = [line for line in lines() if "bean-price" in line]
    settings, _, options = line.replace("127.0.0.1:8000", address).partition(" bean-price ")
    program = Path(sys.executable).parent / "bean-price"
    command = f"{settings} {program} {options.rpartition(' ')[0]} {words}"
    ended = subprocess.run(["bash", "-c", command], cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)
    print(ended.stderr)
    return ended.stdout


@pytest.mark.parametrize("symbol", ["BTC", "PEPE", "1INCH", "888"])
def test_beancount_gets_every_digit(address: str, symbol: str) -> None:
    assert f" {PRICES[symbol]} USD" in bean_price(address, f"USD:rates_source/{symbol}")


@pytest.mark.parametrize("symbol", ["NONE", "UNKNOWN"])
def test_beancount_gets_no_price_where_there_is_none(address: str, symbol: str) -> None:
    assert "price" not in bean_price(address, f"USD:rates_source/{symbol}")


@pytest.mark.django_db(transaction=True)
def test_beancount_gets_a_price_of_the_past(live_server: LiveServer) -> None:
    Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin")
    begin = int(datetime(2026, 11, 19, tzinfo=UTC).timestamp())
    write(*(candle(begin + hour * HOUR, "5 7 4 6.25") for hour in range(72)), interval=HOUR)
    asked = bean_price(live_server.url.removeprefix("http://"), "--date 2026-11-20 -e USD:rates_source/BTC")
    assert re.fullmatch(r"2026-11-2[01] price BTC +6\.25 USD\n", asked)
