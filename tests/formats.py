"""
What a release writes into Redis and sends to the group, as data.

`tests/data/formats_v1.json` is what `record` returned after a tick of release 0.1.0 and an edit; `formats_v2.json` is
the same moment with the states as version 2 writes them. They stay as they are when the code changes; a change of
meaning raises the version and adds a file.
"""

import json
from pathlib import Path
from typing import Any

from rates import publication, store
from rates.store import Saved

DATA = Path(__file__).parent / "data"
READ = {"string": "get", "hash": "hgetall", "list": "lrange", "zset": "zrange"}


def record(saved: Saved) -> dict[str, Any]:
    """Return every key of the store, and the message of the publication *saved*."""
    client = store.client()
    keys = {}
    for key in sorted(client.keys("rates:*")):
        kind = client.type(key)
        limits = (0, -1) if kind in ("list", "zset") else ()
        keys[key] = {"type": kind, "value": getattr(client, READ[kind])(key, *limits)}
    return {"redis": keys, "message": publication.build_message(saved.snapshot, saved.changed, saved.removed)}


def restore(recorded: dict[str, Any]) -> None:
    """Put what was recorded into Redis."""
    client = store.client()
    for key, found in recorded["redis"].items():
        value = found["value"]
        if found["type"] == "string":
            client.set(key, value)
        elif found["type"] == "hash":
            client.hset(key, mapping=value)
        elif found["type"] == "list":
            client.rpush(key, *value)
        else:
            client.zadd(key, dict.fromkeys(value, 4102444800))


def load(name: str) -> dict[str, Any]:
    """Return a recorded file."""
    return json.loads((DATA / name).read_text())
