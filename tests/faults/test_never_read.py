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
# Seconds until the kernel, which takes megabytes first, takes nothing any more; then STUCK_AFTER, CLOSE_TIMEOUT, and a
# look every few seconds.
FILLED_WITHIN, DROPPED_WITHIN = 120, 30


def open_deaf(server: Server) -> socket.socket:
    """Return a client that never reads, with little room in its kernel."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host, _, port = server.address.partition(":")
    client.connect((host, int(port)))
    client.sendall(HANDSHAKE.format(host=server.address).encode())
    return client


def taken(client: socket.socket) -> int:
    """Return how many bytes for *client* the kernel has taken from the server; none once there is no connection."""
    ends = tuple(f":{port:04X}" for port in (client.getpeername()[1], client.getsockname()[1]))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return sum(int(row[4].partition(":")[0], 16) for row in rows if (row[1][-5:], row[2][-5:]) == ends)


def is_dropped(client: socket.socket) -> bool:
    """Return whether the server has ended the connection, without reading."""
    poll = select.poll()
    poll.register(client, 0)
    return bool(poll.poll(0))


@pytest.mark.parametrize("name", SERVERS)
async def test_a_client_that_never_reads_is_dropped(name: str, tmp_path: Path, figure: Figure) -> None:
    await asyncio.to_thread(publish, **dict.fromkeys(COINS, "1"))
    with Server(name, tmp_path / "server.log") as server, open_deaf(server) as deaf:
        async with open_socket(server.address) as healthy:
            await next_frame(healthy, "board")
            began = filling = time.monotonic()
            price = most = 1
            while not is_dropped(deaf):
                if taken(deaf) > most:
                    most, filling = taken(deaf), time.monotonic()
                assert filling - began < FILLED_WITHIN
                assert time.monotonic() - filling < DROPPED_WITHIN
                price += 1
                saved = await asyncio.to_thread(publish, **dict.fromkeys(COINS, str(price)))
                assert (await next_frame(healthy, "update"))["seq"] == saved.snapshot.seq
                await asyncio.sleep(0.1)
            figure("dropped after", time.monotonic() - began, "s")
            figure("after the kernel took nothing any more", time.monotonic() - filling, "s")
        assert "Traceback" not in server.log.read_text()
