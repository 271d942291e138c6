"""The exchanges' pairs of a coin in the admin: proposed, checked when they are saved, vouched for, in files."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from rates.models import Coin
from rates.types import percent_text
from tests.stand_ins.coingecko import CoinGecko
from tests.world import World, shown

pytestmark = pytest.mark.django_db(transaction=True)
ADD = "admin:rates_coin_add"
# CoinGecko id, symbol, its price; the pair of that name is another coin's, and its price a thousandth.
TERRA = ("terra-luna-2", "LUNA", "0.1021", "0.0000398")


@pytest.fixture
def vendors(world: World) -> World:
    """The three vendors, which know some more coins: a namesake, one in units of a thousand, one of another script."""
    coingecko = world.stand_ins["coingecko"]
    assert isinstance(coingecko, CoinGecko)
    coingecko.ids |= {"terra-luna-2": "LUNA", "1000sats": "SATS", "bianrensheng": "币安人生", "dogecoin": "DOGE"}
    coingecko.prices |= {
        "LUNA": Decimal(TERRA[2]), "SATS": Decimal("0.00000031"),
        "币安人生": Decimal("0.1521"), "DOGE": Decimal("0.12"),
    }  # fmt: skip
    coingecko.tickers["1000sats"] = [("binance", "1000SATS", "USDT")]
    for exchange in ("binance", "kraken"):
        world.stand_ins[exchange].prices |= {
            "LUNA": Decimal(TERRA[3]), "LUNA2": Decimal("0.1022"), "1000SATS": Decimal("0.000311"),
            "币安人生": Decimal("0.1522"), "DOGE": Decimal("0.1201"),
        }  # fmt: skip
    return world


def form(coin_id: str, symbol: str, **more: Any) -> dict[str, Any]:
    """Return what the page of a new coin posts."""
    empty = {"binance_symbol": "", "binance_factor": 1, "kraken_symbol": "", "kraken_factor": 1}
    known = {"symbol": symbol, "name": symbol, "coingecko_id": coin_id, "enabled": "on", "position": 9}
    return known | empty | more


def add(client: Client, *args: Any, **more: Any) -> str:
    return client.post(reverse(ADD), form(*args, **more), follow=True).content.decode().replace("&#x27;", "'")


def change(client: Client, coin: Coin, **more: Any) -> str:
    """Return what the admin says when the page of *coin* is saved with some fields changed."""
    page = client.get(reverse("admin:rates_coin_change", args=[coin.pk]))
    fields = page.context["adminform"].form
    data = {name: fields[name].value() for name in fields.fields if not name.startswith("vouch")}
    answer = client.post(reverse("admin:rates_coin_change", args=[coin.pk]), data | more, follow=True)
    return answer.content.decode().replace("&#x27;", "'")


def verified(coin_id: str) -> tuple[bool, bool | None]:
    coin = Coin.objects.get(coingecko_id=coin_id)
    return coin.binance_verified, coin.kraken_verified


def test_a_pair_whose_price_agrees_is_verified_when_it_is_saved(admin_client: Client, vendors: World) -> None:
    add(admin_client, "dogecoin", "DOGE", binance_symbol="DOGEUSDT", kraken_symbol="DOGE/USD")
    assert verified("dogecoin") == (True, True)


@pytest.mark.parametrize("more", [{}, {"vouch_kraken": "on", "vouch_binance": "on"}], ids=["", "vouched"])
def test_a_namesakes_pair_is_refused_with_its_distance(admin_client: Client, vendors: World, more: Any) -> None:
    page = add(admin_client, "terra-luna-2", "LUNA", binance_symbol="LUNAUSDT", kraken_symbol="LUNA/USD", **more)
    assert (
        "LUNAUSDT is a different coin: its price on Binance differs from this coin's at CoinGecko by 256,407 %" in page
    )
    assert (
        "LUNA/USD is a different coin: its price on Kraken differs from this coin's at CoinGecko by 256,433 %" in page
    )
    assert not Coin.objects.filter(symbol="LUNA").exists()


def test_a_pair_beyond_agreement_is_asked_about_and_saved_when_staff_vouch(
    admin_client: Client, vendors: World
) -> None:
    vendors.stand_ins["kraken"].prices["LUNA2"] = Decimal("0.10721")
    fields = {"binance_symbol": "LUNA2USDT", "kraken_symbol": "LUNA2/USD"}
    page = add(admin_client, "terra-luna-2", "LUNA", **fields)
    assert "The price of LUNA2/USD differs from this coin's at CoinGecko by 5 %. Choose another pair" in page
    assert not Coin.objects.filter(symbol="LUNA").exists()
    page = add(admin_client, "terra-luna-2", "LUNA", vouch_kraken="on", **fields)
    assert "by 5 %; it counts, as you vouch for it" in page
    assert verified("terra-luna-2") == (True, True)


@pytest.mark.parametrize("fault", ["500", "429", "missing"])
def test_a_pair_that_cannot_be_checked_is_saved_unverified_with_a_warning(
    admin_client: Client, vendors: World, fault: str
) -> None:
    vendors.misbehave({"coingecko": fault}, "DOGE")
    page = add(admin_client, "dogecoin", "DOGE", binance_symbol="DOGEUSDT", kraken_symbol="DOGE/USD")
    assert "DOGE/USD could not be verified (coingecko" in page
    assert verified("dogecoin") == (False, False)


def test_a_pair_that_cannot_be_checked_counts_when_staff_vouch_for_it(admin_client: Client, vendors: World) -> None:
    vendors.misbehave({"kraken": "500"})
    page = add(admin_client, "dogecoin", "DOGE", kraken_symbol="DOGE/USD", vouch_kraken="on")
    assert "DOGE/USD could not be verified (kraken: out of order (500)); it counts because you vouch for it." in page
    assert verified("dogecoin") == (False, True)


def test_the_wrong_factor_is_refused_and_the_right_one_verified(admin_client: Client, vendors: World) -> None:
    page = add(admin_client, "1000sats", "SATS", binance_symbol="1000SATSUSDT")
    assert "1000SATSUSDT is a different coin" in page
    add(admin_client, "1000sats", "SATS", binance_symbol="1000SATSUSDT", binance_factor=1000)
    assert verified("1000sats") == (True, False)


@pytest.mark.parametrize("factor", [0, -1, 7, 10**10, "x"])
def test_a_factor_that_is_no_power_of_ten_is_refused(admin_client: Client, vendors: World, factor: object) -> None:
    assert "errorlist" in add(admin_client, "dogecoin", "DOGE", binance_symbol="DOGEUSDT", binance_factor=factor)
    assert not Coin.objects.filter(symbol="DOGE").exists()


def test_an_unchanged_pair_keeps_its_state_and_costs_no_call(admin_client: Client, vendors: World) -> None:
    coin = Coin.objects.create(symbol="LUNA", name="Terra", coingecko_id="terra-luna-2", kraken_symbol="LUNA/USD")
    for state in (False, True):
        Coin.objects.filter(pk=coin.pk).update(kraken_verified=state)
        before = sum(stand_in.calls for stand_in in vendors.stand_ins.values())
        assert "was changed successfully" in change(admin_client, coin, name="Terra 2.0")
        assert verified("terra-luna-2") == (False, state)
        assert sum(stand_in.calls for stand_in in vendors.stand_ins.values()) == before


def test_another_pair_another_factor_and_another_id_have_to_agree_again(admin_client: Client, vendors: World) -> None:
    coin = Coin.objects.get(symbol="XLM")
    assert "is a different coin" in change(admin_client, coin, kraken_symbol="BTC/USD")
    assert "is a different coin" in change(admin_client, coin, kraken_factor=10)
    assert "is a different coin" in change(admin_client, coin, coingecko_id="dogecoin")
    vendors.misbehave({"coingecko": "500"})
    change(admin_client, coin, kraken_symbol="DOGE/USD")
    assert verified("stellar") == (True, False)


def test_staff_may_vouch_for_a_saved_pair_that_is_far_away(admin_client: Client, vendors: World) -> None:
    coin = Coin.objects.create(symbol="LUNA", name="Terra", coingecko_id="terra-luna-2", kraken_symbol="LUNA/USD")
    page = change(admin_client, coin, vouch_kraken="on")
    assert "by 256,433 %; it counts, as you vouch for it" in page
    assert verified("terra-luna-2") == (False, True)


def test_a_coin_from_before_pairs_were_kept_shows_the_pair_that_is_tried(admin_client: Client, vendors: World) -> None:
    coin = Coin.objects.create(symbol="DOGE", name="Doge", coingecko_id="dogecoin", kraken_verified=None)
    page = admin_client.get(reverse("admin:rates_coin_change", args=[coin.pk])).content.decode()
    assert 'value="DOGE/USD"' in page
    change(admin_client, coin, name="Dogecoin")
    assert verified("dogecoin") == (False, None)
    change(admin_client, coin, kraken_symbol="")
    coin.refresh_from_db()
    assert (coin.kraken_verified, coin.pairs) == (False, {})


def test_where_no_source_is_asked_by_id_pairs_are_saved_and_it_says_so(
    admin_client: Client, vendors: World, settings: Settings
) -> None:
    settings.RATES_SOURCES = ["binance"]
    page = add(admin_client, "dogecoin", "DOGE", binance_symbol="DOGEUSDT", kraken_symbol="DOGE/USD")
    assert "DOGEUSDT could not be verified (no source in use is asked by id)" in page
    assert "DOGE/USD could not be verified (Kraken is not in use)" in page


def test_prices_are_compared_in_one_currency(admin_client: Client, vendors: World) -> None:
    """A USDT of 0.9 dollars makes Binance's prices a ninth higher, and no other coin's."""
    for stand_in in vendors.stand_ins.values():
        stand_in.prices["USDT"] = Decimal("0.9")
    vendors.stand_ins["binance"].prices["DOGE"] = Decimal("0.1334")
    add(admin_client, "dogecoin", "DOGE", binance_symbol="DOGEUSDT")
    assert verified("dogecoin") == (True, False)


def test_two_coins_may_share_a_pair_and_staff_are_told(admin_client: Client, vendors: World) -> None:
    vendors.stand_ins["coingecko"].ids["wrapped-stellar"] = "WXLM"  # type: ignore[union-attr]
    vendors.stand_ins["coingecko"].prices["WXLM"] = Decimal("0.1043")
    page = add(admin_client, "wrapped-stellar", "WXLM", kraken_symbol="XLM/USD")
    assert "XLM/USD is the pair of Stellar (XLM) too." in page
    vendors.tick(2)
    assert verified("wrapped-stellar") == (False, True)


def test_a_coin_has_one_id_and_the_id_one_coin(admin_client: Client, vendors: World) -> None:
    page = add(admin_client, "stellar", "XLM.2")
    assert "Coin with this CoinGecko id already exists." in page


def test_who_may_only_view_sees_the_pairs(client: Client, vendors: World) -> None:
    viewer = User.objects.create_user("viewer", password="x", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_coin"))
    client.force_login(viewer)
    page = client.get(reverse("admin:rates_coin_change", args=[Coin.objects.get(symbol="BTC").pk]))
    assert page.status_code == 200
    assert "BTC/USD" in page.content.decode()
    for name in ("propose", "test", "search"):
        assert client.get(reverse(f"admin:rates_coin_{name}")).status_code == 403


def look_up(client: Client, name: str, **query: str) -> dict[str, Any]:
    result: dict[str, Any] = client.get(reverse(f"admin:rates_coin_{name}"), query).json()
    return result


def test_pairs_are_proposed_from_coingeckos_mapping_with_the_factor_that_prices_tell(
    admin_client: Client, vendors: World
) -> None:
    said = look_up(admin_client, "propose", symbol="SATS", coingecko_id="1000sats")
    assert said["fields"] == {
        "binance_symbol": "1000SATSUSDT", "binance_factor": 1000,
    }  # fmt: skip
    rows = {row["source"]: row for row in said["findings"]}
    assert (rows["binance"]["asked"], rows["kraken"]["problem"]) == ("1000SATSUSDT/1000", "no pair")
    assert Decimal(rows["binance"]["distance_pct"]) < 1
    said = look_up(admin_client, "propose", symbol="币安人生", coingecko_id="bianrensheng")
    assert said["fields"]["binance_symbol"] == "币安人生USDT"
    assert look_up(admin_client, "propose", coingecko_id="nobody")["error"] == "coingecko: coin not found"


def test_a_namesakes_pairs_are_not_proposed_by_its_symbol(admin_client: Client, vendors: World) -> None:
    vendors.stand_ins["coingecko"].tickers["terra-luna-2"] = []  # type: ignore[union-attr]
    said = look_up(admin_client, "propose", symbol="LUNA", coingecko_id="terra-luna-2")
    assert said["fields"] == {}


def test_what_could_not_be_told_stays_as_it_was_entered(admin_client: Client, vendors: World) -> None:
    entered = {"symbol": "SATS", "coingecko_id": "1000sats", "binance_symbol": "1000satsusdt", "binance_factor": "1000",
               "kraken_symbol": "sats/usd"}  # fmt: skip
    vendors.stand_ins["binance"].fault = "error_body"
    said = look_up(admin_client, "propose", **entered)
    assert said["fields"] == {"binance_symbol": "1000SATSUSDT", "binance_factor": 1000}
    assert "SATS/USD" in said["said"]


def test_the_test_shows_each_source_with_its_pair(admin_client: Client, vendors: World) -> None:
    said = look_up(
        admin_client, "test", symbol="SATS", coingecko_id="1000sats", binance_symbol="1000SATSUSDT",
        binance_factor="1000", kraken_symbol="SATS/USD",
    )  # fmt: skip
    rows = {row["source"]: (row["asked"], row["problem"]) for row in said["findings"]}
    assert rows == {
        "coingecko": ("1000sats", ""), "binance": ("1000SATSUSDT/1000", ""),
        "kraken": ("SATS/USD", "kraken has no price for SATS/USD"),
    }  # fmt: skip
    assert not said["another_coin"]


def test_the_finder_names_a_free_symbol_for_a_namesake(admin_client: Client, vendors: World) -> None:
    vendors.stand_ins["coingecko"].ids |= {"bitcoin-avalanche-bridged-btc-b": "BTC"}  # type: ignore[union-attr]
    found = {coin["id"]: coin["free_symbol"] for coin in look_up(admin_client, "search", q="bitcoin")["coins"]}
    assert found == {"bitcoin": "BTC", "bitcoin-avalanche-bridged-btc-b": "BTC.b"}


def test_the_list_shows_pairs_with_factor_and_state(admin_client: Client, vendors: World) -> None:
    Coin.objects.create(
        symbol="SATS", name="Sats", coingecko_id="1000sats", binance_symbol="1000SATSUSDT", binance_factor=1000
    )
    page = admin_client.get(reverse("admin:rates_coin_changelist")).content.decode()
    assert "<div>1000SATSUSDT/1000 <small>not verified</small></div>" in page
    assert "<div>BTC/USD <small></small></div>" in page


def upload(client: Client, data: str) -> str:
    """Return what the preview says; import the file when it may be."""
    url = reverse("admin:rates_coin_import")
    answer = client.post(url, {"file": SimpleUploadedFile("coins", data.encode())})
    page = answer.content.decode()
    client.post(url, {"confirm": answer.context.get("signed", "")}, follow=True)
    return page


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_files_carry_pairs_with_factor_and_state(admin_client: Client, vendors: World, kind: str) -> None:
    Coin.objects.create(
        symbol="SATS", name="Sats", coingecko_id="1000sats", binance_symbol="1000SATSUSDT", binance_factor=1000,
        binance_verified=True, kraken_symbol="SATS/USD", kraken_verified=False,
    )  # fmt: skip
    before = list(Coin.objects.values())
    ids = [coin["id"] for coin in before]
    data = {"action": f"export_{kind}", "_selected_action": ids}
    exported = admin_client.post(reverse("admin:rates_coin_changelist"), data).content.decode()
    Coin.objects.filter(symbol="SATS").delete()
    upload(admin_client, exported)
    assert [{**coin, "id": 0} for coin in Coin.objects.values()] == [{**coin, "id": 0} for coin in before]


def test_a_file_that_changes_a_pair_without_vouching_for_it_makes_it_unverified(
    admin_client: Client, vendors: World
) -> None:
    upload(admin_client, "symbol,name,coingecko_id,binance_symbol\nXLM,Stellar,stellar,XLMUSDT\n")
    assert verified("stellar") == (True, True)
    page = upload(admin_client, "symbol,name,coingecko_id,kraken_symbol\nXLM,Stellar,stellar,XXLM/USD\n")
    assert "(kraken_symbol, kraken_verified)" in page
    assert verified("stellar") == (True, False)
    coin = [{"symbol": "XLM", "name": "Stellar", "coingecko_id": "stellar", "kraken_verified": True}]
    upload(admin_client, json.dumps(coin))
    assert verified("stellar") == (True, True)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("binance_factor", "7", "power of ten"),
        ("binance_factor", "x", "allowed: a whole number"),
        ("kraken_verified", "perhaps", "allowed: true, false"),
        ("kraken_symbol", "XLM", "own name of the pair"),
    ],
)
def test_a_file_with_an_odd_pair_is_refused(
    admin_client: Client, vendors: World, field: str, value: str, words: str
) -> None:
    page = upload(admin_client, f"symbol,name,coingecko_id,{field}\nXLM,Stellar,stellar,{value}\n")
    assert words in page.replace("&#x27;", "'")


def states(client: Client, symbol: str) -> str:
    """Return what list and system page say about a coin, each in the order of its page."""
    pages = [client.get(reverse(f"admin:rates_coin_{name}")).content.decode() for name in ("changelist", "system")]
    rows = [next(row for row in page.split("<tr") if f">{symbol}<" in row) for page in pages]
    return " ".join(rows).replace("&#x27;", "'")


def test_a_doubtful_pair_is_named_until_staff_vouch_for_it(
    admin_client: Client, vendors: World, caplog: pytest.LogCaptureFixture
) -> None:
    coin = Coin.objects.create(symbol="LUNA", name="Terra", coingecko_id="terra-luna-2", kraken_symbol="LUNA/USD")
    line = "Kraken's LUNA/USD is far from this coin's price (256,433 %): not used"
    vendors.tick(4)
    assert states(admin_client, "LUNA").count(line) == 2
    assert caplog.text.count(f"LUNA: {line} until its price agrees or staff vouch for it") == 1
    assert (shown("LUNA")["source"], shown("LUNA")["disputed"]) == ("coingecko", False)
    change(admin_client, coin, vouch_kraken="on")
    vendors.tick()
    assert "not used" not in states(admin_client, "LUNA")


def test_a_pair_that_could_not_be_compared_is_named_and_its_first_agreement_logged_once(
    admin_client: Client, vendors: World, caplog: pytest.LogCaptureFixture
) -> None:
    Coin.objects.create(symbol="DOGE", name="Doge", coingecko_id="dogecoin", binance_symbol="DOGEUSDT")
    line = "Binance's DOGEUSDT is not verified yet: not used until its price agrees"
    assert states(admin_client, "DOGE").count(line) == 2
    with caplog.at_level("INFO", "rates.store.coin_list"):
        vendors.tick(4)
    assert line not in states(admin_client, "DOGE")
    assert caplog.text.count("DOGE: DOGEUSDT is this coin's pair, its price agrees") == 1
    assert verified("dogecoin") == (True, False)


@pytest.mark.parametrize(
    ("distance", "text"),
    [("2.50", "2.5"), ("31.7993351694", "31.8"), ("10.00", "10"), ("99900.00", "99,900"), ("256432.66", "256,433")],
)
def test_distances_read_well(distance: str, text: str) -> None:
    assert percent_text(Decimal(distance)) == text


def test_nothing_in_the_form_guesses_a_pair_from_a_symbol() -> None:
    script = (Path(__file__).parents[2] / "rates/static/rates/admin/coin_form.js").read_text()
    assert "USDT" not in script
