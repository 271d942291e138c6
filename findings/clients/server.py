"""A small server that refuses, closes and serves as `docs/protocol.md` says; its path says which: `/1012/somebody`."""

import asyncio
import http
import json
import time
from collections import defaultdict

from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Response

HELLO = {"type": "hello", "v": 1, "epoch": "e", "quote": "usd", "interval": 5, "heartbeat": 10, "stale_after": 15}
RETRY_AFTER = "7"
# Monotonic seconds of every handshake, by path.
handshakes = defaultdict(list)


def board(coins):
    """Return a `board` of about 250 bytes a coin, as the service writes them."""
    coin = {
        "name": "Some coin", "price": "63250.12", "change_24h_pct": "-1.41", "volume_24h": "28123456789.1",
        "source": "binance", "observed_at": "2026-11-23T21:40:08.512Z", "stale": False, "disputed": False,
        "confirmed_by": ["coingecko", "kraken"], "spread_pct": "0.04",
    }  # fmt: skip
    rates = [{"symbol": f"C{number}"} | coin for number in range(coins)]
    return {"type": "board", "epoch": "e", "seq": 1, "as_of": "2026-11-23T21:40:09.000Z", "rates": rates}


async def answer(connection, request):
    """Refuse where the path is an HTTP status."""
    handshakes[request.path].append(time.monotonic())
    case = request.path.split("/")[1]
    if case not in ("403", "503"):
        return None
    headers = Headers({"Content-Length": "0"} | ({"Retry-After": RETRY_AFTER} if case == "503" else {}))
    return Response(int(case), http.HTTPStatus(int(case)).phrase, headers)


async def talk(connection):
    """Greet, and close with the code that the path is."""
    case = connection.request.path.split("/")[1]
    try:
        await connection.send(json.dumps(HELLO))
        await connection.send(json.dumps(board(500 if case == "500" else 1)))
        if case == "1012":
            await connection.send('{"type": "bye", "retry_ms": 500}')
        if case != "500":
            await connection.close(int(case))
        await connection.wait_closed()
    except ConnectionClosed:
        pass


def start():
    """Return the server, which listens on a free port; no compression, as the service."""
    return serve(
        talk, "127.0.0.1", 0, process_request=answer, subprotocols=["rates.v1"], compression=None, ping_interval=None,
        close_timeout=1,
    )  # fmt: skip
