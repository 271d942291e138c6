"""The HTTP beside the socket."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from django.test import AsyncClient

from rates import pacing, store
from rates.exceptions import SourceRefused
from rates.hub import get_hub
from rates.types import read_time
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


async def test_who_holds_the_board_is_answered_304_until_the_next(board: None, hub: None) -> None:
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


async def test_a_history_is_answered_oldest_first(board: None, hub: None) -> None:
    answer = await AsyncClient().get("/api/rates/btc/history")
    at = "2026-11-24T12:00:00.000Z"
    assert answer.json() == [{"price": "1", "observed_at": at}, {"price": "1.50", "observed_at": at}]
    assert (await AsyncClient().get("/api/rates/ETH/history")).json() == []


async def test_the_history_of_an_unknown_coin_is_not_found(board: None, hub: None) -> None:
    assert (await AsyncClient().get("/api/rates/NONE/history")).status_code == 404


async def test_readyz_names_who_is_left_alone_and_why(board: None, hub: None) -> None:
    refused = pacing.after_break(pacing.Health(), SourceRefused("binance", "blocked here"), time.time(), lasted=True)
    await asyncio.to_thread(store.save_healths, {"binance stream": pacing.write_health(refused)})
    paused = (await AsyncClient().get("/readyz")).json()["paused"]
    assert paused["binance stream"]["why"] == "binance: blocked here"
    assert read_time(paused["binance stream"]["until"]) > datetime.now(UTC)
