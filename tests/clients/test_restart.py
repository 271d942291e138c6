"""All clients of `docs/clients/` together at the product itself, while it restarts."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path

from tests.boards import publish
from tests.clients.clients import PAGES, PROGRAMS, Client, running
from tests.servers import Server


async def test_every_client_is_sent_off_by_a_restart_and_comes_back_by_itself(tmp_path: Path) -> None:
    await asyncio.to_thread(publish, BTC="63250.12")
    with Server("prepared", tmp_path / "first") as first:
        async with AsyncExitStack() as stack:
            clients: list[Client] = []
            for name in [*PROGRAMS, *PAGES]:
                folder = tmp_path / name
                folder.mkdir()
                url = f"ws://{first.address}/ws/rates"
                clients.append(await stack.enter_async_context(running(name, url, folder)))
            for client in clients:
                await client.until(lambda: shows(client, "63250.12"))  # noqa: B023 - called at once
            first.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(first.process.wait, 30) == 0
            await asyncio.to_thread(publish, BTC="63251.5")
            with Server("prepared", tmp_path / "second", first.address.rpartition(":")[2]):
                for client in clients:
                    await client.until(lambda: shows(client, "63251.5"))  # noqa: B023 - called at once
            assert all(any("1012" in line for line in client.said) for client in clients if client.waits())


def shows(client: Client, price: str) -> bool:
    """Return whether the last line of *client* has *price*."""
    return bool(client.printed) and price in client.printed[-1]
