"""What the tests of the gate share."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from rates.fanout.hub import get_hub
from tests.boards import save


@pytest.fixture(autouse=True)
def own_host(settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]


@pytest.fixture
async def board() -> AsyncIterator[None]:
    """A hub that has read a board with BTC and ETH."""
    await asyncio.to_thread(save, BTC="1.50", ETH=None)
    get_hub.cache_clear()
    get_hub().start()
    await get_hub().wait_ready(60)
    yield
    await get_hub().stop()
    get_hub.cache_clear()
