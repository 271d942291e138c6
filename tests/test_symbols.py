"""Symbols as people write them: which are taken, and how they are compared."""

import asyncio
import csv
import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import quote, unquote
from urllib.request import urlopen

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from rates.store import keys
from rates.symbols import RESERVED, clean_symbol, find_fault, find_symbol, fold
from tests.boards import save
from tests.servers import next_frame, open_socket, serving

# Rows of CoinGecko's `coins/list` of 2026-05-12 and of its top 3,000 of 2025-02-14: all that are no plain words.
ROWS = list(csv.DictReader((Path(__file__).parent / "data" / "coins_list.csv").read_text().splitlines()))


@pytest.mark.parametrize(
    "symbol",
    [
        "BTC",
        "USDC.e",
        "BTC.b",
        "$MYRO",
        "币安人生",
        "FIGR_HELOC",
        "ETH+",
        "GL-BTC",
        "1INCH",
        "wstETH",
        "🦝",
        "Q*",
        "X" * 40,
    ],
)
def test_what_people_write_is_a_symbol(symbol: str) -> None:
    assert find_fault(symbol) is None


@pytest.mark.parametrize(
    ("symbol", "fault"),
    [
        ("", "length"), ("X" * 41, "length"), ("A B", "character"), ("A\u3000B", "character"),
        ("A\u200bB", "character"), ("A\x00", "character"), ('"A"', "character"),
        ("A’", "character"), ("A/B", "character"), ("A\\B", "character"),
        ("A,B", "character"), ("A:B", "character"), ("<b>", "character"), ("..", "dots"), ("board", "reserved"),
        ("\ud800", "character"),
    ],
)  # fmt: skip
def test_what_would_break_an_address_a_list_or_a_line_is_none(symbol: str, fault: str) -> None:
    assert find_fault(symbol) == fault


def test_every_real_symbol_is_one_or_becomes_one() -> None:
    refused = {row["symbol"] for row in ROWS if find_fault(row["symbol"])}
    assert refused == {"ox old", '"\u3000"'}
    assert clean_symbol("ox old") == "ox-old"


@given(st.text())
def test_a_cleaned_text_is_empty_or_nearly_a_symbol(text: str) -> None:
    assert find_fault(clean_symbol(text) + "X"[: len(clean_symbol(text)) < 40]) is None


def test_symbols_are_compared_in_any_case_and_spelling() -> None:
    assert find_symbol(["BTC", "USDC.e"], "usdc.E") == "USDC.e"
    assert find_symbol(["Σ"], "ς") == "Σ"
    assert fold("ＢＴＣ") == fold("btc")
    assert find_symbol(["BTC"], "BTC.b") is None


def test_no_symbol_is_a_key_of_the_service() -> None:
    words = {value.split(":")[1] for name, value in vars(keys).items() if name.isupper() and value.count(":") == 1}
    assert words <= RESERVED


ODD = ("USDC.e", "$MYRO", "币安人生", "ETH+", "Q*", "𝜫", "A&B", "50%", "C#", "why?", "((=ↀωↀ=))")


@pytest.mark.parametrize("symbol", ODD)
@pytest.mark.django_db
def test_every_symbol_has_its_pages(client: Client, symbol: str) -> None:
    save(**{"BTC": "1", symbol: "2.5"})
    name = quote(symbol.lower(), safe="")
    links = re.findall(r'href="/coins/([^"/]+)/"', client.get("/").content.decode())
    assert {unquote(unescape(link)) for link in links} == {"btc", symbol.lower(), "symbol"}
    for path in (f"/coins/{name}/", f"/coins/{name}.svg", f"/embed/{name}/"):
        assert client.get(path).status_code == 200, path


async def test_every_symbol_travels_in_both_dialects_and_is_found_in_any_case() -> None:
    save(**dict.fromkeys(("BTC", *ODD), "2.5"))
    wanted = quote(",".join(symbol.swapcase() for symbol in ODD))
    async with serving() as place:
        async with open_socket(place, f"?symbols={wanted}", typed=False) as plain:
            assert list(json.loads(await plain.recv())) == list(ODD)
        async with open_socket(place) as typed:
            await next_frame(typed, "board")
            await typed.send(json.dumps({"type": "select", "symbols": ["usdc.E", "ETH+"]}))
            board = await next_frame(typed, "board")
            assert [coin["symbol"] for coin in board["rates"]] == ["USDC.e", "ETH+"]
        for symbol in ODD:
            address = f"http://{place}/api/rates/{quote(symbol.swapcase(), safe='')}/history"
            with await asyncio.to_thread(urlopen, address, timeout=10) as answer:
                assert [point["price"] for point in json.load(answer)] == ["2.5"]
