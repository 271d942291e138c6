"""The peer in Python: `websockets.broadcast()` with the same text from the same Redis channel."""

import asyncio
import gc
import sys

import redis.asyncio
from websockets.asyncio.server import ServerConnection, broadcast, serve

connections: set[ServerConnection] = set()


async def keep(connection: ServerConnection) -> None:
    """Keep one client connected."""
    connections.add(connection)
    try:
        await connection.wait_closed()
    finally:
        connections.discard(connection)


async def main(port: int, url: str) -> None:
    """Serve, and forward what Redis publishes."""
    # The same tuning as the service's.
    gc.freeze()
    gc.set_threshold(50_000, 50, 1_000)
    async with redis.asyncio.Redis.from_url(url) as client, client.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe("rates_update")
        async with serve(keep, "127.0.0.1", port, compression=None, backlog=4096):
            async for message in pubsub.listen():
                broadcast(connections, message["data"].decode())


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
