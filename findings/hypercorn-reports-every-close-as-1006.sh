#!/usr/bin/env bash
# hypercorn reports 1006 to the ASGI application, however the client closed.
#
# Versions: hypercorn 0.18.0 beside uvicorn 0.54.0; the client is websockets 17.4 (PyPI)
# Surprise: `websocket.disconnect` always has code 1006 and no reason, although the close frame of the client arrived and
#   was answered. 1006 means that there was no close frame.
# Matters: a service that counts how its clients leave (a closed page, an update, a lost connection, a code of its own) sees
#   a single kind, and its alert for lost connections never stops.
# Seen (2026-11-30):
#   | hypercorn 0.18.0
#   |   client closed with 1000 '': the application gets {'code': 1006}
#   |   client closed with 1001 '': the application gets {'code': 1006}
#   |   client closed with 4009 'mine': the application gets {'code': 1006}
#   | uvicorn 0.54.0
#   |   client closed with 1000 '': the application gets {'code': 1000, 'reason': ''}
#   |   client closed with 1001 '': the application gets {'code': 1001, 'reason': ''}
#   |   client closed with 4009 'mine': the application gets {'code': 4009, 'reason': 'mine'}
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check hypercorn==0.18.0 uvicorn==0.54.0 websockets==17.4
venv/bin/python - <<'PY' | tee seen
import asyncio
import socket
from importlib.metadata import version

import hypercorn.asyncio
import hypercorn.config
import uvicorn
import websockets

told = asyncio.Queue()


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": kind + ".complete"})
            if kind == "lifespan.shutdown":
                return
    await receive()
    await send({"type": "websocket.accept"})
    message = await receive()
    told.put_nowait({key: message[key] for key in ("code", "reason") if key in message})


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def connect(port):
    while True:
        try:
            return await websockets.connect(f"ws://127.0.0.1:{port}/", proxy=None)
        except OSError:
            await asyncio.sleep(0.05)


async def ask(name, port):
    print(name, version(name))
    for code, reason in ((1000, ""), (1001, ""), (4009, "mine")):
        client = await connect(port)
        await client.close(code, reason)
        print(f"  client closed with {code} {reason!r}: the application gets {await told.get()}")


async def main():
    port, stop = free_port(), asyncio.Event()
    config = hypercorn.config.Config()
    config.bind, config.loglevel = [f"127.0.0.1:{port}"], "ERROR"
    serving = asyncio.create_task(hypercorn.asyncio.serve(app, config, shutdown_trigger=stop.wait))
    await ask("hypercorn", port)
    stop.set()
    await serving
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, ws="websockets-sansio", log_level="error"))
    serving = asyncio.create_task(server.serve())
    await ask("uvicorn", port)
    server.should_exit = True
    await serving


asyncio.run(asyncio.wait_for(main(), 60))
PY
diff <(sed -n 's/^#   | \?//p' "$self") seen
