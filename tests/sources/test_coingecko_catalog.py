"""CoinGecko's list of coins and its search, whatever their bodies hold."""

import json
from typing import Any

import pytest

from rates.exceptions import SourceGarbled
from rates.sources.coingecko_catalog import LONGEST_TEXT, Match, parse_list, parse_search, parse_tickers
from rates.sources.vendor_values import read_json

STELLAR = {"id": "stellar", "symbol": "xlm", "name": "Stellar", "market_cap_rank": 16}
# More than any text of a coin has.
ENDLESS = "x" * (LONGEST_TEXT + 1)


def found(*items: Any) -> list[Match]:
    """Return what is read of a search that finds *items*."""
    return parse_search(read_json(json.dumps({"coins": items})))


def test_the_biggest_coin_comes_first_and_one_without_a_rank_last() -> None:
    small, unranked = {**STELLAR, "id": "small", "market_cap_rank": 900}, {**STELLAR, "id": "unranked"}
    del unranked["market_cap_rank"]
    assert [match.id for match in found(unranked, small, STELLAR)] == ["stellar", "small", "unranked"]
    assert found(STELLAR) == [Match("stellar", "XLM", "Stellar", 16)]


@pytest.mark.parametrize("rank", [None, "x", "16", True, [], {}, float("nan"), 1e300, 10**100])
def test_an_odd_rank_is_none(rank: Any) -> None:
    assert found({**STELLAR, "market_cap_rank": rank}) == [Match("stellar", "XLM", "Stellar", None)]


@pytest.mark.parametrize(
    "odd",
    [None, 7, "stellar", [], {}]
    + [{**STELLAR, field: value} for field in ("id", "symbol", "name") for value in (None, 7, [], {}, ENDLESS)],
)
def test_an_odd_coin_is_left_out_of_what_was_found(odd: Any) -> None:
    assert [match.id for match in found(odd, STELLAR)] == ["stellar"]


@pytest.mark.parametrize("body", [None, [], {}, {"coins": None}, {"coins": {}}, {"coins": 7}, {"coins": "stellar"}])
def test_a_search_without_a_list_of_coins_is_garbled(body: Any) -> None:
    with pytest.raises(SourceGarbled):
        parse_search(body)


def test_nothing_found_is_nothing_wrong() -> None:
    assert found() == []


@pytest.mark.parametrize("odd", [None, 7, "stellar", [], {}, {"id": None}, {"id": []}])
def test_an_odd_coin_is_left_out_of_the_list(odd: Any) -> None:
    assert parse_list([odd, STELLAR]) == {"stellar": ["XLM", "Stellar"]}


@pytest.mark.parametrize("body", [None, {}, [], [None], {"coins": [STELLAR]}])
def test_a_list_without_coins_is_garbled(body: Any) -> None:
    """Kept for a day, it would have every id refused."""
    with pytest.raises(SourceGarbled):
        parse_list(body)


def row(base: str, target: str, exchange: str = "kraken", coin_id: str = "bitcoin", **more: Any) -> dict[str, Any]:
    return {"base": base, "target": target, "market": {"identifier": exchange}, "coin_id": coin_id, **more}


def test_only_rows_of_the_coin_itself_in_our_currencies_are_pairs() -> None:
    rows = [
        None, {}, row("ETH", "BTC", coin_id="ethereum", target_coin_id="bitcoin"), row("BTC", "EUR"),
        row("OLD", "USD", is_stale=True), row("BTC", "USDC", "binance"), row("BTC", "USDT", "binance_us"),
        row("XBT", "USD"), row("BTC2", "USD"), row("BTC", "USDT", "binance"), {**row("X", "USD"), "market": None},
        row(7, "USD"), row("", "USD"),  # type: ignore[arg-type]
    ]  # fmt: skip
    assert parse_tickers({"tickers": rows}, "bitcoin") == {"kraken": "BTC/USD", "binance": "BTCUSDT"}


@pytest.mark.parametrize("body", [None, [], {}, {"tickers": None}, {"tickers": {}}])
def test_an_answer_without_a_list_of_pairs_is_garbled(body: Any) -> None:
    with pytest.raises(SourceGarbled):
        parse_tickers(body, "bitcoin")
