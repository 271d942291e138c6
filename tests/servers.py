"""The service in this very event loop or as a process of its own, on a free port, and clients for it."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from config.asgi import application
from rates.fanout.hub import get_hub
from tests.ports import free_port

# Every server that the same code runs on, with the limits that we tell operators to set.
SERVERS = {
    "prepared": ["manage.py", "serve"],
    "plain-asgi": [
        *("-m", "uvicorn", "config.asgi:application", "--ws", "websockets-sansio", "--port", "PORT"),
        *("--ws-max-size", "4096", "--ws-per-message-deflate", "false", "--no-access-log", "--log-level", "warning"),
    ],
    "daphne": [
        *("-m", "daphne", "-b", "127.0.0.1", "-p", "PORT", "--websocket-max-message-size", "16384"),
        *("--websocket-max-frame-size", "16384", "config.asgi:application"),
    ],
}


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


class Server:
    """A web server as a process of its own, and what it says."""

    def __init__(self, name: str, log: Path, port: str = "", **environment: str) -> None:
        port = port or str(free_port())
        self.name, self.log, self.address = name, log, f"127.0.0.1:{port}"
        command = [port if word == "PORT" else word for word in SERVERS[name]]
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                env=os.environ | {"PORT": port, "DJANGO_SETTINGS_MODULE": "config.settings"} | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        for _ in range(900):
            try:
                socket.create_connection(("127.0.0.1", int(port))).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(log.read_text())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
