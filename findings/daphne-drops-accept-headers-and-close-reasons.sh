#!/usr/bin/env bash
# daphne drops the headers of `websocket.accept` and the reason of `websocket.close` without a word.
#
# Versions: daphne 4.2.3 beside uvicorn 0.54.0; the client is websockets 17.4 (PyPI)
# Surprise: both are part of the ASGI specification. daphne, the reference server, accepts the messages, sends the handshake
#   and the code, and leaves these two out; nothing is logged.
# Matters: what a price service says in them, such as the subprotocols on offer or why a token was refused, reaches clients
#   under uvicorn in development and no client under daphne in production.
# Seen (2026-11-30):
#   | daphne 4.2.3: x-dialects=None, closed with 4001 ''
#   | uvicorn 0.54.0: x-dialects='rates.v1', closed with 4001 'the token has run out'
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check daphne==4.2.3 uvicorn==0.54.0 websockets==17.4
cat > application.py <<'PY'
async def app(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept", "headers": [(b"x-dialects", b"rates.v1")]})
    await send({"type": "websocket.close", "code": 4001, "reason": "the token has run out"})
PY
venv/bin/python - <<'PY' | tee seen
import asyncio
import socket
import subprocess
import sys
from importlib.metadata import version

import websockets


async def connect(port):
    while True:
        try:
            return await websockets.connect(f"ws://127.0.0.1:{port}/", proxy=None)
        except OSError:
            await asyncio.sleep(0.05)


async def ask(name, *options):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [f"{sys.prefix}/bin/{name}", f"--port={port}", *options, "application:app"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        client = await connect(port)
        dialects = client.response.headers.get("x-dialects")
        await client.wait_closed()
        closed = f"{client.close_code} {client.close_reason!r}"
        print(f"{name} {version(name)}: x-dialects={dialects!r}, closed with {closed}")
    finally:
        server.kill()
        server.wait()


async def main():
    await ask("daphne")
    await ask("uvicorn", "--ws=websockets-sansio", "--lifespan=off")


asyncio.run(asyncio.wait_for(main(), 60))
PY
diff <(sed -n 's/^#   | \?//p' "$self") seen
