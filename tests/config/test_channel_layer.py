"""The layer that waits: what it delivers, and how seldom it looks."""

import asyncio
from typing import Any

from channels.layers import get_channel_layer
from redis.asyncio import ConnectionPool

from config.channel_layer import PATIENCE, PatientLayer, PatientPubSub


async def joined(layer: Any) -> str:
    """Return a channel that is in the group `g`."""
    channel: str = await layer.new_channel()
    await layer.group_add("g", channel)
    return channel


async def test_it_is_the_layer_of_the_service_and_delivers_at_once() -> None:
    layer: Any = get_channel_layer()
    assert isinstance(layer, PatientLayer)
    channel = await joined(layer)
    async with asyncio.timeout(2):
        for number in range(3):
            await layer.group_send("g", {"number": number})
            assert (await layer.receive(channel))["number"] == number
    await layer.flush()


async def test_a_group_that_is_joined_while_it_waits_delivers_too() -> None:
    layer: Any = get_channel_layer()
    first = await joined(layer)
    waiting = asyncio.create_task(layer.receive(first))
    await asyncio.sleep(0)
    second: str = await layer.new_channel()
    await layer.group_add("other", second)
    async with asyncio.timeout(2):
        await layer.group_send("other", {"number": 2})
        assert (await layer.receive(second))["number"] == 2
        await layer.group_send("g", {"number": 1})
        assert (await waiting)["number"] == 1
    await layer.flush()


async def test_a_read_waits_longer_than_the_layer_asks_for() -> None:
    asked: list[float | None] = []

    class Recording(PatientPubSub):
        async def parse_response(self, block: bool = True, timeout: float | None = 0) -> Any:  # noqa: ASYNC109 - redis-py's
            asked.append(timeout)

    subscription = Recording(ConnectionPool())
    for timeout in (0.1, 0.0, None, 60.0):
        await subscription.get_message(True, timeout)
    assert asked == [PATIENCE, 0.0, None, 60.0]
