"""The leader among the processes that stream, and what it publishes."""

import asyncio
from decimal import Decimal

import pytest

from rates import store
from rates.models import Coin
from rates.streams import leader
from rates.streams.latest import LatestRates
from tests.stand_ins.binance import Binance
from tests.stand_ins.kraken import Kraken
from tests.streams.streaming import BTC, XLM, event, rate, until


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turns", range(4))
async def test_publishing_ends_in_whatever_turn_it_is_told_to(turns: int) -> None:
    latest, threads = LatestRates(), leader.Threads()
    publishing = asyncio.create_task(leader._publish_changes(latest, threads))
    await asyncio.sleep(0.05)
    latest.put("binance", event(rate("1")))
    for _ in range(turns):
        await asyncio.sleep(0)
    publishing.cancel()
    await asyncio.wait([publishing], timeout=8)
    assert publishing.cancelled()
    threads.close()


async def test_lease_that_has_expired_is_not_renewed_any_more() -> None:
    threads = leader.Threads()
    await leader._stay_leader("one", threads, asyncio.get_running_loop().time() + 0.01)
    threads.close()
    assert store.acquire_leadership("two", 10)


@pytest.mark.django_db(transaction=True)
async def test_changes_reach_the_board_from_the_leader_alone(binance: Binance, kraken: Kraken, settings) -> None:
    settings.RATES_STREAM = ["binance", "kraken"]
    settings.RATES_STREAM_INTERVAL = 0.1
    kraken.prices["USDT"] = Decimal(1)
    await Coin.objects.abulk_create([BTC, XLM])

    def shown() -> dict[str, str | None]:
        snapshot = store.load_snapshot()
        return {f.symbol: f.price for f in snapshot.fragments.values()} if snapshot else {}

    stops = [asyncio.Event(), asyncio.Event()]
    runs = [asyncio.create_task(leader.run(stop)) for stop in stops]
    try:
        await until(lambda: shown().get("BTC") and shown().get("XLM"))
        binance.prices["BTC"] = kraken.prices["BTC"] = Decimal("63300.5")
        await until(lambda: shown()["BTC"] == "63300.5")
        assert binance.opened == kraken.opened == 1
    finally:
        for stop in stops:
            stop.set()
        await asyncio.gather(*runs)
    assert store.acquire_leadership("free", 1)
