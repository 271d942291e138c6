"""What `docs/coingecko.md` says: its examples run, and what it calls null is null."""

import re
import subprocess
import sys

import pytest

from tests.clients.clients import HERE
from tests.coingecko_api.market import Api
from tests.docs.markdown import ROOT, code_blocks

pytestmark = pytest.mark.django_db
DOCUMENT = ROOT / "docs/coingecko.md"
NULL = dict(re.findall(r"^\| `(/coins/[^`]+)` \| (`[^|]+) \|$", DOCUMENT.read_text(), re.M))


def run(api: Api, command: list[str], text: str) -> str:
    example = text.replace("https://rates.example.com/api/v3", api.url)
    assert example != text
    done = subprocess.run(command, input=example, capture_output=True, text=True, cwd=HERE, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("text", code_blocks(DOCUMENT, "python"))
def test_an_example_in_python_gets_the_price(api: Api, text: str) -> None:
    assert "63250.12" in run(api, [sys.executable, "-"], text)


@pytest.mark.parametrize("text", code_blocks(DOCUMENT, "js"))
def test_an_example_in_javascript_gets_the_price(api: Api, text: str) -> None:
    node = HERE / "node_modules/node24/bin/node"
    if not node.exists() or not (HERE / "node_modules/@coingecko").exists():
        pytest.skip("no Node, or no client: npm ci --prefix tests/clients")
    assert "63250.12" in run(api, [str(node), "--input-type=module", "-"], text)


@pytest.mark.parametrize(("path", "query"), [("/coins/markets", "?vs_currency=usd&ids=bitcoin"), ("/coins/{id}", "")])
def test_what_is_called_null_is_null(api: Api, path: str, query: str) -> None:
    names = re.findall(r"`(\w+)`", NULL[path])
    body = api.get(path.strip("/").replace("{id}", "bitcoin") + query)
    row = body[0] if isinstance(body, list) else body
    null = {name for name, value in row.items() if value is None}
    assert set(names) == null


def test_an_address_and_a_path_get_the_price(api: Api) -> None:
    block = next(block for block in code_blocks(DOCUMENT, "") if "{to}" in block)
    address, path = block.replace("{to}", "eur").split()
    body = api.get(address.removeprefix("https://rates.example.com/api/v3/"))
    for part in path.removeprefix("$.").split("."):
        body = body[part]
    assert body > 0
