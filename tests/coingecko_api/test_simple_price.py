"""`/simple/price`: every parameter, and what is never in an answer."""

import json
import re
import time
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rates.coingecko_api import simple_price
from rates.coingecko_api.board import make_board
from rates.coingecko_api.catalog import make_catalog
from rates.coingecko_api.parameters import Refusal, read_query
from rates.coingecko_api.replies import ENCODER
from rates.fanout.hub import get_hub
from tests.coingecko_api.market import COINS, MARKET_CAPS, PRICED, SHIB, Api, Marks, make_snapshot
from tests.coingecko_api.questions import INCLUDED

pytestmark = pytest.mark.django_db


def test_prices_are_those_of_the_board_with_every_digit(api: Api) -> None:
    assert api.get("simple/price?ids=bitcoin,shiba-inu&vs_currencies=usd") == {
        "bitcoin": {"usd": PRICED["bitcoin"]}, "shiba-inu": {"usd": Decimal(SHIB)},
    }  # fmt: skip


def test_all_that_can_be_included(api: Api) -> None:
    switches = "&".join(f"include_{part}=true" for part in ("market_cap", "24hr_vol", "24hr_change", "last_updated_at"))
    (coin,) = api.get(f"simple/price?ids=bitcoin&vs_currencies=usd,EUR&{switches}").values()
    assert list(coin) == [
        *("usd", "usd_market_cap", "usd_24h_vol", "usd_24h_change"),
        *("eur", "eur_market_cap", "eur_24h_vol", "eur_24h_change", "last_updated_at"),
    ]
    assert coin["usd_market_cap"] == MARKET_CAPS["bitcoin"]
    assert coin["usd_24h_change"] == Decimal("-1.41")
    assert float(coin["eur"]) == pytest.approx(63250.12 * 0.92)
    assert float(coin["eur_24h_change"]) == pytest.approx((0.9859 * 1.005 - 1) * 100)
    assert 0 <= time.time() - int(coin["last_updated_at"]) < 60


def test_what_is_not_known_is_null(api: Api) -> None:
    (coin,) = api.get("simple/price?ids=ethereum&vs_currencies=usd&include_market_cap=true").values()
    assert coin == {"usd": PRICED["ethereum"], "usd_market_cap": None}


def test_coins_that_are_currencies_too(api: Api) -> None:
    coins = api.get("simple/price?ids=bitcoin,ethereum&vs_currencies=btc,eth,sats,bits&include_24hr_change=true")
    bitcoin, ether = coins["bitcoin"], coins["ethereum"]
    assert (bitcoin["btc"], bitcoin["bits"], bitcoin["sats"]) == (1, 10**6, 10**8)
    assert float(ether["btc"]) == pytest.approx(3450.32 / 63250.12)
    assert float(ether["sats"]) == pytest.approx(1e8 * 3450.32 / 63250.12)
    assert bitcoin["btc_24h_change"] == 0
    assert float(ether["btc_24h_change"]) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("ids=bitcoin", ["bitcoin"]),
        ("ids=BITCOIN,%20Ethereum%20", ["bitcoin", "ethereum"]),
        ("ids=bitcoin%2Cethereum,bitcoin", ["bitcoin", "ethereum"]),
        ("ids=nothing", []),
        ("ids=bitcoin,nothing", ["bitcoin"]),
        ("ids=off", []),
        ("symbols=BTC,eth", ["btc", "eth"]),
        ("symbols=btc&include_tokens=all", ["btc"]),
        ("symbols=btc&include_tokens=top", ["btc"]),
        ("names=Bitcoin,shiba%20inu", ["Bitcoin", "Shiba Inu"]),
        ("names=Bitcoin&symbols=eth", ["Bitcoin"]),
        ("ids=ethereum&names=Bitcoin&symbols=xlm", ["ethereum"]),
        ("ids=&symbols=xlm", ["xlm"]),
        ("ids=bitcoin&x_cg_demo_api_key=CG-1&anything=1&ids=stellar", ["stellar"]),
    ],
)
def test_coins_are_named_in_many_ways(api: Api, query: str, keys: list[str]) -> None:
    assert list(api.get(f"simple/price?{query}&vs_currencies=usd")) == keys


def test_a_currency_that_is_not_known_has_no_key(api: Api) -> None:
    assert api.get("simple/price?ids=bitcoin&vs_currencies=kes") == {"bitcoin": {}}
    assert list(api.get("simple/price?ids=bitcoin&vs_currencies=kes,USD,usd")["bitcoin"]) == ["usd"]


def test_a_coin_without_a_price_has_no_keys(api: Api) -> None:
    query = "ids=brand-new&vs_currencies=usd&include_market_cap=true&include_last_updated_at=true&include_trust=true"
    assert api.get(f"simple/price?{query}") == {"brand-new": {}}


@pytest.mark.parametrize(
    ("precision", "price"),
    [("full", "63250.12"), ("0", "63250"), ("1", "63250.1"), ("2", "63250.12"), ("18", "63250.12")],
)
def test_precision_rounds_the_price_alone(api: Api, precision: str, price: str) -> None:
    query = f"ids=bitcoin&vs_currencies=usd&include_market_cap=true&precision={precision}"
    assert api.get(f"simple/price?{query}", read=str)["bitcoin"] == {
        "usd": price, "usd_market_cap": str(MARKET_CAPS["bitcoin"])
    }  # fmt: skip


def test_no_price_is_rounded_to_nothing(api: Api) -> None:
    for precision in range(19):
        (coin,) = api.get(f"simple/price?ids=shiba-inu&vs_currencies=usd,btc&precision={precision}").values()
        assert all(coin.values())


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("ids=bitcoin", 422, "Missing parameter vs_currencies"),
        ("ids=bitcoin&vs_currencies=", 422, "Missing parameter vs_currencies"),
        ("vs_currencies=usd", 422, "Missing parameter ids"),
        ("ids=&vs_currencies=usd", 422, "Missing parameter ids"),
        ("ids=bitcoin&vs_currencies=usd&precision=19", 400, "invalid precision: '19'; allowed: full, 0 to 18"),
        ("ids=bitcoin&vs_currencies=usd&precision=many", 400, "invalid precision: 'many'; allowed: full, 0 to 18"),
    ],
)
def test_what_is_missing_or_wrong_is_named(api: Api, query: str, status: int, words: str) -> None:
    assert api.error(f"simple/price?{query}", status) == words


names = st.lists(st.sampled_from(["bitcoin", "ETHEREUM", "shiba-inu", "brand-new", "btc", "Bitcoin", "none", " ", ""]))
codes = st.lists(st.sampled_from(["usd", "EUR", "btc", "sats", "eth", "kes", " jpy", ""]))
switches = st.sampled_from(["true", "false", "1", "True", "", "maybe"])
questions = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("ids", "names", "symbols"), names.map(",".join)),
        "vs_currencies": codes.map(",".join),
        **dict.fromkeys((*INCLUDED, "unheard_of"), switches),
        "precision": st.sampled_from(["full", *map(str, range(19))]),
        "include_tokens": st.sampled_from(["top", "all"]),
    },
)
FIELD = re.compile(r"[a-z]+(_market_cap|_24h_vol|_24h_change)?|last_updated_at")


@given(questions)
def test_every_answer_has_the_shape_of_coingeckos(params: dict[str, str]) -> None:
    board = make_board(make_snapshot(), make_catalog([(i, symbol, name) for symbol, name, i, _ in COINS]), MARKET_CAPS)
    try:
        body, _ = simple_price.answer(board, read_query(urlencode(params)))
    except Refusal as refusal:
        assert refusal.status == 422  # noqa: PT017 - most questions have an answer
        return
    told = json.loads(ENCODER.encode(body))
    assert isinstance(told, dict)
    for coin in told.values():
        assert all(FIELD.fullmatch(name) for name in coin)
        for name, value in coin.items():
            may_be_null = "_" in name and name != "last_updated_at"
            assert (type(value) in (int, float) and (value > 0 or "change" in name)) or (value is None and may_be_null)


def trusted(api: Api, currency: str) -> tuple[Any, Any, str | None, str | None]:
    """Return whether bitcoin's price is stale and disputed, by the body and by the headers."""
    answer = api.ask(f"simple/price?ids=bitcoin,ethereum&vs_currencies={currency}&include_trust=true")
    coin = answer.json()["bitcoin"]
    return coin["stale"], coin["disputed"], answer.headers.get("X-Rates-Stale"), answer.headers.get("X-Rates-Disputed")


def test_a_price_that_is_not_to_be_trusted_says_so(api: Api) -> None:
    assert trusted(api, "usd") == (False, False, None, None)
    get_hub().snapshot = make_snapshot(2, {"bitcoin": Marks(disputed=True)})
    assert trusted(api, "usd") == (False, True, None, "bitcoin")
    get_hub().snapshot = make_snapshot(3, {"bitcoin": Marks(stale=True)})
    assert trusted(api, "usd") == (True, False, "bitcoin", None)


def test_a_price_in_a_currency_that_is_not_to_be_trusted_says_so(api: Api) -> None:
    get_hub().snapshot = make_snapshot(2, euro=Marks(disputed=True))
    assert trusted(api, "usd") == (False, False, None, None)
    assert trusted(api, "eur") == (False, True, None, "bitcoin,ethereum")
