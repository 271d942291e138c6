"""
Links to a client under other servers than ours: through plain ASGI, and through daphne's own connection.

`rates.fanout.server` has the fastest link, under uvicorn; `rates.fanout.slow_clients` closes who does not read.

Tested in `tests/fanout/test_consumers.py` under every server.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from rates.fanout.slow_clients import CLOSE_TIMEOUT, SlowClientTimer, reset_connection
from rates.fanout.sockets import SOON, Frame, do_nothing

# Bytes: Twisted hands nothing to the kernel before its next turn, so what was written just now is no sign of a slow
# client, and neither is the handshake response.
DAPHNE_SLACK = 16 * 1024

Send = Callable[[dict[str, Any]], Awaitable[None]]


class AsgiLink:
    """
    A client behind the `send` of ASGI: one task at a time delivers one frame; frames that come meanwhile are not kept.

    The server's `send` has to wait for the client, as uvicorn's does; a slow client then costs one frame of memory.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._task: asyncio.Task[None] | None = None
        self._timer = SlowClientTimer()
        self._closing = False
        self.on_writable = self.on_blocked = do_nothing

    def write(self, frame: Frame) -> bool:
        """Hand over *frame*; False while the one before is being sent."""
        if self._task is not None:
            return False
        self._timer.restart()
        self._task = asyncio.create_task(
            self._deliver(*({"type": "websocket.send", "text": text} for text in frame.texts))
        )
        return True

    write_heartbeat = write

    def close(self, code: int) -> None:
        """Close the connection with *code*, after the frame that is being sent."""
        sending, self._closing = self._task, True
        self._task = asyncio.create_task(self._close(sending, code))

    def check_client(self) -> float:
        """Close a client that does not read; finding dead ones is left to the server's own pings."""
        sending = self._task
        if sending and not self._closing and self._timer.close_if_stuck(self, 1, time.monotonic()):
            sending.cancel()
            self._reset_later()
        return SOON

    def _reset_later(self) -> None:
        """Reset the connection where that is possible: uvicorn holds its close frame back until the client reads."""
        if transport := getattr(getattr(self._send, "__self__", None), "transport", None):
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, reset_connection, transport)

    async def _close(self, sending: "asyncio.Task[None] | None", code: int) -> None:
        if sending is not None:
            await asyncio.wait({sending})
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
    A client of daphne, written to directly instead of through ASGI.

    Daphne's `send` never waits, silently drops what is longer than a client's message may be, and its `close` refuses
    all codes below 3000. So prepared frames go to the transport, which is asked before each of them, and once a second,
    how much it still holds: a slow client costs one frame of memory and `DAPHNE_SLACK`.
    """

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        # Daphne's default of one second is rounded down, often to zero, and what the client has not read then is lost.
        protocol.closeHandshakeTimeout = CLOSE_TIMEOUT
        self._timer = SlowClientTimer()
        self.on_writable = self.on_blocked = do_nothing

    def write(self, frame: Frame) -> bool:
        """Write *frame*; False while too much of the frames before it still waits."""
        if not self._is_open() or self._pending() > DAPHNE_SLACK:
            return False
        self._protocol.transport.write(frame.wire)
        return True

    write_heartbeat = write

    def close(self, code: int) -> None:
        """Send a close frame behind what waits; the connection ends soon, whether the client answers or not."""
        self._protocol.sendCloseFrame(code=code)

    def check_client(self) -> float:
        """Let the hub go on with a client that has read everything; close one that does not read."""
        pending = self._pending()
        if not pending:
            self.on_writable()
        if self._is_open():
            self._timer.close_if_stuck(self, pending, time.monotonic())
        return SOON

    def _is_open(self) -> bool:
        return bool(self._protocol.state == self._protocol.STATE_OPEN)

    def _pending(self) -> int:
        transport = self._protocol.transport
        return len(transport.dataBuffer) - transport.offset + transport._tempDataLen if transport else 0


def choose_link(scope: dict[str, Any], send: Send) -> Any:
    """Return the best link that the server offers."""
    if offered := scope.get("extensions", {}).get("rates.link"):
        return offered
    protocol = daphne_protocol(send)
    return DaphneLink(protocol) if protocol else AsgiLink(send)


def daphne_protocol(send: Send) -> Any:
    """Return daphne's connection, which its `send` holds as a partial; None under any other server."""
    return send.args[0] if isinstance(send, partial) and hasattr(send.args[0], "sendCloseFrame") else None
