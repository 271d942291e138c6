"""A client that shakes hands and then reads nothing is dropped, whatever server it came to, and costs nobody else."""

import asyncio
import select
import socket
import time
from pathlib import Path

import pytest

from tests.boards import publish
from tests.faults.conftest import Figure
from tests.servers import SERVERS, Server, next_frame, open_socket

COINS = [f"C{number}" for number in range(200)]
HANDSHAKE = (
    "GET /ws/rates HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: rates.v1\r\n\r\n"
)
STREAM = "GET /api/stream HTTP/1.1\r\nHost: {host}\r\n\r\n"
# Seconds until the kernel, which takes megabytes first, takes nothing any more; then STUCK_AFTER, CLOSE_TIMEOUT, and a
# look every few seconds.
FILLED_WITHIN, DROPPED_WITHIN = 120, 30


class Deaf:
    """A client that sends *request* and never reads, with little room in its kernel; what the server did with it."""

    def __init__(self, server: Server, request: str) -> None:
        self.most, self.filling, self.dropped = 1, time.monotonic(), 0.0
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, _, port = server.address.partition(":")
        self._socket.connect((host, int(port)))
        self._socket.sendall(request.format(host=server.address).encode())
        self._ends = tuple(f":{port:04X}" for port in (self._socket.getpeername()[1], self._socket.getsockname()[1]))

    def look(self, began: float) -> bool:
        """Note how far the server got; return whether it has ended the connection, in time."""
        now = time.monotonic()
        if self.dropped or self._is_dropped():
            self.dropped = self.dropped or now
            return True
        if self._taken() > self.most:
            self.most, self.filling = self._taken(), now
        assert self.filling - began < FILLED_WITHIN
        assert now - self.filling < DROPPED_WITHIN
        return False

    def _taken(self) -> int:
        """Return how many bytes the kernel has taken from the server; none once there is no connection."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
        return sum(int(row[4].partition(":")[0], 16) for row in rows if (row[1][-5:], row[2][-5:]) == self._ends)

    def _is_dropped(self) -> bool:
        poll = select.poll()
        poll.register(self._socket, 0)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Close the client's end."""
        self._socket.close()


@pytest.mark.parametrize("name", SERVERS)
async def test_a_client_that_never_reads_is_dropped(name: str, tmp_path: Path, figure: Figure) -> None:
    await asyncio.to_thread(publish, **dict.fromkeys(COINS, "1"))
    with Server(name, tmp_path / "server.log") as server:
        deaf = {kind: Deaf(server, request) for kind, request in (("socket", HANDSHAKE), ("event stream", STREAM))}
        async with open_socket(server.address) as healthy:
            await next_frame(healthy, "board")
            began, price = time.monotonic(), 1
            while [client for client in deaf.values() if not client.look(began)]:
                price += 1
                saved = await asyncio.to_thread(publish, **dict.fromkeys(COINS, str(price)))
                assert (await next_frame(healthy, "update"))["seq"] == saved.snapshot.seq
                await asyncio.sleep(0.1)
        for kind, client in deaf.items():
            figure(f"{kind}: dropped after", client.dropped - began, "s")
            figure(f"{kind}: after the kernel took nothing any more", client.dropped - client.filling, "s")
            client.close()
        assert "Traceback" not in server.log.read_text()
