"""
How `manage.py serve` accepts connections: `uvicorn --loop rates.inbound.listener:ServerLoop`.

    listening socket ─► accept, connect to uvicorn's protocol, read the request ─► the next connection

asyncio takes a task, a future and three turns of the loop for each connection before it reads a byte.

Tested in `tests/inbound/test_transport.py`.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Any

from rates.inbound.transport import SocketTransport

# Connections that are accepted before other tasks get a turn.
AT_ONCE = 64
# What this process or host is short of when it cannot accept; then it tries again after so many seconds.
SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
RETRY_DELAY = 1.0


class Listener:
    """Accepts connections from *source*, a listening socket, for the protocols that *factory* makes."""

    def __init__(self, loop: asyncio.AbstractEventLoop, factory: Callable[[], Any], source: socket.socket) -> None:
        self._loop, self._factory, self._source = loop, factory, source
        self._retry: asyncio.TimerHandle | None = None
        source.setblocking(False)
        self._listen()

    def close(self) -> None:
        """Stop; connections stay open."""
        if self._retry:
            self._retry.cancel()
        self._loop.remove_reader(self._source)
        self._source.close()

    async def wait_closed(self) -> None:
        """Return, because `close` has done it all."""

    def _listen(self) -> None:
        self._loop.add_reader(self._source, self._accept_some)

    def _accept_some(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, peer = self._source.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in SHORTAGES:
                    raise
                self._pause(error)
                return
            connection.setblocking(False)
            self._connect(connection, peer)

    def _connect(self, connection: socket.socket, peer: Any) -> None:
        transport = SocketTransport(self._loop, connection, peer, self._factory())
        try:
            transport.start()
        except Exception as error:
            transport.fail(error)

    def _pause(self, error: OSError) -> None:
        """Leave the connections to the kernel for a while."""
        self._loop.call_exception_handler({"message": "socket.accept() out of system resource", "exception": error})
        self._loop.remove_reader(self._source)
        self._retry = self._loop.call_later(RETRY_DELAY, self._listen)


class ServerLoop(asyncio.SelectorEventLoop):
    """An event loop that listens in this way."""

    async def create_server(self, protocol_factory: Callable[[], Any], *, sock: socket.socket, **_options: Any) -> Any:  # type: ignore[override] # asyncio's takes addresses too
        """Accept connections from *sock*, which listens already; without TLS."""
        return Listener(self, protocol_factory, sock)
