"""The peer to compare with: the library `websockets`, its `broadcast()`, one Redis subscription for all sockets."""

import asyncio
import sys

import redis.asyncio
from websockets.asyncio.server import ServerConnection, broadcast, serve

CHANNEL = "benchmark"
sockets: set[ServerConnection] = set()


async def meet(socket: ServerConnection) -> None:
    """Keep a socket until it goes."""
    sockets.add(socket)
    try:
        await socket.wait_closed()
    finally:
        sockets.discard(socket)


async def main(port: int, address: str) -> None:
    """Forward every message of the channel to every socket."""
    async with (
        serve(meet, "127.0.0.1", port, compression=None, subprotocols=["rates.v1"], backlog=4096),  # type: ignore[list-item]
        redis.asyncio.Redis.from_url(address, socket_timeout=None) as client,
        client.pubsub() as subscriber,
    ):
        await subscriber.subscribe(CHANNEL)
        async for message in subscriber.listen():
            if message["type"] == "message":
                broadcast(sockets, message["data"].decode())


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
