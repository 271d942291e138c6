"""The service in this very event loop: a real uvicorn on a free port, and clients for it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from config.asgi import application
from rates.hub import get_hub


@asynccontextmanager
async def serving(ws: str = "websockets-sansio") -> AsyncIterator[str]:
    """Serve with a hub of its own; the value is ``127.0.0.1:<port>``."""
    get_hub.cache_clear()
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application,
        ws=ws,
        ws_max_size=4096,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        access_log=False,
        log_config=None,
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve([listener]))  # `serve` would take the signals of the test run
    try:
        await until(lambda: server.started)
        host, port = listener.getsockname()
        yield f"{host}:{port}"
    finally:
        server.should_exit = True
        await running
        get_hub.cache_clear()


async def until(claim: Callable[[], bool]) -> None:
    """Wait until *claim* holds; too long is an error."""
    async with asyncio.timeout(10):
        while not claim():  # noqa: ASYNC110 - what is watched offers no event
            await asyncio.sleep(0.01)


def open_socket(address: str, query: str = "", typed: bool = True, **options: Any) -> connect:
    """Return a connection to `/ws/rates`, as an asynchronous context manager."""
    subprotocols = ["rates.v1"] if typed else None
    return connect(f"ws://{address}/ws/rates{query}", **{"subprotocols": subprotocols, "compression": None} | options)


async def next_frame(client: ClientConnection, kind: str | None = None) -> Any:
    """Return the next frame, or the next one of a *kind*."""
    async with asyncio.timeout(10):
        while True:
            frame = json.loads(await client.recv())
            if kind is None or frame["type"] == kind:
                return frame


async def closed_code(client: ClientConnection) -> int | None:
    """Return the code with which the server closes, after whatever it sends before."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(10):
            while True:
                await client.recv()
    return client.close_code
