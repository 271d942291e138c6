"""A running service against `docs/openapi.yaml`: schemathesis asks what the document allows, and what it does not."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import pytest
import yaml
from django.urls import URLPattern, URLResolver, get_resolver

from rates.api.problems import TITLES
from rates.gateway.access import OPEN
from tests.boards import publishing
from tests.docs.markdown import ROOT
from tests.gateway.asking import ask
from tests.servers import Server

DOCUMENT = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())
CONFIGURATION = ROOT / "tests/gateway/schemathesis.toml"
SEED = """
from decimal import Decimal
from rates.history import archive
from rates.history.candles import DAY, HOUR, Candle
from rates.history.series import Instrument
from rates.models import Coin
Coin.objects.all().delete()
for symbol, name, coin in (("BTC", "Bitcoin", "bitcoin"), ("ETH", "Ethereum", "ethereum")):
    Coin.objects.create(symbol=symbol, name=name, coingecko_id=coin)
# The days and hours that the examples of the document ask for, 2026-11-20.
for interval, begin in ((DAY, 1795046400), (HOUR, 1795132800)):
    prices = [Decimal(price) for price in ("5", "7.10", "4", "6")]
    found = [Candle(begin + number * interval, *prices, 12, "binance", False) for number in range(24)]
    archive.write_candles(interval, {Instrument("bitcoin", "usd"): found})
"""


def described(method: str = "") -> list[str]:
    return [path for path, operations in DOCUMENT["paths"].items() if not method or method in operations]


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> Iterator[str]:
    """Yield the path of every view, as OpenAPI writes it."""
    for pattern in patterns:
        plain = str(pattern.pattern).strip("^$").replace("\\.", ".")
        path = prefix + re.sub(r"<\w+:(\w+)>|\(\?P<(\w+)>\[\^/\]\+\)", lambda part: f"{{{part[1] or part[2]}}}", plain)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        else:
            yield path


def test_every_path_is_described_and_no_other() -> None:
    assert sorted(path for path in routes(get_resolver().url_patterns) if path.startswith("/api/")) == sorted(
        described()
    )


def test_every_problem_is_described() -> None:
    assert sorted(TITLES) == DOCUMENT["components"]["schemas"]["code"]["enum"]
    text = (ROOT / "docs/http.md").read_text()
    assert [code for code in TITLES if f"`{code}`" not in text] == []


async def test_the_documents_are_served_as_they_are(board: None) -> None:
    for name in ("openapi", "asyncapi"):
        answer = await ask(f"/api/{name}.json")
        assert answer.json() == yaml.safe_load((ROOT / f"docs/{name}.yaml").read_text())
        assert answer.headers["cache-control"] == "public, max-age=3600"


async def test_a_closed_api_opens_what_the_document_says_and_nothing_else(board: None, settings) -> None:
    settings.RATES_API_AUTH = "jwt"
    open_paths = {path for path in described("get") if DOCUMENT["paths"][path]["get"].get("security") == [{}]}
    assert open_paths == OPEN - {"/api/stream"}
    for path in set(described("get")) - open_paths:
        answer = await ask(re.sub("{.*}", "BTC", path))
        assert (answer.status_code, "www-authenticate" in answer.headers) == (401, True), path


@contextmanager
def serving(folder: Path, **more: str) -> Iterator[str]:
    """Run a web process with two coins, their board, and candles of one; the value is its address."""
    own = {"DATABASE_URL": f"sqlite:///{folder}/db.sqlite3", "ALLOWED_HOSTS": "127.0.0.1", "HTTPS": "False"} | more
    for command in (["migrate", "-v0"], ["shell", "-v0", "-c", SEED]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=os.environ | own, check=True)
    with publishing(0.5, BTC="63250.12", ETH=None), Server("prepared", folder / "web.log", **own) as server:
        yield f"http://{server.address}"


def run(address: str, folder: Path, *options: str) -> None:
    """Ask the service at *address* all that the document allows; fail with what schemathesis says."""
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION), "--no-color"),
        *("run", f"{address}/api/openapi.json", "--wait-for-schema", "30", *options),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    # The document itself was read already, so it is no operation for schemathesis.
    assert f"{sum(map(len, DOCUMENT['paths'].values())) - 1} selected" in done.stdout


def test_every_answer_is_as_documented(tmp_path: Path) -> None:
    with serving(tmp_path) as address:
        run(address, tmp_path, "--max-examples", "4", "--phases", "examples,coverage,fuzzing")


@pytest.mark.faults
def test_every_answer_is_as_documented_for_longer(tmp_path: Path) -> None:
    with serving(tmp_path) as address:
        run(address, tmp_path, "--max-examples", "100")


@pytest.mark.faults
def test_a_closed_api_is_as_documented(tmp_path: Path) -> None:
    key = 48 * "k"
    token = jwt.encode({"exp": time.time() + 3600}, key)
    with serving(tmp_path, RATES_API_AUTH="jwt", RATES_JWT_KEY=key) as address:
        header = ("--header", f"Authorization: Bearer {token}")
        run(address, tmp_path, "--max-examples", "10", "--phases", "examples,fuzzing", *header)
