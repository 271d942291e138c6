"""What staff ask the sources between two ticks: the pauses and the count of calls hold for them too."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from rates import feed, store
from rates.models import Coin
from tests.stand_ins.coingecko import CoinGecko
from tests.world import World

pytestmark = pytest.mark.django_db

LookUp = Callable[[Client], str]


def search(client: Client) -> str:
    """Return what the search for a coin says."""
    return str(client.get(reverse("admin:rates_coin_search"), {"q": "stel"}).json())


def inspect(client: Client) -> str:
    """Return what the test of a coin says."""
    query = {"symbol": "XLM", "coingecko_id": "stellar", "binance_symbol": "XLMUSDT"}
    return str(client.get(reverse("admin:rates_coin_test"), query).json())


def save(client: Client) -> str:
    """Return what the admin says when a coin is added."""
    data = {"symbol": "SOL", "name": "Solana", "coingecko_id": "solana", "enabled": "on", "position": 3}
    return client.post(reverse("admin:rates_coin_add"), data, follow=True).content.decode()


every_look_up = pytest.mark.parametrize("look_up", [search, inspect, save])


@pytest.fixture
def vendor(world: World, settings: Settings) -> CoinGecko:
    """CoinGecko, which alone is asked."""
    settings.RATES_SOURCES = ["coingecko"]
    vendor = world.stand_ins["coingecko"]
    assert isinstance(vendor, CoinGecko)
    return vendor


def count_month() -> int:
    return store.load_calls().get(f"coingecko:{datetime.now(UTC):%Y-%m}", 0)


@every_look_up
def test_a_paused_source_is_not_asked_and_staff_hear_why(
    admin_client: Client, vendor: CoinGecko, look_up: LookUp
) -> None:
    vendor.fault = "429_retry_after"
    feed.run_tick()
    vendor.fault = ""
    said = look_up(admin_client)
    assert vendor.calls == count_month() == 1
    assert re.search(r"coingecko: paused for another \d s: asked too often \(429\)", said)


@every_look_up
@pytest.mark.parametrize("fault", ["429", "429_retry_after", "429_as_200", "503_retry_after", "401", "403"])
def test_a_pause_that_a_look_up_meets_holds_for_the_ticks(
    admin_client: Client, vendor: CoinGecko, look_up: LookUp, fault: str
) -> None:
    vendor.fault = fault
    look_up(admin_client)
    assert feed.run_tick().answers == {}
    assert vendor.calls == 1


@pytest.mark.parametrize("fault", ["ban", "418"])
def test_a_ban_of_an_exchange_that_a_look_up_meets_holds_for_the_ticks(
    admin_client: Client, world: World, fault: str
) -> None:
    world.misbehave({"binance": fault})
    inspect(admin_client)
    assert feed.run_tick().answers.keys() == {"coingecko", "kraken"}


@pytest.mark.parametrize("fault", ["", "500", "html", "list_body", "plan", "too_long_ago", "currency"])
def test_a_look_up_that_meets_no_pause_says_nothing_about_the_prices(
    admin_client: Client, vendor: CoinGecko, fault: str
) -> None:
    feed.run_tick()
    healths = store.load_healths()
    vendor.fault = fault
    for look_up in (search, inspect, save):
        look_up(admin_client)
    assert store.load_healths() == healths


@every_look_up
def test_a_look_up_counts_like_a_tick(
    admin_client: Client, vendor: CoinGecko, settings: Settings, look_up: LookUp
) -> None:
    settings.COINGECKO_MONTHLY_CREDITS = 2
    feed.run_tick()
    assert "not asked" not in look_up(admin_client)
    assert vendor.calls == count_month() == 2


@every_look_up
def test_a_month_without_credits_has_no_look_ups(
    admin_client: Client, vendor: CoinGecko, settings: Settings, look_up: LookUp
) -> None:
    settings.COINGECKO_MONTHLY_CREDITS = 1
    feed.run_tick()
    assert "coingecko: not asked until next month: COINGECKO_MONTHLY_CREDITS are used up" in look_up(admin_client)
    assert vendor.calls == count_month() == 1


@every_look_up
def test_without_redis_nobody_knows_the_pauses_and_nobody_is_asked(
    admin_client: Client, vendor: CoinGecko, settings: Settings, look_up: LookUp
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    store.client.cache_clear()
    try:
        assert "Redis: Error 111" in look_up(admin_client)
    finally:
        store.client.cache_clear()
    assert vendor.calls == 0


def test_what_was_looked_up_before_serves_during_a_pause(admin_client: Client, vendor: CoinGecko) -> None:
    found = search(admin_client)
    save(admin_client)
    Coin.objects.filter(symbol="SOL").delete()
    vendor.fault = "429"
    feed.run_tick()
    assert search(admin_client) == found
    assert "could not be verified" not in save(admin_client)
    assert vendor.calls == 3
