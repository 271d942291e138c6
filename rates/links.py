"""The ways to a client: through plain ASGI, which every server offers."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from rates.hub import Frame

# Seconds in which a client has to take something.
STUCK_AFTER = 15.0

Send = Callable[[dict[str, Any]], Awaitable[None]]


class AsgiLink:
    """
    A client behind the `send` of ASGI: one task at a time delivers; newer frames wait for nobody and are not kept.

    Where the server's `send` waits for the client (uvicorn), a slow client costs one frame of memory. Where it never
    waits (daphne), the server's own buffer takes everything until its ping time-out ends the connection.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._task: asyncio.Task[None] | None = None
        self._busy_since = 0.0
        self._closing = False
        self.on_free: Callable[[], None] = lambda: None

    def write(self, *frames: Frame) -> bool:
        """Hand over *frames*; False while the frames before are on their way."""
        if self._task is not None:
            return False
        self._busy_since = time.monotonic()
        self._task = asyncio.create_task(self._deliver(*({"type": "websocket.send", "text": f.text} for f in frames)))
        return True

    def close(self, code: int) -> None:
        """Close the connection with *code*, after the frame that is on its way."""
        waiting, self._closing = self._task, True
        self._task = asyncio.create_task(self._close(waiting, code))

    def look_after(self) -> None:
        """Close a client that takes nothing; to find dead ones is left to the server's own pings."""
        if self._task is not None and not self._closing and time.monotonic() - self._busy_since >= STUCK_AFTER:
            self._task.cancel()
            self.close(1013)

    async def _close(self, waiting: "asyncio.Task[None] | None", code: int) -> None:
        if waiting is not None:
            await asyncio.wait({waiting})
        await self._deliver({"type": "websocket.close", "code": code})

    async def _deliver(self, *messages: dict[str, Any]) -> None:
        try:
            for message in messages:
                await self._send(message)
        except (OSError, RuntimeError):
            return  # The client is gone; the server tells the consumer so.
        if not self._closing:
            self._task = None
            self.on_free()
