"""The clients that read server-sent events, at the product itself."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.boards import publish
from tests.clients.clients import Client, running
from tests.servers import Server, serving


def shows(client: Client, price: str) -> bool:
    """Return whether the last line of *client* has *price*."""
    return bool(client.printed) and price in client.printed[-1]


@pytest.mark.parametrize("transport", ["auto", "events"])
async def test_a_page_takes_events_where_sockets_do_not_get_through(transport: str, tmp_path: Path) -> None:
    await asyncio.to_thread(publish, BTC="63250.12")
    async with (
        serving("none") as address,
        running("page-24", f"ws://{address}/ws/rates", tmp_path, RATES_TRANSPORT=transport) as client,
    ):
        await client.until(lambda: shows(client, "63250.12"))
        await asyncio.to_thread(publish, BTC="63251.5")
        await client.until(lambda: shows(client, "63251.5"))
    assert [line for line in client.said if line.startswith("open")] == ["open: events"]
    assert client.tries() >= (2 if transport == "auto" else 0)


async def test_a_page_stays_with_sockets_where_they_get_through(tmp_path: Path) -> None:
    await asyncio.to_thread(publish, BTC="63250.12")
    async with (
        serving() as address,
        running("page-24", f"ws://{address}/ws/rates", tmp_path, RATES_TRANSPORT="auto") as client,
    ):
        await client.until(lambda: shows(client, "63250.12"))
    assert "open: socket" in client.said


async def test_the_program_comes_back_after_a_restart(tmp_path: Path) -> None:
    await asyncio.to_thread(publish, BTC="63250.12")
    with Server("prepared", tmp_path / "first") as first:
        async with running("events", f"http://{first.address}/api/stream", tmp_path) as client:
            await client.until(lambda: shows(client, "63250.12"))
            first.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(first.process.wait, 30) == 0
            await asyncio.to_thread(publish, BTC="63251.5")
            with Server("prepared", tmp_path / "second", first.address.rpartition(":")[2]):
                await client.until(lambda: shows(client, "63251.5"))
        assert 0.5 <= client.waits()[0] <= 5


async def test_the_program_ends_where_its_selection_is_unknown(tmp_path: Path) -> None:
    await asyncio.to_thread(publish, BTC="63250.12")
    async with (
        serving() as address,
        running("events", f"http://{address}/api/stream?symbols=nope", tmp_path) as client,
    ):
        assert await client.ended() == 1
        assert client.said[-1].startswith("not allowed: 404")
