"""What a stream delivers, and waiting for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import ModuleType

from rates.models import Coin
from rates.sources.protocols import StreamEvent
from rates.streams.latest import LatestRates
from rates.streams.reconnecting import ReconnectingStream
from rates.types import Rate
from tests.coins import pairs

NOW = datetime(2026, 11, 24, tzinfo=UTC)
BTC = Coin(symbol="BTC", coingecko_id="bitcoin", **pairs("BTC"))
XLM = Coin(symbol="XLM", coingecko_id="stellar", **pairs("XLM"))


def rate(price: str, seconds: float = 0, symbol: str = "BTC", source: str = "binance") -> Rate:
    moment = NOW + timedelta(seconds=seconds)
    return Rate(symbol, Decimal(price), None, None, source, moment, moment)


def event(*rates: Rate, about: str = "BTC") -> StreamEvent:
    return StreamEvent(frozenset({about}), rates)


async def until(true: Callable[[], object], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  # what is waited for happens in another thread
            await asyncio.sleep(0.01)


@asynccontextmanager
async def open_stream(source: ModuleType, coins: list[Coin], **limits: float) -> AsyncIterator[ReconnectingStream]:
    stream = ReconnectingStream(source, LatestRates(), **limits)
    stream.set_pairs(source.map_pairs(coins))
    task = asyncio.create_task(stream.keep_open())
    try:
        yield stream
    finally:
        task.cancel()
        await asyncio.wait([task])


def prices(stream: ReconnectingStream) -> dict[str, Decimal]:
    """Return the newest price of each coin since the connection was opened."""
    return {symbol: rate.price for (_, symbol), rate in stream.latest.rates.items()}
