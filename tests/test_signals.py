"""An edit is published at once, many edits together."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction

from rates import store
from rates.models import Coin
from rates.signals import BATCH_WINDOW, edit_publisher
from tests.coins import pairs

pytestmark = pytest.mark.django_db(transaction=True)


def names() -> list[str]:
    snapshot = store.load_snapshot()
    return [json.loads(f.json)["name"] for f in snapshot.fragments.values()] if snapshot else []


def test_an_edit_is_published_when_it_is_saved() -> None:
    edit_publisher.wait()
    Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin")
    edit_publisher.wait()
    assert names() == ["Bitcoin"]


def test_a_burst_of_edits_is_a_few_publications() -> None:
    coin = Coin.objects.create(symbol="BTC", name="0", coingecko_id="bitcoin")
    started = time.monotonic()
    for number in range(1, 51):
        coin.name = str(number)
        coin.save()
    edit_publisher.wait()
    header = store.load_header()
    assert header is not None
    assert names() == ["50"]
    assert header.seq <= (time.monotonic() - started) / BATCH_WINDOW + 3


@contextmanager
def elsewhere(settings) -> Iterator[socket.socket]:
    """Let something be asked instead of Redis that takes connections and answers nothing."""
    edit_publisher.wait()
    time.sleep(BATCH_WINDOW)
    address = settings.REDIS_URL
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings.REDIS_URL = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        store.client.cache_clear()
        try:
            yield listener
            edit_publisher.wait()
        finally:
            settings.REDIS_URL = address
            store.client.cache_clear()


def count_questions(listener: socket.socket) -> int:
    """Return how often it was asked, each time over a new connection: one that got no answer is not used again."""
    listener.setblocking(False)
    for number in range(100):
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return number
    return 100


def test_an_edit_while_redis_is_away_is_saved_all_the_same(settings, caplog) -> None:
    with elsewhere(settings) as listener:
        listener.close()
        Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin")
    assert Coin.objects.count() == 1
    assert "published with the next tick" in caplog.text


def test_an_edit_of_many_coins_waits_once_for_a_redis_that_hangs_and_others_do_not(settings) -> None:
    with elsewhere(settings) as listener:
        with transaction.atomic():
            for n in "12345":
                Coin.objects.create(symbol=n, name=n, coingecko_id=n, **pairs(n))
            assert count_questions(listener) == 0
        assert count_questions(listener) == 1
        edit_publisher.wait()
        assert count_questions(listener) == 0, "it was silent a moment ago"


def test_who_saves_a_coin_has_its_pair_asked_for_again() -> None:
    coin = Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin", **pairs("BTC"))
    store.save_unknown_pairs(["BTCUSDT", "XLMUSDT"])
    coin.save()
    edit_publisher.wait()
    assert store.load_unknown_pairs() == {"XLMUSDT"}


def test_a_pair_that_redis_was_away_for_is_asked_for_again_after_the_next_edit(settings) -> None:
    store.save_unknown_pairs(["BTCUSDT"])
    with elsewhere(settings) as listener:
        listener.close()
        Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin", **pairs("BTC"))
    assert store.load_unknown_pairs() == {"BTCUSDT"}
    Coin.objects.create(symbol="XLM", name="Stellar", coingecko_id="stellar")
    edit_publisher.wait()
    assert store.load_unknown_pairs() == set()
