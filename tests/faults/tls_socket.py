"""
A WebSocket over TLS for tests that wait.

The synchronous client of `websockets` reads in one thread and writes in another; OpenSSL forbids that on one
connection, and a handshake or a close then hangs now and then. This one lives in an event loop of its own.
"""

import asyncio
import ssl
from collections.abc import Coroutine
from functools import cache
from threading import Thread
from typing import Any, Self

from websockets.asyncio.client import connect

# Seconds.
LONGEST = 30


@cache
def background_loop() -> asyncio.AbstractEventLoop:
    """Return a loop that runs in a thread until the tests end."""
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, daemon=True).start()
    return loop


def run(work: Coroutine[Any, Any, Any], seconds: float = LONGEST) -> Any:
    """Return what *work* returns in the loop, or raise what it raises."""
    return asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, seconds), background_loop()).result()


class TlsSocket:
    """A connection to `/ws/rates` of *host*, which listens on this machine; open within `with`."""

    def __init__(self, host: str, port: int, trust: ssl.SSLContext, headers: dict[str, str]) -> None:
        self._address = f"wss://{host}:{port}/ws/rates"
        self._options = {"host": "127.0.0.1", "port": port, "ssl": trust, "additional_headers": headers}

    def __enter__(self) -> Self:
        self._client = run(self._open())
        return self

    async def _open(self) -> Any:
        return await connect(self._address, subprotocols=["rates.v1"], compression=None, proxy=None, **self._options)

    def __exit__(self, *_: object) -> None:
        run(self._client.close())

    def recv(self, timeout: float) -> str:
        """Return the next message."""
        return run(self._client.recv(), timeout)
