"""
Clients that never read, next to healthy ones: `python -m benchmarks.slow_clients`.

First the healthy ones alone, then together with 100 that never read, for a minute; 200 coins, two publications a
second, every price changes, dialect `rates.v1`. Prints the healthy clients' median delay in both phases, by how much
the server's memory grew, and when the slow clients were closed. The argument `daphne` measures daphne.
"""

import asyncio
import os
import select
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

from benchmarks.fan_out import Publisher, memory_kb, redis_server, running, set_up_django
from tests.ports import free_port

COINS, HEALTHY, SLOW = 200, 100, 100
ALONE_SECONDS, TOGETHER_SECONDS = 15, 60
HANDSHAKE = (
    "GET /ws/rates HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: rates.v1\r\n\r\n"
)


async def listen(client: ClientConnection, arrivals: list[int]) -> None:
    """Record when each frame arrives."""
    while await client.recv():
        arrivals.append(time.monotonic_ns())


def open_slow(port: int) -> socket.socket:
    """Return a client that completes the handshake and never reads."""
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(HANDSHAKE.format(host=f"127.0.0.1:{port}").encode())
    return client


def closed(clients: list[socket.socket]) -> int:
    """Return how many of *clients* the server has dropped."""
    poll = select.poll()
    for client in clients:
        poll.register(client, 0)
    return len(poll.poll(0))


async def publish_for(seconds: float, publisher: Publisher, arrivals: list[int], slow: list[socket.socket]) -> str:
    """Publish twice a second; return the healthy clients' median delay, and when the slow clients were gone."""
    delays, publications, gone_at, began = [], 0, None, time.monotonic()
    while time.monotonic() - began < seconds:
        arrivals.clear()
        at = await asyncio.to_thread(publisher.publish)
        await asyncio.sleep(0.5)
        publications += 1
        delays += [(arrival - at) / 1e6 for arrival in arrivals]
        if gone_at is None and slow and closed(slow) == len(slow):
            gone_at = time.monotonic() - began
    lost = HEALTHY * publications - len(delays)
    gone = f", slow ones gone after {gone_at:.1f} s" if gone_at else ""
    return f"median delay {statistics.median(delays):.2f} ms, {len(delays)} frames, {lost} lost{gone}"


async def measure(port: int, pid: int) -> None:
    """Run both phases."""
    publisher, arrivals = Publisher(COINS), []
    await asyncio.to_thread(publisher.publish)
    address = f"ws://127.0.0.1:{port}/ws/rates"
    clients = [await connect(address, subprotocols=["rates.v1"], compression=None) for _ in range(HEALTHY)]
    listeners = [asyncio.create_task(listen(client, arrivals)) for client in clients]
    await publish_for(3, publisher, arrivals, [])
    print("healthy alone:  ", await publish_for(ALONE_SECONDS, publisher, arrivals, []), flush=True)
    before = memory_kb(pid)
    slow = [open_slow(port) for _ in range(SLOW)]
    most = asyncio.create_task(watch_memory(pid))
    print("with slow ones: ", await publish_for(TOGETHER_SECONDS, publisher, arrivals, slow), flush=True)
    most.cancel()
    print(f"memory: {before} KB before, +{peak[0] - before} KB at most, +{memory_kb(pid) - before} KB in the end")
    for task in listeners:
        task.cancel()


peak = [0]


async def watch_memory(pid: int) -> None:
    """Record the highest resident memory."""
    while True:
        peak[0] = max(peak[0], memory_kb(pid))
        await asyncio.sleep(0.2)


def main() -> None:
    """Start Redis and the server, and measure."""
    command = {
        "serve": [sys.executable, "manage.py", "serve"],
        "daphne": [sys.executable, "-m", "daphne", "config.asgi:application", "-p"],
    }[sys.argv[1] if len(sys.argv) > 1 else "serve"]
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as url:
        port = free_port()
        set_up_django(url, Path(folder))
        os.environ["PORT"] = str(port)
        with running([*command, str(port)] if command[-1] == "-p" else command, port) as server:
            asyncio.run(measure(port, server.pid))


if __name__ == "__main__":
    main()
