"""The board over HTTP: all coins, some, or one; as JSON and as CSV."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.test import AsyncClient

from rates import store
from rates.api import board as board_api
from rates.fanout.hub import get_hub
from rates.types import time_text
from tests.boards import publish, save
from tests.servers import until


@pytest.fixture
async def hub() -> AsyncIterator[None]:
    """A hub that has read the store."""
    get_hub.cache_clear()
    get_hub().start()
    await get_hub().wait_ready(60)
    yield
    await get_hub().stop()
    get_hub.cache_clear()


@contextmanager
def redis_away(settings) -> Iterator[None]:
    """Nothing answers where the store is."""
    address, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:9/0"
    store.client.cache_clear()
    try:
        yield
    finally:
        settings.REDIS_URL = address
        store.client.cache_clear()


@pytest.fixture
async def board() -> None:
    """Two publications of BTC."""
    await asyncio.to_thread(save, BTC="1", ETH=None)
    await asyncio.to_thread(save, BTC="1.50", ETH=None)


async def test_the_board_is_answered(board: None, hub: None) -> None:
    answer = await AsyncClient().get("/api/rates")
    body = answer.json()
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert (body["type"], body["seq"]) == ("board", 2)
    assert [(coin["symbol"], coin["price"]) for coin in body["rates"]] == [("BTC", "1.50"), ("ETH", None)]
    assert "max-age" in answer["Cache-Control"]


async def test_a_board_that_nobody_renews_is_stale_and_another_answer(board: None, hub: None) -> None:
    fresh = await AsyncClient().get("/api/rates")
    held = get_hub().snapshot
    get_hub().snapshot = replace(held, as_of=time_text(datetime.now(UTC) - timedelta(seconds=16)))
    late = await AsyncClient().get("/api/rates", headers={"If-None-Match": fresh["ETag"]})
    assert [(coin["price"], coin["stale"]) for coin in late.json()["rates"]] == [("1.50", True), (None, False)]
    ready = await AsyncClient().get("/readyz")
    assert ready.status_code == 503
    assert any("s old: no worker" in reason for reason in ready.json()["reasons"])


async def test_a_client_that_has_the_board_gets_304_until_the_next(board: None, hub: None) -> None:
    client = AsyncClient()
    etag = (await client.get("/api/rates"))["ETag"]
    again = await client.get("/api/rates", headers={"If-None-Match": etag})
    assert (again.status_code, again["ETag"], again.content) == (304, etag, b"")
    seq = get_hub().snapshot.seq
    await asyncio.to_thread(publish, BTC="2", ETH=None)
    await until(lambda: get_hub().snapshot.seq > seq)
    assert (await client.get("/api/rates", headers={"If-None-Match": etag})).status_code == 200


async def test_a_weak_or_listed_etag_matches_too(board: None, hub: None) -> None:
    client = AsyncClient()
    etag = (await client.get("/api/rates"))["ETag"]
    for header in (f"W/{etag}", f'"other", {etag}', "*"):
        assert (await client.get("/api/rates", headers={"If-None-Match": header})).status_code == 304


async def test_without_a_publication_there_is_no_board(hub: None) -> None:
    answer = await AsyncClient().get("/api/rates")
    assert (answer.status_code, answer.json()["code"], "Retry-After" in answer) == (503, "not_ready", True)


async def test_a_history_is_in_order_oldest_first(board: None, hub: None) -> None:
    answer = await AsyncClient().get("/api/rates/btc/history")
    told = answer.json()
    assert [(update["price"], update.keys()) for update in told] == [
        (p, {"price", "observed_at"}) for p in ("1", "1.50")
    ]
    assert told[0]["observed_at"] < told[1]["observed_at"]
    assert (await AsyncClient().get("/api/rates/ETH/history")).json() == []


async def test_the_history_of_an_unknown_coin_is_not_found(board: None, hub: None) -> None:
    assert (await AsyncClient().get("/api/rates/NONE/history")).status_code == 404


async def test_the_api_is_read_only_and_publicly_cacheable(board: None, hub: None) -> None:
    assert (await AsyncClient().post("/api/rates")).status_code == 405
    for path in ("/api/rates", "/api/rates/BTC/history"):
        answer = await AsyncClient().get(path)
        assert answer["Cache-Control"] == "public, max-age=1"
        assert "Cookie" not in answer.get("Vary", "")
        assert not answer.cookies


async def test_some_coins_are_answered_in_any_case_and_the_unknown_ones_are_named(board: None, hub: None) -> None:
    client = AsyncClient()
    some = await client.get("/api/rates?symbols=btc,none,%C3%A4")
    assert [coin["symbol"] for coin in some.json()["rates"]] == ["BTC"]
    assert some["X-Unknown-Symbols"] == "none,%C3%A4"
    both = await client.get("/api/rates?symbols=eth&symbols=BTC,")
    assert [coin["symbol"] for coin in both.json()["rates"]] == ["BTC", "ETH"]
    assert "X-Unknown-Symbols" not in both
    assert (await client.get("/api/rates?symbols=")).json() == (await client.get("/api/rates")).json()


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [("symbols=NONE,NADA", 404, "unknown_symbol"), (f"symbols={501 * 'BTC,'}", 400, "too_many"),
     ("format=xml", 400, "bad_request")],
)  # fmt: skip
async def test_bad_questions_are_problems_that_name_the_parameter(
    board: None, hub: None, query: str, status: int, code: str
) -> None:
    answer = await AsyncClient().get(f"/api/rates?{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert query.partition("=")[0] in answer.json()["detail"]


async def test_the_list_of_unknown_symbols_has_a_limit(board: None, hub: None) -> None:
    answer = await AsyncClient().get("/api/rates?symbols=BTC," + ",".join(f"X{i:039}" for i in range(400)))
    assert answer.status_code == 200
    assert 1900 < len(answer["X-Unknown-Symbols"]) <= 2000


async def test_the_board_is_a_table_for_spreadsheets_too(board: None, hub: None) -> None:
    client = AsyncClient()
    answer = await client.get("/api/rates?format=csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    coins = (await client.get("/api/rates")).json()["rates"]
    assert [row["symbol"] for row in rows] == ["BTC", "ETH"]
    for row, coin in zip(rows, coins, strict=True):
        assert coin.keys() <= row.keys()
        assert (row["price"], row["stale"], row["currency"]) == (coin["price"] or "", "false", "usd")
    one = await client.get("/api/rates?format=csv&symbols=eth")
    assert [row["symbol"] for row in csv.DictReader(io.StringIO(one.content.decode()))] == ["ETH"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [("text/csv", "text/csv"), ("application/json", "application/json"), ("*/*", "application/json"),
     ("text/csv;q=0.2, application/json;q=0.9", "application/json"), ("application/json;q=0.2, text/*", "text/csv"),
     ("text/csv;q=0, */*", "application/json"), ("image/png", "application/json")],
)  # fmt: skip
async def test_the_client_says_which_form_it_prefers(board: None, hub: None, accept: str, kind: str) -> None:
    for path in ("/api/rates", "/api/rates/BTC", "/api/rates/BTC/history"):
        answer = await AsyncClient().get(path, headers={"Accept": accept})
        assert answer["Content-Type"].startswith(kind)
        assert "Accept" in answer["Vary"]


async def test_one_coin_is_answered_with_its_publication(board: None, hub: None) -> None:
    whole = (await AsyncClient().get("/api/rates")).json()
    answer = await AsyncClient().get("/api/rates/btc")
    head = {name: whole[name] for name in ("epoch", "seq", "as_of")}
    assert answer.json() == {**head, "currency": "usd", **whole["rates"][0]}
    missing = await AsyncClient().get("/api/rates/NONE")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_symbol")


async def test_updates_that_cannot_be_read_are_those_read_last_or_a_problem(board: None, hub: None, settings) -> None:
    board_api._histories.clear()
    asked = "/api/rates/BTC/history"
    with redis_away(settings):
        away = await AsyncClient().get(asked)
        assert (away.status_code, away.json()["code"], "Retry-After" in away) == (503, "store_away", True)
    told = (await AsyncClient().get(asked)).json()
    assert len(told) == 2
    with redis_away(settings):
        assert (await AsyncClient().get(asked)).json() == told
