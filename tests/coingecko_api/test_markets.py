"""`/coins/markets`: rows, their order, pages, changes, lines."""

import time
from datetime import datetime
from typing import Any

import pytest

from rates import store
from rates.coingecko_api.board import board_reader
from rates.history.candles import DAY, HOUR
from tests.coingecko_api.market import MARKET_CAPS, PRICED, Api, past_price

pytestmark = pytest.mark.django_db
FIELDS = [
    *("id", "symbol", "name", "image", "current_price"),
    *("market_cap", "market_cap_rank", "fully_diluted_valuation", "total_volume", "high_24h"),
    *(
        "low_24h",
        "price_change_24h",
        "price_change_percentage_24h",
        "market_cap_change_24h",
        "market_cap_change_percentage_24h",
    ),
    *("circulating_supply", "total_supply", "max_supply", "ath", "ath_change_percentage"),
    *("ath_date", "atl", "atl_change_percentage", "atl_date", "roi"),
    *("last_updated",),
]


def rows(api: Api, query: str = "", currency: str = "usd") -> list[dict[str, Any]]:
    return api.get(f"coins/markets?vs_currency={currency}&{query}", read=float)


def ids(api: Api, query: str) -> list[str]:
    return [row["id"] for row in rows(api, query)]


def test_a_row_has_every_field_in_order(api: Api) -> None:
    row = rows(api, "ids=bitcoin")[0]
    assert list(row) == FIELDS
    assert (row["id"], row["symbol"], row["name"]) == ("bitcoin", "btc", "Bitcoin")
    assert row["image"] == f"{api.url}/images/bitcoin.svg"
    assert row["current_price"] == 63250.12
    assert row["market_cap"] == float(MARKET_CAPS["bitcoin"])
    assert (row["high_24h"], row["low_24h"]) == pytest.approx((63250.12 * 1.1, 63250.12 * 0.9))
    assert row["price_change_percentage_24h"] == -1.41
    assert row["price_change_24h"] == pytest.approx(63250.12 - 63250.12 / 0.9859)
    assert datetime.fromisoformat(row["last_updated"]).timestamp() == pytest.approx(time.time(), abs=60)
    assert row["last_updated"].endswith("Z")


def test_a_row_in_another_currency(api: Api) -> None:
    dollars, euros = rows(api, "ids=bitcoin")[0], rows(api, "ids=bitcoin", "Eur")[0]
    for name in ("current_price", "market_cap", "total_volume", "high_24h", "low_24h"):
        assert euros[name] == pytest.approx(dollars[name] * 0.92)


def test_a_coin_without_a_price_has_no_row(api: Api) -> None:
    assert sorted(ids(api, "")) == sorted(PRICED)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["bitcoin", "stellar", "ethereum", "shiba-inu"]),
        ("order=market_cap_desc", ["bitcoin", "stellar", "ethereum", "shiba-inu"]),
        ("order=market_cap_asc", ["stellar", "bitcoin", "ethereum", "shiba-inu"]),
        ("order=id_asc", ["bitcoin", "ethereum", "shiba-inu", "stellar"]),
        ("order=ID_DESC", ["stellar", "shiba-inu", "ethereum", "bitcoin"]),
        ("order=volume_desc", ["bitcoin", "ethereum", "shiba-inu", "stellar"]),
        ("order=gecko_desc", ["bitcoin", "stellar", "ethereum", "shiba-inu"]),
        ("order=id_asc&per_page=2", ["bitcoin", "ethereum"]),
        ("order=id_asc&per_page=2&page=2", ["shiba-inu", "stellar"]),
        ("order=id_asc&per_page=3&page=2", ["stellar"]),
        ("per_page=2&page=3", []),
        ("page=999999999999999999999", []),
        ("order=id_asc&per_page=99999", ["bitcoin", "ethereum", "shiba-inu", "stellar"]),
        ("ids=stellar,bitcoin,stellar&order=id_asc", ["bitcoin", "stellar"]),
        ("ids=nothing", []),
        ("ids=", ["bitcoin", "stellar", "ethereum", "shiba-inu"]),
        ("names=Bitcoin", ["bitcoin"]),
        ("symbols=eth&include_tokens=all", ["ethereum"]),
        ("category=layer-1", []),
    ],
)
def test_rows_are_chosen_sorted_and_in_pages(api: Api, query: str, expected: list[str]) -> None:
    assert ids(api, query) == expected


def test_changes_come_from_candles(api: Api) -> None:
    spans = {"1h": HOUR, "7d": 7 * DAY, "14d": 14 * DAY, "30d": 30 * DAY, "200d": 200 * DAY, "1y": 365 * DAY}
    row = rows(api, f"ids=bitcoin&price_change_percentage={','.join(spans)},24H,nonsense")[0]
    assert [name for name in row if name not in FIELDS] == [
        f"price_change_percentage_{span}_in_currency" for span in ("1h", "24h", "7d", "14d", "30d", "200d", "1y")
    ]
    for span, seconds in spans.items():
        # The last candle before then is at most a day older.
        bounds = [float((PRICED["bitcoin"] / past_price("bitcoin", at) - 1) * 100) for at in (seconds, seconds + DAY)]
        assert min(bounds) - 0.01 <= row[f"price_change_percentage_{span}_in_currency"] <= max(bounds) + 0.01
    assert row["price_change_percentage_24h_in_currency"] == -1.41


def test_a_change_that_is_not_known_is_null(api: Api) -> None:
    row = rows(api, "ids=stellar&price_change_percentage=1h,30d", "eur")[0]
    assert (row["price_change_percentage_1h_in_currency"], row["price_change_percentage_30d_in_currency"]) == (
        None,
        None,
    )


def test_changes_in_a_coin_are_those_of_both(api: Api) -> None:
    row = rows(api, "ids=ethereum&price_change_percentage=30d", "btc")[0]
    now, then = (
        PRICED["ethereum"] / PRICED["bitcoin"],
        past_price("ethereum", 30 * DAY) / past_price("bitcoin", 30 * DAY),
    )
    assert row["price_change_percentage_30d_in_currency"] == pytest.approx(float((now / then - 1) * 100), abs=0.3)
    assert rows(api, "ids=bitcoin&price_change_percentage=7d", "btc")[0]["price_change_percentage_7d_in_currency"] == 0


def test_a_line_has_the_hours_of_seven_days(api: Api) -> None:
    lines = {row["id"]: row["sparkline_in_7d"]["price"] for row in rows(api, "sparkline=true")}
    # One fewer where the hour has ended since they were stored.
    assert len(lines["bitcoin"]) in (167, 168)
    assert lines["stellar"] == []
    euros = rows(api, "sparkline=true&ids=bitcoin", "eur")[0]["sparkline_in_7d"]["price"]
    assert euros == pytest.approx([price * 0.92 for price in lines["bitcoin"]])
    assert "sparkline_in_7d" not in rows(api, "sparkline=false")[0]


def test_precision_rounds_the_price(api: Api) -> None:
    assert rows(api, "ids=bitcoin&precision=0")[0]["current_price"] == 63250


def test_a_rank_with_rehypothecated_tokens_is_there_if_asked_for(api: Api) -> None:
    assert rows(api, "include_rehypothecated=true")[0]["market_cap_rank_with_rehypothecated"] is None


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("", 422, "Missing parameter vs_currency"),
        ("vs_currency=zzz", 400, "invalid vs_currency"),
        ("vs_currency=usd&page=0", 400, "invalid page"),
        ("vs_currency=usd&per_page=many", 400, "invalid per_page"),
    ],
)
def test_what_is_missing_or_wrong_is_named(api: Api, query: str, status: int, words: str) -> None:
    assert api.error(f"coins/markets?{query}", status).startswith(words)


def test_a_market_cap_of_long_ago_is_not_told(api: Api) -> None:
    store.client().flushall()
    store.save_market_caps(MARKET_CAPS, "usd", time.time() - 3601)
    board_reader.cache_clear()
    assert rows(api, "ids=bitcoin")[0]["market_cap"] is None


def test_a_market_cap_in_another_base_is_not_told(api: Api) -> None:
    store.save_market_caps(MARKET_CAPS, "eur", time.time())
    board_reader.cache_clear()
    assert rows(api, "ids=bitcoin")[0]["market_cap"] is None
