"""
The ways to a client through ASGI: as every server offers it, and as daphne does.

`rates.fanout.server` has the quickest one, under uvicorn.
"""

import asyncio
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from rates.fanout.sockets import Frame
from rates.telemetry import counts

# Seconds in which a client has to take something.
STUCK_AFTER = 15.0
# Seconds for the client's side of the closing handshake.
CLOSE_TIMEOUT = 3.0
# Bytes: Twisted hands nothing to the kernel before its next turn, so what was written just now is no sign of a slow
# client; nor is the answer to the handshake.
DAPHNE_SLACK = 16 * 1024

Send = Callable[[dict[str, Any]], Awaitable[None]]


class AsgiLink:
    """
    A client behind the `send` of ASGI: one task at a time delivers; newer frames wait for nobody and are not kept.

    The server's `send` has to wait for the client, as uvicorn's does; a slow client then costs one frame of memory.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._task: asyncio.Task[None] | None = None
        self._busy_since = 0.0
        self._closing = False
        self.on_writable: Callable[[], None] = lambda: None

    def write(self, frame: Frame) -> bool:
        """Hand over *frame*; False while the one before is on its way."""
        if self._task is not None:
            return False
        self._busy_since = time.monotonic()
        self._task = asyncio.create_task(
            self._deliver(*({"type": "websocket.send", "text": text} for text in frame.texts))
        )
        return True

    def close(self, code: int) -> None:
        """Close the connection with *code*, after the frame that is on its way."""
        waiting, self._closing = self._task, True
        self._task = asyncio.create_task(self._close(waiting, code))

    def check_client(self) -> None:
        """Close a client that takes nothing; to find dead ones is left to the server's own pings."""
        if self._task is not None and not self._closing and time.monotonic() - self._busy_since >= STUCK_AFTER:
            self._task.cancel()
            counts.closed.labels("slow").inc()
            self.close(1013)
            self._drop_later()

    def _drop_later(self) -> None:
        """End the connection where the server lets us: uvicorn holds its own close back too until the client reads."""
        if transport := getattr(getattr(self._send, "__self__", None), "transport", None):
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, reset_connection, transport)

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
            self.on_writable()


class DaphneLink:
    """
    A client of daphne, written to past its ASGI.

    Daphne's `send` never waits, loses without a word what is longer than a client's message may be, and its `close`
    refuses all codes below 3000. So the transport gets the prepared frames, and is asked what it still holds, before
    each and once a second: a slow client costs one frame of memory, and the slack.
    """

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        # Its own second is rounded down, often to nothing, and what the client has not read by then is lost.
        protocol.closeHandshakeTimeout = CLOSE_TIMEOUT
        self._busy_since = 0.0
        self._waiting = 0
        self.on_writable: Callable[[], None] = lambda: None

    def write(self, frame: Frame) -> bool:
        """Write *frame*; False while too much of those before waits."""
        if self._protocol.state != self._protocol.STATE_OPEN or self._pending() > DAPHNE_SLACK:
            return False
        self._protocol.transport.write(frame.wire)
        return True

    def close(self, code: int) -> None:
        """Send a close frame behind what waits; the connection ends soon, whether the client answers or not."""
        self._protocol.sendCloseFrame(code=code)

    def check_client(self) -> None:
        """Go on with a client that has taken everything; close one that takes nothing."""
        pending, now = self._pending(), time.monotonic()
        if not pending:
            self.on_writable()
        elif not self._waiting or pending < self._waiting:
            self._busy_since = now
        elif now - self._busy_since >= STUCK_AFTER and self._protocol.state == self._protocol.STATE_OPEN:
            counts.closed.labels("slow").inc()
            self.close(1013)
        self._waiting = pending

    def _pending(self) -> int:
        transport = self._protocol.transport
        return len(transport.dataBuffer) - transport.offset + transport._tempDataLen if transport else 0


def reset_connection(transport: Any) -> None:
    """End the connection of an asyncio *transport*; what its client does not take leaves the kernel too."""
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def choose_link(scope: dict[str, Any], send: Send) -> Any:
    """Return the best link that the server offers."""
    if offered := scope.get("extensions", {}).get("rates.link"):
        return offered
    protocol = daphne_protocol(send)
    return DaphneLink(protocol) if protocol else AsgiLink(send)


def daphne_protocol(send: Send) -> Any:
    """Return daphne's connection, which its `send` holds as a partial; None under any other server."""
    return send.args[0] if isinstance(send, partial) and hasattr(send.args[0], "sendCloseFrame") else None
