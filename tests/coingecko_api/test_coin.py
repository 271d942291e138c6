"""`/coins/{id}` and `/coins/{id}/history`."""

import time
from typing import Any

import pytest

from rates.history.candles import DAY
from tests.coingecko_api.market import Api, past_price

pytestmark = pytest.mark.django_db
PARTS = ("localization", "market_data", "community_data", "developer_data", "tickers")


def coin(api: Api, query: str = "", coin_id: str = "bitcoin") -> dict[str, Any]:
    return api.get(f"coins/{coin_id}?{query}", read=float)


def test_figures_are_by_currency(api: Api) -> None:
    market = coin(api)["market_data"]
    codes = set(api.get("simple/supported_vs_currencies"))
    for name in (
        "current_price",
        "market_cap",
        "total_volume",
        "high_24h",
        "low_24h",
        "ath",
        "price_change_24h_in_currency",
    ):
        assert set(market[name]) == codes
    assert market["current_price"]["usd"] == 63250.12
    assert market["current_price"]["eur"] == pytest.approx(63250.12 * 0.92)
    assert market["current_price"]["sats"] == 1e8
    assert market["price_change_percentage_24h"] == -1.41
    assert market["price_change_percentage_30d"] == pytest.approx(100 * (1 / 0.97 - 1), abs=0.2)
    assert set(market["price_change_percentage_1h_in_currency"]) == codes


def test_no_number_is_nothing_where_it_is_not_known(api: Api) -> None:
    def numbers(value: Any) -> list[float]:
        if isinstance(value, dict | list):
            return [n for each in (value.values() if isinstance(value, dict) else value) for n in numbers(each)]
        return [value] if isinstance(value, float) else []

    told = numbers(coin(api, "sparkline=true", "shiba-inu"))
    assert told
    assert 0 not in told


@pytest.mark.parametrize("name", PARTS)
def test_parts_can_be_left_out(api: Api, name: str) -> None:
    assert name in coin(api)
    assert name in coin(api, f"{name}=true")
    assert name not in coin(api, f"{name}=false")


def test_more_can_be_asked_for(api: Api) -> None:
    # One fewer where the hour has ended since they were stored.
    assert len(coin(api, "sparkline=true")["market_data"]["sparkline_7d"]["price"]) in (167, 168)
    assert "sparkline_7d" not in coin(api)["market_data"]
    assert coin(api, "include_categories_details=true")["categories_details"] == []


def test_an_id_may_have_capitals(api: Api) -> None:
    assert coin(api, coin_id="Bitcoin") == coin(api)
    assert coin(api)["image"]["small"] == f"{api.url}/images/bitcoin.svg"


def test_a_coin_without_a_price_has_no_figures(api: Api) -> None:
    body = coin(api, coin_id="brand-new")
    assert body["market_data"]["current_price"] == {}
    assert body["last_updated"] is None


@pytest.mark.parametrize("path", ["coins/none", "coins/off", "coins/none/history?date=30-12-2025"])
def test_an_unknown_coin_is_not_found(api: Api, path: str) -> None:
    assert api.error(path, 404) == "coin not found"


@pytest.mark.parametrize("form", ["%d-%m-%Y", "%Y-%m-%d"])
def test_a_day_is_told_by_its_beginning(api: Api, form: str) -> None:
    midnight = (int(time.time()) // DAY - 20) * DAY
    body = api.get(
        f"coins/bitcoin/history?date={time.strftime(form, time.gmtime(midnight))}&localization=false", read=float
    )
    expected = float(past_price("bitcoin", time.time() - midnight))
    assert body["market_data"]["current_price"]["usd"] == pytest.approx(expected, rel=1e-3)
    assert body["market_data"]["current_price"]["eur"] == pytest.approx(expected * 0.92, rel=1e-3)
    assert body["market_data"]["current_price"]["btc"] == pytest.approx(1)
    assert "jpy" not in body["market_data"]["current_price"]
    assert body["market_data"]["market_cap"]["usd"] is None
    assert "localization" not in body
    assert set(body["image"]) == {"thumb", "small"}


def test_a_day_without_a_price_has_no_figures(api: Api) -> None:
    body = api.get("coins/bitcoin/history?date=30-12-2001")
    assert "market_data" not in body
    assert body["localization"] == {"en": "Bitcoin"}
    assert "market_data" not in api.get("coins/bitcoin/history?date=30-12-2999")


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [("", 422, "Missing parameter date"), ("date=soon", 400, "invalid date"), ("date=31-02-2026", 400, "invalid date")],
)
def test_what_is_missing_or_wrong_is_named(api: Api, query: str, status: int, words: str) -> None:
    assert api.error(f"coins/bitcoin/history?{query}", status).startswith(words)
