"""Staff accept what a currency, or a USDT, is worth, as they accept the price of a coin."""

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from rates import store
from tests.admin.test_coins import coins, seen, show, show_good  # noqa: F401 - the fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("coins")]
SYSTEM = "admin:rates_coin_system"
PAIRS = {"USD/EUR": ("0.9", "0.99"), "USDT/USD": ("1", "0.95")}


def address(pair: str) -> str:
    return reverse("admin:rates_coin_accept", query={"pair": pair})


@pytest.fixture(params=PAIRS)
def pair(request: pytest.FixtureRequest) -> str:
    """A pair that is in dispute: a lone source has jumped."""
    good, jumped = PAIRS[request.param]
    show_good({request.param: good})
    show({request.param: jumped})
    assert store.load_states()[request.param].disputed
    return request.param


def test_the_system_page_leads_to_both_values_and_the_waiting_one_is_accepted(admin_client: Client, pair: str) -> None:
    good, waiting = PAIRS[pair]
    page = admin_client.get(reverse(SYSTEM)).content.decode()
    assert f'<a href="{reverse("admin:rates_coin_accept")}?pair={pair.replace("/", "%2F")}">Accept</a>' in page
    assert f"{waiting} from coingecko is held back" in page
    page = admin_client.get(address(pair)).content.decode()
    assert f"<td>{good}</td><td>{waiting}</td>" in page
    page = admin_client.post(address(pair), {"seen": seen(page)}, follow=True).content.decode()
    assert f"Accepted: {pair}" in page
    state = store.load_states()[pair]
    assert (state.disputed, state.shown and state.shown.price) == (False, Decimal(waiting))
    entry = LogEntry.objects.get()
    assert (entry.object_repr, entry.get_change_message()) == (pair, f"Accepted the price {waiting}.")
    assert entry.user == User.objects.get(username="admin")
    assert "Accept</a>" not in admin_client.get(reverse(SYSTEM)).content.decode()
    assert pair in admin_client.get(reverse("admin:index")).content.decode()


def test_a_value_that_was_not_shown_is_not_accepted_but_shown(admin_client: Client) -> None:
    show_good({"USD/EUR": "0.9"})
    show({"USD/EUR": "0.99"})
    page = admin_client.get(address("USD/EUR")).content.decode()
    # Nearer than coins may be to be the same price, but a currency's band is narrower.
    show({"USD/EUR": "1.005"})
    again = admin_client.post(address("USD/EUR"), {"seen": seen(page)}).content.decode()
    assert "Not accepted: USD/EUR." in again
    assert "<td>0.9</td><td>1.005</td>" in again
    assert store.load_states()["USD/EUR"].disputed
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("pair", ["USD/EUR", "USD/XXX", "BTC", ""])
def test_what_is_not_disputed_is_not_accepted(admin_client: Client, pair: str) -> None:
    show({"USD/EUR": "0.9", "BTC": "1"})
    page = admin_client.get(address(pair), follow=True)
    assert "is not disputed." in page.content.decode()
    assert page.redirect_chain


@pytest.mark.parametrize("text", ["", "forged"])
def test_shown_values_cannot_be_forged(admin_client: Client, pair: str, text: str) -> None:
    admin_client.post(address(pair), {"seen": text})
    assert store.load_states()[pair].disputed


def test_who_may_only_look_sees_no_button_and_accepts_nothing(client: Client, pair: str) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_coin"))
    client.force_login(viewer)
    page = client.get(reverse(SYSTEM)).content.decode()
    assert PAIRS[pair][1] in page
    assert "Accept</a>" not in page
    assert client.get(address(pair)).status_code == 403
    assert client.post(address(pair)).status_code == 403


def test_it_is_german_too(admin_client: Client, pair: str) -> None:
    german = {"Accept-Language": "de"}
    assert "Übernehmen</a>" in admin_client.get(reverse(SYSTEM), headers=german).content.decode()
    assert "Diesen Wert übernehmen?" in admin_client.get(address(pair), headers=german).content.decode()
    page = admin_client.get(address("USD/GBP"), headers=german, follow=True).content.decode()
    assert "USD/GBP ist nicht strittig." in page


def test_the_metrics_tell_it(client: Client, pair: str) -> None:
    told = client.get("/metrics").content.decode()
    names = (
        ["rates_usdt_disputed 1.0"]
        if pair == "USDT/USD"
        else [f'rates_currency_{mark}{{currency="eur"}} 1.0' for mark in ("disputed", "held")]
    )
    assert [name for name in names if name not in told] == []


def test_the_start_page_names_currencies_that_are_disputed(admin_client: Client, pair: str) -> None:
    page = admin_client.get(reverse("admin:index")).content.decode()
    assert f"Disputed: {pair}" in page


def test_a_coin_on_the_board_is_accepted_as_a_coin(admin_client: Client, settings) -> None:
    settings.RATES_CURRENCIES = ["btc", "sats"]
    show_good({"BTC": "100"})
    show({"BTC": "1000"})
    page = admin_client.get(reverse(SYSTEM)).content.decode()
    assert "1000 from coingecko is held back" in page
    assert "Accept</a>" not in page
