"""Ids and pairs of an import are checked as in the form of one coin."""

from collections.abc import Iterator

import pytest
from django.test import Client

from rates import store
from rates.models import Coin
from tests.admin.test_pairs import upload, vendors, verified  # noqa: F401 - the fixture
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)

HEAD = "symbol,name,coingecko_id,binance_symbol\n"


@pytest.fixture(autouse=True)
def no_catalog() -> Iterator[None]:
    store.client().flushall()
    return


def test_a_pair_that_agrees_is_verified_by_the_preview(admin_client: Client, vendors: World) -> None:  # noqa: F811
    upload(admin_client, HEAD + "DOGE,Dogecoin,dogecoin,dogeusdt\n")
    assert verified("dogecoin")[0]


def test_a_namesakes_pair_and_an_unknown_id_are_refused(admin_client: Client, vendors: World) -> None:  # noqa: F811
    page = upload(admin_client, HEAD + "LUNA,Terra,terra-luna-2,LUNAUSDT\nNOPE,Nope,no-such-coin,\n")
    assert "LUNA: LUNAUSDT is a different coin" in page
    assert "CoinGecko has no coin with the id “no-such-coin”." in page
    assert not Coin.objects.filter(coingecko_id__in=["terra-luna-2", "no-such-coin"])


def test_what_cannot_be_asked_is_imported_and_told(admin_client: Client, vendors: World) -> None:  # noqa: F811
    vendors.misbehave(dict.fromkeys(vendors.stand_ins, "500"))
    page = upload(admin_client, HEAD + "DOGE,Dogecoin,dogecoin,DOGEUSDT\n")
    assert "The ids could not be verified (coingecko: out of order (500))." in page
    assert "DOGE: DOGEUSDT could not be verified" in page
    assert verified("dogecoin") == (False, False)


def test_a_long_file_is_compared_when_prices_come(admin_client: Client, vendors: World) -> None:  # noqa: F811
    rows = "".join(f"C{number},Coin,c-{number},C{number}USDT\n" for number in range(201))
    vendors.misbehave({"coingecko": "500"})
    calls = vendors.stand_ins["binance"].calls
    assert "The pairs of 201 coins are compared when prices come" in upload(admin_client, HEAD + rows)
    assert vendors.stand_ins["binance"].calls == calls
