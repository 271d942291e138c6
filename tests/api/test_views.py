"""The HTTP API beside the socket."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.test import AsyncClient

from rates.fanout.hub import get_hub
from rates.types import time_text
from tests.boards import publish, save
from tests.servers import until


@pytest.fixture
async def hub() -> AsyncIterator[None]:
    """A hub that has read the store."""
    get_hub.cache_clear()
    get_hub().start()
    yield
    await get_hub().stop()
    get_hub.cache_clear()


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
    assert held is not None
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
    assert (answer.status_code, "Retry-After" in answer) == (503, True)


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


async def test_pages_of_allowed_origins_may_read_the_api(board: None, hub: None, settings) -> None:
    settings.RATES_ALLOWED_ORIGINS = ["https://app.example.com"]
    for path in ("/api/rates", "/api/rates/BTC/history"):
        allowed = await AsyncClient().get(path, headers={"Origin": "https://app.example.com"})
        assert allowed["Access-Control-Allow-Origin"] == "https://app.example.com"
        other = await AsyncClient().get(path, headers={"Origin": "https://evil.example.com"})
        assert "Access-Control-Allow-Origin" not in other
        # A cache must not give one of them the response for the other.
        assert "Origin" in allowed["Vary"]
        assert "Origin" in other["Vary"]
    etag = (await AsyncClient().get("/api/rates"))["ETag"]
    headers = {"Origin": "https://app.example.com", "If-None-Match": etag}
    again = await AsyncClient().get("/api/rates", headers=headers)
    assert (again.status_code, again["Access-Control-Allow-Origin"]) == (304, "https://app.example.com")


async def test_without_allowed_origins_no_other_site_may_read_the_api(board: None, hub: None) -> None:
    answer = await AsyncClient().get("/api/rates", headers={"Origin": "https://app.example.com"})
    assert "Access-Control-Allow-Origin" not in answer


async def test_the_api_is_read_only_and_publicly_cacheable(board: None, hub: None) -> None:
    assert (await AsyncClient().post("/api/rates")).status_code == 405
    for path in ("/api/rates", "/api/rates/BTC/history"):
        answer = await AsyncClient().get(path)
        assert answer["Cache-Control"] == "public, max-age=1"
        assert "Cookie" not in answer.get("Vary", "")
        assert not answer.cookies
