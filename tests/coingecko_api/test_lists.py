"""What there is: coins, currencies, rates of a bitcoin, a search, pictures."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from rates.coingecko_api.images import COLOURS, draw
from rates.fanout.hub import get_hub
from tests.coingecko_api.market import COINS, WORTHS, Api, make_snapshot

pytestmark = pytest.mark.django_db
STYLE = Path(__file__).resolve().parents[2] / "dashboard/static/dashboard/css/dashboard.css"
IDS = sorted(coin_id for _, _, coin_id, _ in COINS)


def test_the_list_has_our_coins_by_id(api: Api) -> None:
    coins = api.get("coins/list")
    assert [coin["id"] for coin in coins] == IDS
    assert coins[0] == {"id": "bitcoin", "symbol": "btc", "name": "Bitcoin"}


def test_the_list_may_have_platforms_and_has_no_inactive_coins(api: Api) -> None:
    assert [coin["platforms"] for coin in api.get("coins/list?include_platform=true")] == [{}] * len(COINS)
    assert [coin["id"] for coin in api.get("coins/list?status=active")] == IDS
    assert api.get("coins/list?status=inactive") == []


def test_only_currencies_that_can_be_served_are_offered(api: Api) -> None:
    codes = api.get("simple/supported_vs_currencies")
    assert sorted(codes) == sorted(["usd", *WORTHS, "btc", "eth", "xlm", "bits", "sats"])
    assert set(api.get(f"simple/price?ids=bitcoin&vs_currencies={','.join(codes)}")["bitcoin"]) == set(codes)


def test_rates_tell_what_a_bitcoin_is_worth(api: Api) -> None:
    rates = api.get("exchange_rates", read=float)["rates"]
    assert rates["usd"] == {"name": "US Dollar", "unit": "$", "value": 63250.12, "type": "fiat"}
    assert rates["btc"] == {"name": "Bitcoin", "unit": "BTC", "value": 1, "type": "crypto"}
    assert (rates["sats"]["value"], rates["sats"]["type"]) == (100_000_000, "crypto")
    assert rates["eth"]["value"] == pytest.approx(63250.12 / 3450.32)
    assert set(rates) == set(api.get("simple/supported_vs_currencies"))


def test_without_bitcoin_there_are_no_rates_of_it(api: Api) -> None:
    snapshot = make_snapshot()
    del snapshot.fragments["BTC"]
    get_hub().snapshot = snapshot
    assert "bitcoin is not among the coins" in api.error("exchange_rates", 404)
    assert "btc" not in api.get("simple/supported_vs_currencies")


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("bitcoin", ["bitcoin"]),
        ("XLM", ["stellar"]),
        ("shiba%20inu", ["shiba-inu"]),
        ("e", ["ethereum", "stellar", "brand-new"]),
        ("nothing-of-ours", []),
        ("", [coin_id for _, _, coin_id, _ in COINS]),
    ],
)
def test_a_search_finds_ids_names_and_symbols(api: Api, words: str, ids: list[str]) -> None:
    body = api.get(f"search?query={words}")
    assert [coin["id"] for coin in body["coins"]] == ids
    assert {name: body[name] for name in body if name != "coins"} == {
        "exchanges": [], "icos": [], "categories": [], "nfts": []
    }  # fmt: skip


def test_what_is_found_has_its_symbol_in_capitals_and_a_picture(api: Api) -> None:
    (coin,) = api.get("search?query=stellar")["coins"]
    picture = f"{api.url}/images/stellar.svg"
    assert coin == {
        "id": "stellar", "name": "Stellar", "api_symbol": "stellar", "symbol": "XLM", "market_cap_rank": None,
        "thumb": picture, "large": picture,
    }  # fmt: skip


def test_a_picture_is_a_letter_that_may_be_kept_for_long(api: Api) -> None:
    answer = api.ask("images/bitcoin.svg")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert int(answer.headers["Cache-Control"].rpartition("=")[2]) >= 86400
    assert "".join(ElementTree.fromstring(answer.text).itertext()) == "B"
    assert api.ask("images/bitcoin.svg", **{"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert api.ask("images/none.svg").status_code == 404


def test_pictures_have_the_colours_of_the_board() -> None:
    assert list(COLOURS) == re.findall(r"^\.hue-\d+ \{ --hue: (#\w+); \}", STYLE.read_text(), re.M)


def test_a_symbol_that_would_be_markup_is_a_letter() -> None:
    assert "".join(ElementTree.fromstring(draw("&LM")).itertext()) == "&"
