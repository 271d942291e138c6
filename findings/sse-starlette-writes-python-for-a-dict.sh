#!/usr/bin/env bash
# sse-starlette writes a dict that is given as data in Python's notation, which no JSON parser reads, and None as the word
# None.
#
# Versions: sse-starlette 3.7.0 (PyPI)
# Surprise: data goes through str(): `{"BTC": "63250.12"}` is sent with single quotes, and a small Decimal with an exponent.
#   `JSONServerSentEvent` writes JSON, and raises a TypeError for a Decimal.
# Matters: the server logs nothing, and every client that parses JSON fails on every event; one that does not parse stores
#   1.234E-8 as a price.
# Seen (2026-11-30):
#   | sse-starlette 3.7.0
#   | {'data': {'BTC': '63250.12'}} -> data: {'BTC': '63250.12'}
#   | {'data': Decimal('0.00000001234')} -> data: 1.234E-8
#   | None -> data: None
#   | JSONServerSentEvent({'BTC': '63250.12'}) -> data: {"BTC":"63250.12"}
#   | JSONServerSentEvent(Decimal('63250.12')) -> TypeError
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check sse-starlette==3.7.0
venv/bin/python - <<'PY' | tee seen
import asyncio
from decimal import Decimal
from importlib.metadata import version

from sse_starlette import EventSourceResponse, JSONServerSentEvent


async def respond(item):
    """The first body that an application which yields *item* sends."""
    bodies = asyncio.Queue()

    async def items():
        yield item

    async def send(message):
        if message["type"] == "http.response.body":
            bodies.put_nowait(message["body"])

    async def receive():
        await asyncio.Event().wait()

    await EventSourceResponse(items())({"type": "http", "method": "GET", "headers": []}, receive, send)
    return bodies.get_nowait().decode().strip()


async def main():
    print(f"sse-starlette {version('sse-starlette')}")
    price = {"BTC": "63250.12"}
    for item in ({"data": price}, {"data": Decimal("0.00000001234")}, None):
        shown = repr(item).replace("1.234E-8", "0.00000001234")
        print(f"{shown} -> {await respond(item)}")
    for data in (price, Decimal("63250.12")):
        try:
            body = await respond(JSONServerSentEvent(data))
        except TypeError as error:
            body = type(error).__name__
        print(f"JSONServerSentEvent({data!r}) -> {body}")


asyncio.run(asyncio.wait_for(main(), 30))
PY
diff <(sed -n 's/^#   | \?//p' "$self") seen
