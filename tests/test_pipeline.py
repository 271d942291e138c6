"""From tick to socket: a stand-in CoinGecko, the real store, layer, hub and web server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
import redis
import uvicorn
from django.conf import settings as django_settings
from websockets.asyncio.client import ClientConnection, connect

from config.asgi import application
from rates import feed
from rates.fanout.hub import get_hub
from rates.models import Coin
from rates.signals import edit_publisher
from rates.tasks import refresh_rates
from tests.stand_ins.coingecko import CoinGecko

pytestmark = pytest.mark.django_db(transaction=True)
COINS = (("BTC", "Bitcoin", "bitcoin"), ("ETH", "Ethereum", "ethereum"), ("XLM", "Stellar", "stellar"))


@pytest.fixture
def coins(settings) -> list[Coin]:
    settings.RATES_SOURCES = ["coingecko"]
    settings.RATES_STREAM = []
    coins = [Coin.objects.create(symbol=s, name=n, coingecko_id=c, position=i) for i, (s, n, c) in enumerate(COINS)]
    edit_publisher.wait()
    return coins


@asynccontextmanager
async def web() -> AsyncIterator[str]:
    """Run the web process's application; gives the address of its socket."""
    server = uvicorn.Server(
        uvicorn.Config(application, port=0, ws="websockets-sansio", lifespan="on", log_config=None, access_log=False)
    )
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"ws://127.0.0.1:{port}/ws/rates"
    finally:
        server.should_exit = True
        await running
        get_hub().snapshot = None


async def tick() -> feed.Tick:
    return await asyncio.to_thread(feed.run_tick)


async def read(socket: ClientConnection) -> dict:
    return json.loads(await asyncio.wait_for(socket.recv(), 5), parse_float=Decimal, parse_int=Decimal)


async def test_a_tick_reaches_a_plain_socket_with_every_digit(coingecko: CoinGecko, coins) -> None:
    coingecko.prices |= {"BTC": Decimal(76975), "ETH": Decimal("0.276434"), "XLM": Decimal("1.197e-05")}
    await tick()
    async with web() as address, connect(address, proxy=None) as socket:
        assert await read(socket) == {"BTC": 76975, "ETH": Decimal("0.276434"), "XLM": Decimal("0.00001197")}
        coingecko.prices["BTC"] = Decimal("76976.000000001")
        await tick()
        assert (await read(socket))["BTC"] == Decimal("76976.000000001")


async def test_a_tick_reaches_a_typed_socket_as_an_update(coingecko: CoinGecko, coins) -> None:
    await tick()
    async with web() as address, connect(address, subprotocols=["rates.v1"], proxy=None) as socket:
        hello, board = await read(socket), await read(socket)
        assert (hello["type"], board["type"]) == ("hello", "board")
        assert [coin["symbol"] for coin in board["rates"]] == ["BTC", "ETH", "XLM"]
        coingecko.prices["ETH"] = Decimal("3451.5")
        await tick()
        update = await read(socket)
        assert (update["type"], update["seq"]) == ("update", board["seq"] + 1)
        assert "3451.5" in [coin["price"] for coin in update["rates"]]


async def test_one_tick_is_one_request_for_all_coins(coingecko: CoinGecko, coins) -> None:
    await tick()
    assert coingecko.calls == 1


async def test_an_edited_list_is_on_open_sockets_without_a_tick(coingecko: CoinGecko, coins) -> None:
    await tick()
    async with web() as address, connect(address, subprotocols=["rates.v1"], proxy=None) as socket:
        await read(socket)
        await read(socket)
        await asyncio.to_thread(disable)
        update = await read(socket)
        assert (update["removed"], update["symbols"]) == (["ETH"], ["BTC", "XLM"])


def disable() -> None:
    coin = Coin.objects.get(symbol="ETH")
    coin.enabled = False
    coin.save()


async def test_a_failing_source_leaves_the_last_good_prices(coingecko: CoinGecko, coins) -> None:
    good = (await tick()).saved.snapshot.fragments
    for fault in ("500", "error_body", "truncated", "null", "nan", "negative"):
        coingecko.fault = fault
        after = (await tick()).saved.snapshot.fragments
        assert [f.price for f in after.values()] == [f.price for f in good.values()]
    coingecko.fault = ""
    coingecko.prices["BTC"] = Decimal("63251")
    assert (await tick()).saved.snapshot.fragments["BTC"].price == "63251"


async def test_a_coin_that_the_source_does_not_know_costs_the_others_nothing(coingecko: CoinGecko, coins) -> None:
    coingecko.unknown = frozenset(["ETH"])
    fragments = (await tick()).saved.snapshot.fragments
    assert [fragment.price is None for fragment in fragments.values()] == [False, True, False]


async def test_the_plain_redis_channel_carries_the_map(coingecko: CoinGecko, coins) -> None:
    with redis.Redis.from_url(django_settings.REDIS_URL) as client, client.pubsub() as subscriber:
        subscriber.subscribe("rates_update")
        assert subscriber.get_message(timeout=5)
        await tick()
        message = subscriber.get_message(timeout=5)
    assert message is not None
    assert json.loads(message["data"]).keys() == {"BTC", "ETH", "XLM"}


async def test_a_slot_is_run_once_however_many_tasks_there_are(coingecko: CoinGecko, coins, settings) -> None:
    settings.RATES_REFRESH_INTERVAL = 3600.0
    await asyncio.gather(*(asyncio.to_thread(refresh_rates) for _ in range(5)))
    assert coingecko.calls == 1


async def test_a_missed_publication_makes_the_hub_read_the_store(coingecko: CoinGecko, coins) -> None:
    await tick()
    async with web() as address, connect(address, subprotocols=["rates.v1"], proxy=None) as socket:
        await read(socket)
        first = await read(socket)
        snapshot = get_hub().snapshot
        assert snapshot is not None
        get_hub().snapshot = type(snapshot)("another", 1, snapshot.as_of, snapshot.fragments)
        await tick()
        board = await read(socket)
        assert (board["type"], board["seq"]) == ("board", first["seq"] + 1)
