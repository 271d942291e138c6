"""
Links to a client that reads server-sent events: prepared chunks go to the server's own connection, as for sockets.

Through the `send` of ASGI a delivery would cost twice as much, and under daphne nothing would bound what waits.

Tested in `tests/gateway/test_event_stream.py` under every server.
"""

import asyncio
import os
import time
from functools import partial
from typing import Any

from rates.fanout.admission import Refusal
from rates.fanout.close_codes import CloseCode
from rates.fanout.links import DAPHNE_SLACK, Send
from rates.fanout.slow_clients import (
    CLOSE_TIMEOUT,
    SlowClientTimer,
    bound_send_buffer,
    reset_connection,
    unacknowledged,
)
from rates.fanout.sockets import SOON, Frame, do_nothing


class EventLink:
    """A client of uvicorn, whose connection is an asyncio transport."""

    slack = 0

    def __init__(self, send: Send, transport: Any, chunked: bool) -> None:
        self._send, self._transport, self._chunked = send, transport, chunked
        self._timer = SlowClientTimer()
        self._written = self._acknowledged = 0
        self._closing: asyncio.Task[None] | None = None
        self.on_writable = self.on_blocked = do_nothing
        self._connection = self._prepare()

    def _prepare(self) -> Any:
        """Bound what waits for the client, in the process and in the kernel; return its socket."""
        connection = self._transport.get_extra_info("socket")
        self._transport.set_write_buffer_limits(high=0)
        bound_send_buffer(connection)
        self._descriptor = -1 if self._transport.get_extra_info("sslcontext") else connection.fileno()
        return connection

    def write(self, frame: Frame) -> bool:
        """Write *frame*; False while the client has not taken the one before, or is gone."""
        if self._closing or self._is_gone() or self._pending() > self.slack:
            return False
        data = frame.chunk if self._chunked else frame.events
        self._hand_over(data)
        self._written += len(data)
        return True

    write_heartbeat = write

    def close(self, code: int) -> None:
        """End the stream behind what waits; reset the connection of a client that does not take its end."""
        if self._closing:
            return
        self._closing = asyncio.create_task(self._send({"type": "http.response.body", "body": b""}))  # type: ignore[arg-type]
        if code == CloseCode.TRY_AGAIN_LATER:
            self._reset()
        else:
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, self._reset)

    def check_client(self) -> float:
        """Let the hub go on with a client that has read everything; end one that has taken nothing for too long."""
        if not (self._closing or self._is_gone()):
            self._check_progress()
        return SOON

    def _check_progress(self) -> None:
        waiting = self._pending()
        if not waiting:
            self.on_writable()
        unconfirmed = unacknowledged(self._connection)
        if self._written - waiting - unconfirmed > self._acknowledged:
            self._acknowledged = self._written - waiting - unconfirmed
            self._timer.restart()
        self._timer.close_if_stuck(self, waiting + unconfirmed, time.monotonic())

    def _hand_over(self, data: bytes) -> None:
        # As nothing waits, it goes straight to the kernel; TLS has to go through the transport.
        try:
            taken = os.write(self._descriptor, data) if self._descriptor >= 0 else 0
        except OSError:
            taken = 0
        if taken < len(data):
            self._transport.write(data[taken:])

    def _pending(self) -> int:
        size: int = self._transport.get_write_buffer_size()
        return size

    def _is_gone(self) -> bool:
        return bool(self._transport.is_closing())

    def _reset(self) -> None:
        if not self._is_gone():
            reset_connection(self._transport)


class DaphneEventLink(EventLink):
    """A client of daphne, whose connection is one of Twisted's."""

    slack = DAPHNE_SLACK

    def _prepare(self) -> Any:
        connection = self._transport.getHandle()
        bound_send_buffer(connection)
        return connection

    def _hand_over(self, data: bytes) -> None:
        self._transport.write(data)

    def _pending(self) -> int:
        return int(len(self._transport.dataBuffer) - self._transport.offset + self._transport._tempDataLen)

    def _is_gone(self) -> bool:
        return not self._transport.connected

    def _reset(self) -> None:
        if not self._is_gone():
            self._transport.abortConnection()


def open_event_link(scope: dict[str, Any], send: Send) -> EventLink:
    """
    Return the link to the client of *scope*; nothing may be written before the response has begun.

    Raises:
        Refusal: under another server than uvicorn and daphne.
    """
    chunked = scope["http_version"] == "1.1"
    if isinstance(send, partial) and hasattr(send.args[0], "channel"):
        return DaphneEventLink(send, send.args[0].channel.transport, chunked)
    if transport := getattr(getattr(send, "__self__", None), "transport", None):
        return EventLink(send, transport, chunked)
    raise Refusal("server", 501, CloseCode.NOT_ALLOWED, "event streams need uvicorn or daphne as the server")
