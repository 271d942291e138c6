"""An edit is published at once, many edits together."""

import json
import time

import pytest

from rates import store
from rates.models import Coin
from rates.signals import GATHER, publisher

pytestmark = pytest.mark.django_db(transaction=True)


def names() -> list[str]:
    snapshot = store.load_snapshot()
    return [json.loads(f.json)["name"] for f in snapshot.fragments.values()] if snapshot else []


def test_an_edit_is_published_when_it_is_saved() -> None:
    publisher.wait()
    Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin")
    publisher.wait()
    assert names() == ["Bitcoin"]


def test_a_burst_of_edits_is_a_few_publications() -> None:
    coin = Coin.objects.create(symbol="BTC", name="0", coingecko_id="bitcoin")
    started = time.monotonic()
    for number in range(1, 51):
        coin.name = str(number)
        coin.save()
    publisher.wait()
    header = store.load_header()
    assert header is not None
    assert names() == ["50"]
    assert header.seq <= (time.monotonic() - started) / GATHER + 3


def test_an_edit_while_redis_is_away_is_saved_all_the_same(settings, caplog) -> None:
    publisher.wait()
    time.sleep(GATHER)
    store.client.cache_clear()
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    try:
        Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin")
        publisher.wait()
    finally:
        store.client.cache_clear()
    assert Coin.objects.count() == 1
    assert "published with the next tick" in caplog.text


def test_who_saves_a_coin_has_its_pair_asked_for_again() -> None:
    coin = Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin", binance_symbol="BTCUSDT")
    store.save_unknown_pairs(["BTCUSDT", "XLMUSDT"])
    coin.save()
    assert store.load_unknown_pairs() == {"XLMUSDT"}
