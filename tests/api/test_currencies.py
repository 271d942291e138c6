"""Currencies over HTTP: the board in another one, what each is worth, and conversions."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import AsyncClient

from rates.fanout.hub import get_hub
from rates.types import Currency, Snapshot, time_text
from tests.boards import fragments


@pytest.fixture
async def hub() -> AsyncIterator[None]:
    """A hub with a board of now."""
    now = time_text(datetime.now(UTC))
    worths = [
        Currency("eur", "0.9000", "-0.5", "kraken", now, confirmed_by=("ecb",)),
        Currency("jpy", "150.00", None, "coingecko", now, disputed=True),
        Currency("btc", "0.0100000", "-2", "binance", now, coin="BTC"),
    ]
    get_hub.cache_clear()
    get_hub().subscription.attempted.set()
    board = fragments(BTC="100.00", ETH="10.00", NEW=None)
    get_hub().snapshot = Snapshot("e1", 1, now, board, {worth.code: worth for worth in worths})
    yield
    get_hub.cache_clear()


async def ask(path: str) -> dict[str, object]:
    answer = await AsyncClient().get(path)
    assert answer.status_code == 200, answer.content
    body: dict[str, object] = answer.json()
    return body


async def test_the_board_and_a_coin_are_in_any_offered_currency(hub: None) -> None:
    body = await ask("/api/rates?currency=EUR")
    assert body["currency"] == "eur"
    assert [coin["price"] for coin in body["rates"]] == ["90.0000", "9.00000", None]
    coin = await ask("/api/rates/btc?currency=jpy")
    assert (coin["price"], coin["currency"], coin["disputed"]) == ("15000.00", "jpy", True)


async def test_a_spreadsheet_gets_them_too(hub: None) -> None:
    answer = await AsyncClient().get("/api/rates?currency=eur&format=csv")
    rows = answer.content.decode().splitlines()
    assert rows[1].startswith("BTC,Btc,90.0000,")
    assert rows[1].endswith(",eur")


@pytest.mark.parametrize("path", ["/api/rates", "/api/rates/BTC", "/api/rates/BTC/history"])
async def test_a_currency_that_is_not_offered_is_refused_with_the_choice(hub: None, path: str) -> None:
    answer = await AsyncClient().get(f"{path}?currency=mmk")
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_currency")
    assert "'mmk' is not offered; there are usd, eur" in answer.json()["detail"]


async def test_currencies_are_listed_with_what_they_are_worth(hub: None, settings) -> None:
    settings.RATES_CURRENCIES = ["eur", "jpy", "btc", "gbp"]
    body = await ask("/api/currencies")
    assert body["base"] == "usd"
    listed = {row["code"]: row for row in body["currencies"]}
    assert list(listed) == ["usd", "eur", "jpy", "btc"]
    assert (listed["usd"]["per_base"], listed["usd"]["source"]) == ("1", None)
    eur = listed["eur"]
    assert (eur["per_base"], eur["source"], eur["confirmed_by"]) == ("0.9000", "kraken", ["ecb"])
    assert listed["jpy"]["disputed"] is True


CONVERSIONS = {
    "amount=1.5&from=BTC&to=eur": ("135.00000", "90.0000"),
    "amount=90&from=eur&to=BTC": ("1", None),
    "from=BTC&to=ETH": ("10", "10"),
    "from=ETH&to=BTC": ("0.1", None),
    "amount=2&from=usd&to=jpy": ("300", None),
    "amount=9&from=eur&to=usd": ("10", None),
    "from=btc&to=usd": ("100", None),
    "from=BTC&to=btc": ("1", "1"),
    "from=ETH&to=btc": ("0.1", None),
    "from=eur&to=eur": ("1", "1"),
}


@pytest.mark.parametrize("query", CONVERSIONS)
async def test_amounts_are_converted_between_coins_and_currencies(hub: None, settings, query: str) -> None:
    settings.RATES_CURRENCIES = ["eur", "jpy", "btc"]
    body = await ask(f"/api/convert?{query}")
    result, price = CONVERSIONS[query]
    assert abs(Decimal(body["result"]) / Decimal(result) - 1) < Decimal("0.0001")
    assert Decimal(body["result"]) == Decimal(body["amount"]) * Decimal(body["price"])
    assert price is None or Decimal(body["price"]) == Decimal(price)


async def test_a_conversion_has_the_worse_of_both_marks(hub: None) -> None:
    assert (await ask("/api/convert?from=BTC&to=jpy"))["disputed"] is True
    assert (await ask("/api/convert?from=BTC&to=eur"))["disputed"] is False


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("from=BTC&to=nope", 404, "unknown_symbol"),
        ("from=BTC", 400, "unknown_symbol"),
        ("amount=-1&from=BTC&to=eur", 400, "bad_amount"),
        ("amount=1e9&from=BTC&to=eur", 400, "bad_amount"),
        ("from=NEW&to=eur", 404, "no_price"),
        ("from=BTC&to=gbp", 404, "no_price"),
    ],
)
async def test_what_cannot_be_converted_is_said(hub: None, query: str, status: int, code: str) -> None:
    answer = await AsyncClient().get(f"/api/convert?{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
