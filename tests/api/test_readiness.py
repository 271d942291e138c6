"""`/readyz`: when a web process is ready, and what it says when it is not."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from django.test import AsyncClient

from rates import store
from rates.exceptions import SourceRefused
from rates.fanout.hub import get_hub
from rates.sources import pacing
from rates.types import read_time
from tests.boards import publish, save
from tests.servers import serving, until


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """A running web process with BTC at 1.50 and ETH without a price."""
    await asyncio.to_thread(save, BTC="1.50", ETH=None)
    async with serving("rates.fanout.server:RatesWebSocketProtocol") as place:
        yield place


async def ask_ready(address: str) -> tuple[int, list[str]]:
    answer = await AsyncClient().get("/readyz")
    body = json.loads(answer.content)
    assert body["ready"] is (answer.status_code == 200)
    return answer.status_code, body["reasons"]


async def test_fresh_prices_and_a_listening_hub_are_ready(address: str) -> None:
    await until(lambda: get_hub().subscription.listening)
    assert await ask_ready(address) == (200, [])


async def test_a_process_that_shuts_down_or_is_not_subscribed_is_not(address: str) -> None:
    await until(lambda: get_hub().subscription.listening)
    get_hub().draining = True
    assert await ask_ready(address) == (
        503,
        ["this process is shutting down: its clients are told to reconnect elsewhere"],
    )
    get_hub().draining = False
    await get_hub().stop()
    assert await ask_ready(address) == (503, ["the hub is not subscribed: it receives no publications"])


async def test_an_old_board_and_coins_without_prices_are_not(address: str, settings) -> None:
    await until(lambda: get_hub().subscription.listening)
    await asyncio.to_thread(publish, BTC=None, ETH=None)
    await until(lambda: get_hub().snapshot.fragments["BTC"].price is None)
    assert await ask_ready(address) == (503, ["no coin has a price yet"])
    settings.RATES_STALE_AFTER = 0.001
    await asyncio.sleep(0.01)
    assert "no worker is publishing" in (await ask_ready(address))[1][0]


async def test_a_pause_is_reported_and_does_not_make_a_process_unready(address: str) -> None:
    await until(lambda: get_hub().subscription.listening)
    health = {"asked_at": time.time(), "paused_until": time.time() + 60, "error": "coingecko: limited"}
    await asyncio.to_thread(store.update_healths, lambda _: {"coingecko": health})
    answer = await AsyncClient().get("/readyz")
    assert (answer.status_code, answer.json()["paused"]["coingecko"]["why"]) == (200, "coingecko: limited")


async def test_what_fails_anywhere_is_named_with_its_process_and_makes_no_process_unready(address: str) -> None:
    await until(lambda: get_hub().subscription.listening)
    facts = {"at": time.time(), "faults": "tick without effect: Redis: EVAL: no permission"}
    await asyncio.to_thread(store.report_process, "worker:there:5", facts)
    await asyncio.to_thread(store.report_process, "worker:gone:6", facts | {"at": time.time() - 60})
    answer = await AsyncClient().get("/readyz")
    assert (answer.status_code, answer.json()["faults"]) == (200, {"worker:there:5": facts["faults"]})


async def test_a_paused_stream_is_named_with_the_reason(address: str) -> None:
    refused = pacing.after_break(pacing.Health(), SourceRefused("binance", "blocked here"), time.time(), lasted=True)
    await asyncio.to_thread(store.update_healths, lambda _: {"binance stream": pacing.write_health(refused)})
    paused = (await AsyncClient().get("/readyz")).json()["paused"]
    assert paused["binance stream"]["why"] == "binance: blocked here"
    assert read_time(paused["binance stream"]["until"]) > datetime.now(UTC)
