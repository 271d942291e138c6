"""The start page of the admin: its name, its links, and what is wrong now."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from rates import store
from tests.admin.test_coins import coins, show  # noqa: F401 - the fixture

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_says_what_is_wrong_now_and_leads_to_our_pages(admin_client: Client, coins) -> None:  # noqa: F811
    page = admin_client.get(reverse("admin:index")).content.decode()
    assert "Waiting for the first price: BTC, ETH, XLM" in page
    show({"BTC": "63250.12", "ETH": "3450.32"})
    page = admin_client.get(reverse("admin:index")).content.decode()
    assert "Waiting for the first price: XLM" in page
    for name in ("changelist", "system", "import"):
        assert f'href="{reverse(f"admin:rates_coin_{name}")}"' in page
    assert "<title>Staff | Crypto rates</title>" in page


def test_it_says_so_when_all_is_well(admin_client: Client, coins) -> None:  # noqa: F811
    show({"BTC": "63250.12", "ETH": "3450.32", "XLM": "0.1"})
    assert "All prices are fresh" in admin_client.get(reverse("admin:index")).content.decode()


def test_who_may_not_see_the_coins_sees_nothing_of_them(client: Client, coins) -> None:  # noqa: F811
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    page = client.get(reverse("admin:index"))
    assert page.status_code == 200
    assert "No board" not in page.content.decode()


def test_without_redis_it_says_so(admin_client: Client, coins, settings) -> None:  # noqa: F811
    address, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:9/0"
    store.client.cache_clear()
    try:
        assert "Redis" in admin_client.get(reverse("admin:index")).content.decode()
    finally:
        settings.REDIS_URL = address
        store.client.cache_clear()
