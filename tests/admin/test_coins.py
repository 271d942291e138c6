"""The admin's coin list: forms, permissions, actions, import and export."""

import csv
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from rates import feed, store
from rates.judgement import next_board
from rates.judgement.readings import STANDING
from rates.models import Coin
from rates.types import Rate
from tests.coins import pairs

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "admin:rates_coin_changelist"


@pytest.fixture
def coins() -> list[Coin]:
    names = [("BTC", "Bitcoin", "bitcoin"), ("ETH", "Ethereum", "ethereum"), ("XLM", "Stellar", "stellar")]
    return [
        Coin.objects.create(symbol=s, name=n, coingecko_id=c, **pairs(s), position=i)
        for i, (s, n, c) in enumerate(names)
    ]


def show(prices: dict[str, str], source: str = "coingecko") -> None:
    """Put *prices* on the board as a tick would."""
    now = datetime.now(UTC)
    rates = [Rate(symbol, Decimal(price), None, None, source, now, now) for symbol, price in prices.items()]
    store.update_board(lambda memory: next_board.revise(memory, list(Coin.objects.enabled()), rates, now))


def show_good(prices: dict[str, str]) -> None:
    """Put *prices* on the board, and confirm them until they are good."""
    for _ in range(STANDING):
        show(prices)


def act(client: Client, action: str, coins: Sequence[Coin], **more: str):
    data = {"action": action, "_selected_action": [coin.pk for coin in coins], **more}
    return client.post(reverse(LIST), data, follow=True)


def form(**more: object) -> dict[str, object]:
    return {
        "symbol": "DOGE", "name": "Dogecoin", "coingecko_id": "dogecoin", "binance_symbol": "",
        "enabled": "on", "position": 3, **more,
    }  # fmt: skip


def test_the_list_shows_price_age_source_and_state(admin_client, coins) -> None:
    show({"BTC": "63250.12"})
    page = admin_client.get(reverse(LIST)).content.decode()
    assert "63250.12" in page
    assert 'data-state="live"' in page
    assert 'data-state="unknown to all sources"' in page or "waiting for the first price" in page


def test_500_coins_cost_as_many_queries_as_3(admin_client, coins, django_assert_max_num_queries) -> None:
    Coin.objects.bulk_create(Coin(symbol=f"C{i}", name=f"Coin {i}", coingecko_id=f"c-{i}") for i in range(497))
    admin_client.get(reverse(LIST))
    with django_assert_max_num_queries(12):
        assert admin_client.get(reverse(LIST)).status_code == 200


def test_an_edit_is_on_the_board_at_once(admin_client, coins) -> None:
    feed.publish_coins()
    url = reverse("admin:rates_coin_change", args=[coins[2].pk])
    data = form(symbol="xlm", name="Lumen", coingecko_id="stellar", binance_symbol="XLMUSDT", position=9)
    answer = admin_client.post(url, data, follow=True)
    assert "was changed successfully" in answer.content.decode()
    wait_for(lambda: "Lumen" in board_names())


def board_names() -> list[str]:
    snapshot = store.load_snapshot()
    return [json.loads(f.json)["name"] for f in snapshot.fragments.values()] if snapshot else []


def wait_for(condition) -> None:
    deadline = datetime.now(UTC).timestamp() + 5
    while not condition():
        assert datetime.now(UTC).timestamp() < deadline


def test_an_id_that_cannot_be_checked_is_saved_with_a_warning(admin_client, coins) -> None:
    page = admin_client.post(reverse("admin:rates_coin_add"), form(), follow=True).content.decode()
    assert "could not be verified" in page
    assert Coin.objects.filter(symbol="DOGE").exists()


def test_an_id_that_coingecko_does_not_have_is_refused(admin_client, coins) -> None:
    store.save_catalog({"bitcoin": ["BTC", "Bitcoin"]}, 60)
    page = admin_client.post(reverse("admin:rates_coin_add"), form()).content.decode()
    assert "CoinGecko has no coin with the id" in page
    assert not Coin.objects.filter(symbol="DOGE").exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [("symbol", "btc"), ("symbol", "BTC"), ("symbol", "B T"), ("symbol", "X" * 41), ("symbol", "Ｂtc"),
     ("coingecko_id", "bitcoin"), ("coingecko_id", "no spaces"), ("name", ""), ("position", "-1")],
)  # fmt: skip
def test_bad_input_is_refused_and_kept_in_the_form(admin_client, coins, field: str, value: str) -> None:
    answer = admin_client.post(reverse("admin:rates_coin_add"), form(**{field: value}))
    assert "errorlist" in answer.content.decode()
    assert Coin.objects.count() == 3


def test_disable_and_enable_are_published_and_in_the_history(admin_client, coins) -> None:
    act(admin_client, "disable", coins[:2])
    assert list(Coin.objects.enabled()) == coins[2:]
    wait_for(lambda: board_names() == ["Stellar"])
    history = admin_client.get(reverse("admin:rates_coin_history", args=[coins[0].pk])).content.decode()
    assert "Disabled." in history


def seen(page: str) -> str:
    """Return what the confirmation page posts back."""
    return page.partition('name="seen" value="')[2].partition('"')[0]


def test_accepting_shows_both_prices_first(admin_client, coins) -> None:
    show_good({"BTC": "100"})
    show({"BTC": "1000"})
    assert store.load_states()["BTC"].disputed
    page = act(admin_client, "accept", coins[:1]).content.decode()
    assert "<td>100</td><td>1000</td>" in page
    show({"BTC": "1001"})
    act(admin_client, "accept", coins[:1], seen=seen(page))
    state = store.load_states()["BTC"]
    assert (state.disputed, state.shown and state.shown.price) == (False, Decimal(1001))
    history = admin_client.get(reverse("admin:rates_coin_history", args=[coins[0].pk])).content.decode()
    assert "Accepted the price 1000." in history


def test_a_price_that_was_not_shown_is_not_accepted_but_shown(admin_client, coins) -> None:
    show_good({"BTC": "100", "ETH": "5"})
    show({"BTC": "1000", "ETH": "50"})
    first = act(admin_client, "accept", coins[:2]).content.decode()
    show({"BTC": "12", "ETH": "50"})
    again = act(admin_client, "accept", coins[:2], seen=seen(first)).content.decode()
    for words in ("Not accepted: BTC.", "<td>100</td><td>12</td>", "Accepted: ETH"):
        assert words in again
    states = store.load_states()
    assert [(states[s].good, states[s].disputed) for s in ("BTC", "ETH")] == [(100, True), (50, False)]
    act(admin_client, "accept", coins[:1], seen=seen(again))
    assert store.load_states()["BTC"].good == 12


def test_a_price_is_not_accepted_for_a_symbol_that_has_become_another_coin(admin_client, coins) -> None:
    show_good({"BTC": "100"})
    show({"BTC": "1000"})
    page = act(admin_client, "accept", coins[:1]).content.decode()
    Coin.objects.filter(symbol="BTC").update(coingecko_id="batcoin")
    answer = act(admin_client, "accept", coins[:1], seen=seen(page))
    assert "None of the selected coins is disputed." in answer.content.decode()
    assert store.load_states()["BTC"].good is None


@pytest.mark.parametrize("text", ["", "forged"])
def test_shown_prices_cannot_be_forged(admin_client, coins, text: str) -> None:
    show_good({"BTC": "100"})
    show({"BTC": "1000"})
    act(admin_client, "accept", coins[:1], seen=text)
    assert store.load_states()["BTC"].good == 100


def test_fetch_now_reports_what_happened(admin_client, coins) -> None:
    page = act(admin_client, "fetch_now", coins).content.decode()
    assert "coingecko: cannot be reached" in page


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_an_export_can_be_imported_again(admin_client, coins, kind: str) -> None:
    data = act(admin_client, f"export_{kind}", coins).content
    Coin.objects.filter(symbol="XLM").delete()
    upload(admin_client, data, confirm=True)
    assert list(Coin.objects.values_list("symbol", "position")) == [("BTC", 0), ("ETH", 1), ("XLM", 2)]


def upload(client: Client, data: bytes, *, confirm: bool = False) -> str:
    url = reverse("admin:rates_coin_import")
    answer = client.post(url, {"file": SimpleUploadedFile("coins", data)})
    if confirm:
        assert answer.context["signed"]
        answer = client.post(url, {"confirm": answer.context["signed"]}, follow=True)
    return answer.content.decode()


BROKEN = {
    b"\xff\xfe\x00": "not text in UTF-8",
    b"[1, 2]": "list of objects",
    b"{broken": "not JSON",
    b"a,b\n1,2\n": "lacks: symbol, name, coingecko_id",
    b"symbol,name,coingecko_id\nDOGE,Dogecoin,dogecoin\nBA D,Bad,bad\n": "3: symbol:",
    b"symbol,name,coingecko_id,enabled\nDOGE,Dogecoin,dogecoin,perhaps\n": "allowed: true, false",
    b"symbol,name,coingecko_id\nDOGE,Dogecoin,dogecoin\nDOGE,Other,other\n": "DOGE is in line 2 already",
    b"symbol,name,coingecko_id\nBTC,Other,other\n": "BTC is bitcoin in the list",
    b'[{"symbol": "DOGE", "name": "Doge", "coingecko_id": "dogecoin", "price": 1}]': "unknown field price",
    "symbol,name,coingecko_id,position\nDOGE,Doge,dogecoin,²\n".encode(): "position is '²'; allowed: a whole number",
    b"symbol,name,coingecko_id,position\nDOGE,Doge,dogecoin," + 5000 * b"9": "a whole number of up to 18",
    b'[{"symbol": "DOGE", "name": "\\ud800", "coingecko_id": "dogecoin"}]': "surrogates not allowed",
}


@pytest.mark.parametrize(("data", "words"), BROKEN.items(), ids=BROKEN.values())
def test_a_broken_file_is_reported_and_nothing_is_imported(admin_client, coins, data: bytes, words: str) -> None:
    assert words in upload(admin_client, data).replace("&#x27;", "'")
    assert Coin.objects.count() == 3


def test_the_preview_changes_nothing(admin_client, coins) -> None:
    page = upload(admin_client, b"symbol,name,coingecko_id\nBTC,Gold,bitcoin\nDOGE,Dogecoin,dogecoin\n")
    assert "New: Dogecoin (DOGE)" in page
    assert "Changed: Gold (BTC) (name)" in page
    assert Coin.objects.get(symbol="BTC").name == "Bitcoin"


def test_symbols_of_every_kind_are_kept_as_typed(admin_client, coins) -> None:
    for number, symbol in enumerate(["USDC.e", "$MYRO", "币安人生", "FIGR_HELOC", "ETH+"]):
        admin_client.post(
            reverse("admin:rates_coin_add"), form(symbol=symbol, coingecko_id=f"coin-{number}", binance_symbol="")
        )
        assert Coin.objects.filter(symbol=symbol, coingecko_id=f"coin-{number}").exists()


def test_a_namesake_is_refused_with_a_symbol_that_is_free(admin_client, coins) -> None:
    data = form(symbol="btc", coingecko_id="bitcoin-avalanche-bridged-btc-b", binance_symbol="")
    page = admin_client.post(reverse("admin:rates_coin_add"), data).content.decode()
    assert "BTC is bitcoin already; give this coin another symbol, such as btc.b." in page


def test_rows_of_coingeckos_own_list_are_imported(admin_client, coins) -> None:
    data = (Path(__file__).parents[1] / "data" / "coins_list.csv").read_bytes()
    upload(admin_client, data, confirm=True)
    symbols = dict(Coin.objects.values_list("coingecko_id", "symbol"))
    assert set(symbols) >= {row["id"] for row in csv.DictReader(data.decode().splitlines())}
    assert (symbols["figure-heloc"], symbols["myro"], symbols["bianrensheng"]) == ("FIGR_HELOC", "$MYRO", "币安人生")
    assert symbols["open-exchange-token"] == "OX-OLD"
    assert len({symbol.casefold() for symbol in symbols.values()}) == len(symbols)


def test_a_preview_cannot_be_forged(admin_client, coins) -> None:
    url = reverse("admin:rates_coin_import")
    admin_client.post(url, {"confirm": "forged"})
    assert Coin.objects.count() == 3


def test_the_system_page_shows_the_state_of_the_service(admin_client, coins) -> None:
    show({"BTC": "1", "ETH": "2"})
    page = admin_client.get(reverse("admin:rates_coin_system")).content.decode()
    for words in ("coingecko", "Owner changes", "<td>BTC, ETH</td>", "Redis responds"):
        assert words in page


def test_the_system_page_shows_how_far_the_backfill_is_and_what_is_missing(admin_client, coins) -> None:
    address = reverse("admin:rates_coin_system")
    assert "No historical candles have been fetched yet." in admin_client.get(address).content.decode()
    gap = {"symbol": "BTC", "interval": "1h", "start": 1795564800, "end": 1795568400}
    progress = {"at": 1795576931.8, "gaps": 6, "done": 4, "now": "XLM 1d", "requests": 12, "stored": 3456}
    store.save_backfill(progress | {"missing": [gap]})
    page = admin_client.get(address).content.decode()
    assert "4 of 6 series" in page
    assert "Now: XLM 1d." in page
    assert "2026-11-25 01:00" in page


def test_coin_editors_edit_coins_and_see_the_system_page_and_nothing_else(client, coins) -> None:
    import_module("rates.migrations.0002_coin_editors").add_group(apps, None)
    editor = User.objects.create_user("editor", password="x", is_staff=True)
    editor.groups.add(Group.objects.get(name="Coin editors"))
    client.force_login(editor)
    assert client.get(reverse("admin:rates_coin_add")).status_code == 200
    assert client.get(reverse("admin:rates_coin_system")).status_code == 200
    assert client.get(reverse("admin:auth_user_changelist")).status_code == 403


@pytest.mark.parametrize("action", ["fetch_now", "accept", "enable", "disable"])
def test_view_permission_allows_no_changes(client: Client, coins, action: str) -> None:
    viewer = User.objects.create_user("viewer", password="x", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_coin"))
    client.force_login(viewer)
    page = act(client, action, coins[:1]).content.decode()
    assert "No action selected" in page
    assert f'value="{action}"' not in page
    assert Coin.objects.get(symbol="BTC").enabled


@pytest.mark.parametrize("page", ["search", "test", "import", "system"])
def test_anonymous_users_see_no_admin_page(client, coins, page: str) -> None:
    assert client.get(reverse(f"admin:rates_coin_{page}")).status_code == 302
    client.force_login(User.objects.create_user("staff", password="x", is_staff=True))
    assert client.get(reverse(f"admin:rates_coin_{page}")).status_code == 403


def test_without_coins_the_board_is_empty_and_no_source_is_queried(admin_client, coins) -> None:
    Coin.objects.all().delete()
    tick = feed.run_tick()
    assert (tick.answers, tick.saved.snapshot.fragments) == ({}, {})
    assert not [key for key in store.client().keys("rates:*") if "BTC" in key]


def test_another_id_makes_it_another_coin(admin_client, coins) -> None:
    show({"BTC": "100"})
    Coin.objects.filter(symbol="BTC").update(coingecko_id="batcoin")
    feed.publish_coins()
    snapshot = store.load_snapshot()
    assert snapshot is not None
    assert snapshot.fragments["BTC"].price is None
    assert store.load_histories(["BTC"]) == {"BTC": []}


def search(client: Client, query: str) -> dict:
    return client.get(reverse("admin:rates_coin_search"), {"q": query}).json()


def test_a_search_asks_coingecko_once_a_day(admin_client, coins, coingecko) -> None:
    found = search(admin_client, "stel")
    assert [coin["id"] for coin in found["coins"]] == ["stellar"]
    assert search(admin_client, "STEL") == found
    assert search(admin_client, "s") == {"coins": []}
    assert coingecko.calls == 1


@pytest.mark.parametrize("fault", ["500", "truncated", "empty", "hang", "error_body"])
def test_a_failed_search_says_so_and_is_not_cached(admin_client, coins, coingecko, fault: str) -> None:
    coingecko.fault = fault
    assert "coingecko" in search(admin_client, "stel")["error"]
    coingecko.fault = ""
    assert search(admin_client, "stel")["coins"]


def test_the_test_button_shows_every_source_side_by_side(admin_client, coins, coingecko, kraken) -> None:
    url = reverse("admin:rates_coin_test")
    answer = admin_client.get(
        url, {"symbol": "BTC", "coingecko_id": "bitcoin", "binance_symbol": "BTCUSDT", "kraken_symbol": "BTC/USD"}
    ).json()
    said = {finding["source"]: finding for finding in answer["findings"]}
    assert said["coingecko"]["price"] == "63250.12"
    assert said["kraken"]["distance_pct"] == "0.00"
    assert "binance" in said["binance"]["problem"]
    assert not answer["another_coin"]


def test_a_pair_of_another_coin_is_refused(admin_client, coins, coingecko, binance) -> None:
    coingecko.ids["dogecoin"] = "DOGE"
    coingecko.prices["DOGE"] = Decimal("0.12")
    page = admin_client.post(reverse("admin:rates_coin_add"), form(binance_symbol="ETHUSDT")).content.decode()
    assert "ETHUSDT is a different coin" in page
    assert not Coin.objects.filter(symbol="DOGE").exists()


def test_a_pair_that_binance_does_not_have_is_a_warning(admin_client, coins, coingecko, binance) -> None:
    coingecko.ids["dogecoin"] = "DOGE"
    coingecko.prices["DOGE"] = Decimal("0.12")
    page = admin_client.post(reverse("admin:rates_coin_add"), form(binance_symbol="DOGEUSDT"), follow=True)
    assert "DOGEUSDT could not be verified (binance has no price for DOGEUSDT)" in page.content.decode()
    assert not Coin.objects.get(symbol="DOGE").binance_verified


def test_a_coin_that_no_tick_has_seen_yet_waits_for_its_first_price(admin_client, coins) -> None:
    show({"BTC": "63250.12"})
    admin_client.post(reverse("admin:rates_coin_add"), form())
    assert 'data-state="waiting for the first price"' in admin_client.get(reverse(LIST)).content.decode()


def test_switching_says_what_it_did(admin_client, coins) -> None:
    page = act(admin_client, "disable", coins[:2]).content.decode()
    assert "Off the board now: BTC, ETH." in page
    page = act(admin_client, "enable", coins).content.decode()
    assert "On the board now: BTC, ETH." in page
    assert "1 were enabled already." in page


def test_a_fetch_counts_the_selected_coins_alone(admin_client, coins, coingecko) -> None:
    page = act(admin_client, "fetch_now", coins[:2]).content.decode()
    assert "Coingecko: prices of 2 of the 2 selected coins" in page


def test_a_fetch_says_why_a_source_was_not_asked(admin_client, coins, coingecko, settings) -> None:
    now = datetime.now(UTC)
    rates = [Rate(coin.symbol, Decimal(1), None, None, "binance", now, now) for coin in coins]
    feed.publish_streamed(rates, coins)
    settings.RATES_SOURCES = ("coingecko", "binance")
    assert "Binance: not asked, its stream delivers" in act(admin_client, "fetch_now", coins).content.decode()


def test_a_pair_in_small_letters_is_the_vendors(admin_client, coins) -> None:
    admin_client.post(reverse("admin:rates_coin_add"), form(binance_symbol="dogeusdt", kraken_symbol="doge/usd"))
    coin = Coin.objects.get(symbol="DOGE")
    assert (coin.binance_symbol, coin.kraken_symbol) == ("DOGEUSDT", "DOGE/USD")


SPREADSHEETS = {
    "semicolons and decimal commas": "symbol;name;coingecko_id;enabled;binance_symbol;binance_factor;position\n"
    "DOGE;Dogecoin;dogecoin;WAHR;dogeusdt;1,00;7,0\n",
    "tabs": "symbol\tname\tcoingecko_id\tenabled\tbinance_symbol\tbinance_factor\tposition\n"
    "DOGE\tDogecoin\tdogecoin\tTRUE\tDOGEUSDT\t1\t7\n",
    "commas": "symbol,name,coingecko_id,enabled,binance_symbol,binance_factor,position\n"
    "DOGE,Dogecoin,dogecoin,yes,DOGEUSDT,1.0,7\n",
}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("text", SPREADSHEETS.values(), ids=SPREADSHEETS.keys())
def test_what_spreadsheets_write_is_read(admin_client, coins, text: str, encoding: str) -> None:
    upload(admin_client, text.encode(encoding), confirm=True)
    coin = Coin.objects.get(coingecko_id="dogecoin")
    assert (coin.enabled, coin.binance_symbol, coin.binance_factor, coin.position) == (True, "DOGEUSDT", 1, 7)


def test_rows_without_a_position_go_to_the_end(admin_client, coins) -> None:
    data = b"symbol,name,coingecko_id,position\nDOGE,Dogecoin,dogecoin,\nLTC,Litecoin,litecoin,\nBTC,Gold,bitcoin,\n"
    upload(admin_client, data, confirm=True)
    assert list(Coin.objects.values_list("symbol", "position")) == [
        ("BTC", 0), ("ETH", 1), ("XLM", 2), ("DOGE", 3), ("LTC", 4),
    ]  # fmt: skip


def test_a_search_without_a_hit_is_sent_again_after_minutes(admin_client, coins, coingecko) -> None:
    assert search(admin_client, "nosuchcoin") == {"coins": []}
    left = [store.client().ttl(key) for key in store.client().scan_iter("*search*")]
    assert left
    assert max(left) <= 300
