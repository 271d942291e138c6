"""A database that cannot be read: prices go on with the coins of before, and staff are told what is wrong."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from rates import store
from rates.models import Coin
from rates.signals import EditPublisher
from rates.store.coin_list import SAVE_INTERVAL, CoinList, coin_list
from rates.store.keys import COINS
from rates.telemetry import reports


@pytest.fixture
def coins(db: None) -> list[Coin]:
    return [Coin.objects.create(symbol=s, name=s, coingecko_id=s.lower(), position=n) for n, s in enumerate(("B", "A"))]


def lose_table(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {name} RENAME TO lost")


def test_the_coins_of_the_last_time_serve_while_the_database_is_away(
    coins: list[Coin], caplog: pytest.LogCaptureFixture
) -> None:
    coin_list = CoinList()
    assert coin_list.read() == coins
    lose_table("rates_coin")
    assert coin_list.read() == coins
    assert coin_list.read() == coins
    assert [r.getMessage() for r in caplog.records] == [
        "the coin list cannot be read, the last one is used: no such table: rates_coin; run manage.py migrate"
    ]


def test_coins_are_the_same_objects_until_one_is_edited(coins: list[Coin]) -> None:
    """So that nothing about them has to be found out again; what they say is that of any other query."""
    coin_list = CoinList()
    first, second = coin_list.read(), coin_list.read()
    assert all(one is other for one, other in zip(first, second, strict=True))
    Coin.objects.filter(symbol="A").update(binance_symbol="AUSDT", binance_verified=True)
    third = coin_list.read()
    assert [vars(c) | {"_state": 0} for c in third] == [vars(c) | {"_state": 0} for c in Coin.objects.enabled()]
    assert third[1].pairs != first[1].pairs


def add_in_another_connection(symbol: str) -> None:
    def add() -> None:
        Coin.objects.create(symbol=symbol, name=symbol, coingecko_id=symbol.lower(), position=9)
        connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(add).result()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="other databases do not tell their version")
def test_no_row_is_read_again_before_the_file_has_changed(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    coin_list = CoinList()
    assert coin_list.read() == []
    with django_assert_num_queries(1) as queries:
        assert coin_list.read() == []
    assert "SELECT" not in queries[0]["sql"]
    for symbol in "ABC":
        add_in_another_connection(symbol)
        assert coin_list.read()[-1].symbol == symbol


@pytest.mark.django_db(transaction=True)
def test_an_edit_is_seen_at_once_and_one_that_is_undone_no_longer() -> None:
    coin_list = CoinList()
    assert coin_list.read() == []
    with transaction.atomic():
        Coin.objects.create(symbol="A", name="A", coingecko_id="a")
        assert len(coin_list.read()) == 1
        transaction.set_rollback(True)
    assert coin_list.read() == []
    Coin.objects.create(symbol="B", name="B", coingecko_id="b")
    assert [coin.symbol for coin in coin_list.read()] == ["B"]
    Coin.objects.update(enabled=False)
    assert coin_list.read() == []


def test_a_database_that_failed_is_left_alone_for_a_while(
    coins: list[Coin], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Its timeout would be waited for again and again, by a publisher that others overtake in the meantime."""
    coin_list = CoinList()
    coin_list.read()
    lose_table("rates_coin")
    coin_list.read()
    with django_assert_num_queries(0):
        assert coin_list.read() == coins


def test_the_list_that_another_process_read_serves_one_that_starts_while_the_database_is_away(
    coins: list[Coin], caplog: pytest.LogCaptureFixture
) -> None:
    coins[0].binance_symbol, coins[0].binance_factor = "BUSDT", 1000
    coins[0].save()
    CoinList().read()
    lose_table("rates_coin")
    started = CoinList()
    assert [coin.__dict__ | {"_state": None} for coin in started.read()] == [
        c.__dict__ | {"_state": None} for c in coins
    ]
    assert started.fault == "no such table: rates_coin; run manage.py migrate"
    assert len(caplog.records) == 1


def test_the_newest_list_serves_all(coins: list[Coin]) -> None:
    """A process that has lost the database alone follows the edits of the others."""
    alone, other = CoinList(), CoinList()
    alone.read()
    coins[0].delete()
    other.read()
    lose_table("rates_coin")
    assert alone.read() == coins[1:]


def test_a_list_of_another_release_is_left_alone_and_more_fields_are_ignored(coins: list[Coin]) -> None:
    CoinList().read()
    copy = json.loads(store.client().get(COINS))
    lose_table("rates_coin")
    copy["coins"][0]["fields"]["colour"] = "red"
    store.client().set(COINS, json.dumps(copy))
    assert CoinList().read() == coins
    store.client().set(COINS, json.dumps(copy | {"v": 2, "coins": 3}))
    with pytest.raises(DatabaseError):
        CoinList().read()


def test_redis_gets_the_list_again_when_it_has_lost_it(coins: list[Coin]) -> None:
    coin_list = CoinList()
    coin_list.read()
    store.client().flushall()
    lose_table("rates_coin")
    coin_list._saved_at -= SAVE_INTERVAL
    coin_list.read()
    assert CoinList().read() == coins


def test_a_report_says_so(coins: list[Coin]) -> None:
    coin_list.read()
    lose_table("rates_coin")
    coin_list.read()
    reports.report("worker", {})
    (facts,) = store.load_processes().values()
    assert facts["coin_list"] == "the last one is used: no such table: rates_coin; run manage.py migrate"


def test_without_a_last_time_the_failure_is_told(coins: list[Coin]) -> None:
    lose_table("rates_coin")
    with pytest.raises(DatabaseError):
        CoinList().read()


def test_an_edit_is_not_called_a_failure_when_the_list_cannot_be_read_after_it(
    coins: list[Coin], caplog: pytest.LogCaptureFixture
) -> None:
    coin_list._known = None
    lose_table("rates_coin")
    EditPublisher().publish("")
    assert "published with the next tick: no such table" in caplog.text


def test_the_admin_says_what_is_wrong(admin_client: Client) -> None:
    lose_table("rates_coin")
    answer = admin_client.get("/admin/rates/coin/")
    assert answer.status_code == 503
    assert "no such table: rates_coin" in answer.content.decode()
    assert "Prices keep coming" in answer.content.decode()


def test_the_board_needs_no_account(admin_client: Client, coins: list[Coin]) -> None:
    """A visitor with a session of the admin is no other than the rest while there are coins to show."""
    lose_table("django_session")
    assert admin_client.get("/").status_code == 200
